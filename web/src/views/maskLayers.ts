/** The masks that lie over the images of the views: shown once, over every image at the same places of the patient. */

import { defineStore } from "pinia";
import { shallowRef } from "vue";

import type { LabelledSegment, LabelledSegmentation, SegmentationSummary } from "@/api/segmentations";
import { type ImagePlace, type LabelsLayer, overImage, type SegmentLook } from "@/scene/layers";
import { useSegmentations } from "@/stores/masksOfImages";
import type { View } from "@/views/view";

/** A mask over a view's image. */
export interface MaskOfView {
  readonly layer: LabelsLayer;
  readonly record: LabelledSegmentation;
  /** How it is known that it lies over this image. */
  readonly placed: "frame" | "assumed";
}

/** A segment with its look. */
export interface ShownSegment {
  readonly segment: LabelledSegment;
  readonly colour: string;
  readonly outlined: boolean;
  readonly visible: boolean;
}

const FIRST_OPACITY = 0.5;

/** Where a view's image lies; null if it shows none. */
export const imagePlace = ({ series, volume, space }: Pick<View, "series" | "volume" | "space">): ImagePlace | null => (series && volume ? { seriesId: series.id, space } : null);

/** A segment as it is shown. */
export function shownSegment(layer: LabelsLayer, segment: LabelledSegment): ShownSegment {
  const { colour = segment.colour, outlined = layer.outlined, hidden = false } = layer.looks[segment.number] ?? {};
  return { segment, colour, outlined, visible: !hidden };
}

export const useMaskLayers = defineStore("maskLayers", () => {
  const known = useSegmentations();
  /** From below. */
  const layers = shallowRef<readonly LabelsLayer[]>([]);

  const layerOf = (id: number): LabelsLayer | null => layers.value.find(({ segmentationId }) => segmentationId === id) ?? null;

  /** The masks over a view's image, whose records are known. */
  function masksOf(view: Pick<View, "series" | "volume" | "space">): MaskOfView[] {
    const image = imagePlace(view);
    if (!image) return [];
    return layers.value.flatMap((layer) => {
      const record = known.records.get(layer.segmentationId);
      const placed = overImage(layer, image);
      return record && placed ? [{ layer, record, placed }] : [];
    });
  }

  /** Shows a mask; `assumed` is an image over which it lies because somebody says so. */
  function show(id: number, space: string, assumed: ImagePlace | null = null): void {
    const kept = layerOf(id);
    const before = kept?.assumedOver ?? [];
    const assumedOver = assumed && !overImage({ space, assumedOver: before }, assumed) ? [...before, assumed] : before;
    const layer: LabelsLayer = { kind: "labels", segmentationId: id, space, opacity: FIRST_OPACITY, outlined: false, looks: {}, ...kept, visible: true, assumedOver };
    layers.value = kept ? layers.value.map((other) => (other === kept ? layer : other)) : [...layers.value, layer];
    void known.open(id);
  }

  /**
   * Shows the masks that lie in some series, as results of a job, over a view's image.
   *
   * Returns how many are shown, and those that are not because nothing says that they lie there.
   */
  async function showOfSeries(view: View, seriesIds: readonly number[]): Promise<{ readonly shown: number; readonly unplaced: readonly SegmentationSummary[] }> {
    const { series, volume } = view;
    if (!series || !volume) return { shown: 0, unplaced: [] };
    const list = await known.list(series.id, volume.index);
    const own = (list?.rows ?? []).filter(({ series_id: id, problem }) => seriesIds.includes(id) && problem === null);
    const placed = own.filter((mask) => mask.placed === "frame");
    for (const { id, space } of placed) show(id, space);
    return { shown: placed.length, unplaced: own.filter((mask) => mask.placed !== "frame") };
  }

  /** Shows layers as they are, of an address. */
  function put(wanted: readonly LabelsLayer[]): void {
    layers.value = wanted;
    for (const { segmentationId } of wanted) void known.open(segmentationId);
  }

  function remove(id: number): void {
    layers.value = layers.value.filter(({ segmentationId }) => segmentationId !== id);
  }

  function change(id: number, changes: Partial<Pick<LabelsLayer, "opacity" | "outlined" | "visible" | "looks">>): void {
    layers.value = layers.value.map((layer) => (layer.segmentationId === id ? { ...layer, ...changes } : layer));
  }

  /** Changes the look of some segments. */
  function look(id: number, numbers: readonly number[], changes: SegmentLook): void {
    const layer = layerOf(id);
    if (!layer) return;
    const looks = { ...layer.looks };
    for (const number of numbers) looks[number] = { ...looks[number], ...changes };
    change(id, { looks });
  }

  /** Hides all masks, or shows them again. */
  function toggle(): void {
    const visible = !layers.value.some((layer) => layer.visible);
    layers.value = layers.value.map((layer) => ({ ...layer, visible }));
  }

  /** Outlines all segments, or fills them again. */
  function toggleOutlines(): void {
    const outlined = !layers.value.some((layer) => layer.outlined);
    layers.value = layers.value.map((layer) => ({ ...layer, outlined, looks: withoutOutlines(layer.looks) }));
  }

  function clear(): void {
    layers.value = [];
    known.clear();
  }

  return { layers, layerOf, masksOf, show, showOfSeries, put, remove, change, look, toggle, toggleOutlines, clear };
});

/** Looks in which no segment has an outline of its own choice. */
export function withoutOutlines(looks: LabelsLayer["looks"]): LabelsLayer["looks"] {
  return Object.fromEntries(Object.entries(looks).map(([number, { colour, hidden }]) => [number, { ...(colour ? { colour } : {}), ...(hidden ? { hidden } : {}) }]));
}
