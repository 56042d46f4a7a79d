/** The masks over a view's image: their label maps, how they are painted, and which segments lie under the pointer. */

import { computed, type ShallowRef, watch } from "vue";

import type { LabelMap, LabelledSegmentation } from "@/api/segmentations";
import { type LabelPalette, labelPalette } from "@/core/labelPaint";
import { inverseAffine, toIndex } from "@/core/plane";
import { holdLabels } from "@/scene/labelSource";
import type { LabelsLayer } from "@/scene/layers";
import { releaseVolume } from "@/scene/volumePool";
import type { CutRequest } from "@/scene/volumeSource";
import { useSegmentations } from "@/stores/masksOfImages";
import type { Above, AbovePicture, AboveRequest } from "@/views/abovePictures";
import { shownSegment, useMaskLayers } from "@/views/maskLayers";
import type { PaintedLabels } from "@/views/pictureCanvas";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

const keyOfLabels = ({ id, version }: LabelledSegmentation, map: number): string => `labels ${id}/${version}/${map}`;

/** A label map of a mask; null if the mask has no place. */
export function labelMapOf({ id, version, dtype, shape, affine }: LabelledSegmentation, layer: number): LabelMap | null {
  return affine && { segmentationId: id, layer, version, dtype, shape, affine };
}

/** What is asked of a label map for a picture below it: the nearest voxel at the centre of each pixel, in a slab of its own plane only. */
export function labelsRequest({ cut }: Pick<ShownPicture, "cut">): AboveRequest | null {
  return cut && { request: { kind: "cut", cut, method: "nearest" }, perRow: 1, perColumn: 1 };
}

/** The slice of a label map nearest to where a view looks. */
function sliceNear(view: View, { affine, shape }: LabelMap): number {
  const at = view.place ? toIndex(inverseAffine(affine), view.place)[0] : (shape[0] - 1) / 2;
  return Math.max(0, Math.min(shape[0] - 1, Math.round(at)));
}

/** The label maps of the masks over a view. */
export function useLabelMaps(view: View) {
  const masks = useMaskLayers();
  return computed<readonly Above[]>(() =>
    masks.masksOf(view).flatMap(({ layer, record }) =>
      Array.from({ length: record.layers }, (_, number) => labelMapOf(record, number)).flatMap((map, number) => {
        if (!map) return [];
        const isSeen = layer.visible && record.segments.some((segment) => segment.layer === number && shownSegment(layer, segment).visible);
        return { key: keyOfLabels(record, number), visible: isSeen, stamp: "", hold: () => holdLabels(map), firstSlice: sliceNear(view, map), request: labelsRequest };
      }),
    ),
  );
}

/** Has the first pictures of all masks fetched before the views are made. Resolves when they are at hand, or cannot be had so. */
export async function labelsAhead(views: readonly View[]): Promise<void> {
  const [masks, known] = [useMaskLayers(), useSegmentations()];
  await Promise.all(masks.layers.map(({ segmentationId }) => known.open(segmentationId)));
  const ahead = async (map: LabelMap, request: CutRequest): Promise<void> => {
    const source = holdLabels(map);
    await source.ahead?.(request);
    releaseVolume(source);
  };
  await Promise.all(
    views.flatMap((view) => {
      const asked = labelsRequest(view);
      const records = masks.masksOf(view).flatMap(({ layer, record }) => (layer.visible ? [record] : []));
      const maps = records.flatMap((record) => Array.from({ length: record.layers }, (_, number) => labelMapOf(record, number)));
      return asked ? maps.flatMap((map) => (map ? [ahead(map, asked.request)] : [])) : [];
    }),
  );
}

/** The palettes of a layer stay the same objects as long as it looks the same, so that they are painted once. */
const made = new WeakMap<LabelsLayer["looks"], Map<string, LabelPalette>>();

function paletteOf(layer: LabelsLayer, record: LabelledSegmentation, number: number): LabelPalette {
  const own = made.get(layer.looks) ?? new Map<string, LabelPalette>();
  made.set(layer.looks, own);
  const key = `${keyOfLabels(record, number)} ${layer.outlined}`;
  const kept = own.get(key);
  if (kept) return kept;
  const parts = record.segments.filter((segment) => segment.layer === number);
  const palette = labelPalette(parts.map((segment) => ({ value: segment.value, ...shownSegment(layer, segment) })));
  own.set(key, palette);
  return palette;
}

/** What is painted of the masks over a picture. */
export function usePaintedLabels(view: View, pictures: Readonly<ShallowRef<ReadonlyMap<string, AbovePicture>>>) {
  const masks = useMaskLayers();
  return computed<readonly PaintedLabels[]>(() =>
    masks.masksOf(view).flatMap(({ layer, record }) =>
      Array.from({ length: record.layers }).flatMap((_, number) => {
        const above = layer.visible && pictures.value.get(keyOfLabels(record, number));
        return above ? [{ picture: above.picture, palette: paletteOf(layer, record, number), opacity: layer.opacity }] : [];
      }),
    ),
  );
}

/** Tells the segments that are drawn under the pointer. */
export function useSegmentsUnder(view: View, pictures: Readonly<ShallowRef<ReadonlyMap<string, AbovePicture>>>): void {
  const masks = useMaskLayers();
  watch(
    () => {
      const at = view.probe;
      if (!at) return [];
      return masks.masksOf(view).flatMap(({ layer, record }) =>
        record.segments.flatMap((segment) => {
          const picture = layer.visible ? pictures.value.get(keyOfLabels(record, segment.layer))?.picture : undefined;
          const { visible, colour } = shownSegment(layer, segment);
          if (!picture || !visible || picture.values[at.row * picture.columns + at.column] !== segment.value) return [];
          return [{ segmentationId: record.id, number: segment.number, label: segment.label, colour }];
        }),
      );
    },
    (under) => (view.segmentsUnder = under),
  );
}
