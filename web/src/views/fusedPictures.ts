/** The images that are fused over a view's: what is asked of them for a picture, and their values under the pointer. */

import { computed, onScopeDispose, type ShallowRef, watch } from "vue";

import type { Volume } from "@/api/series";
import { columnOf, planeAffine } from "@/core/geometry";
import { layerCut, layerSlab, type SlabPlanes } from "@/core/layerCut";
import { voxelAt } from "@/core/plane";
import { add, scaled, type Vector } from "@/core/vectors";
import type { FusedLayer } from "@/scene/layers";
import { slabPlanes } from "@/scene/neededSlices";
import { holdVolume } from "@/scene/volumePool";
import type { VolumeSource } from "@/scene/volumeSource";
import { useOpenSeries } from "@/stores/openSeries";
import type { Above, AbovePicture, AboveRequest } from "@/views/abovePictures";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

/** The key of a layer's pictures. */
export const keyOfFused = ({ seriesId, volumeIndex }: FusedLayer): string => `fused ${seriesId}/${volumeIndex}`;

/** The planes that are projected in a picture; null for a single one. */
function slabOf({ request }: ShownPicture, volume: Volume | null): SlabPlanes | null {
  if (!request.slab || !volume?.affine) return null;
  if (request.kind === "cut") return { depth: request.slab.depth, step: request.slab.step, shift: [0, 0, 0] };
  const affine = planeAffine(volume.affine, volume.shape, request.plane);
  const [first, last] = slabPlanes(request.index, request.slab.planes, volume.planes[request.plane]?.count ?? 1);
  const step = columnOf(affine, 0);
  return { depth: last - first + 1, step, shift: scaled(step, (first + last) / 2 - request.index) };
}

/** What is asked of a fused image for a picture below it; null if that has no place. */
export function fusedRequest(on: ShownPicture, below: Volume | null, layer: FusedLayer, above: Volume, smooth: boolean): AboveRequest | null {
  if (!on.cut || !above.affine) return null;
  const slab = slabOf(on, below);
  const { cut, perRow, perColumn } = layerCut(on.cut, above.affine, add(layer.offset, slab?.shift ?? [0, 0, 0]));
  const method = smooth ? "linear" : "nearest";
  if (!slab || !on.request.slab) return { request: { kind: "cut", cut, method }, perRow, perColumn };
  const { depth, step } = layerSlab(slab, above.affine);
  return { request: { kind: "cut", cut, method, slab: { mode: on.request.slab.mode, depth, step } }, perRow, perColumn };
}

/** The fused images of a view whose records are known. */
export function useFusedImages(view: View) {
  const records = useOpenSeries();
  return computed<readonly Above[]>(() =>
    view.fused.flatMap((layer) => {
      const volume = records.records.get(layer.seriesId)?.volumes.at(layer.volumeIndex);
      if (!volume) return [];
      return {
        key: keyOfFused(layer),
        visible: layer.visible,
        stamp: `${layer.offset.join()} ${view.smooth}`,
        hold: () => holdVolume(layer.seriesId, volume),
        firstSlice: Math.floor((volume.shape[0] - 1) / 2),
        request: (on: ShownPicture) => (layer.space === view.space ? fusedRequest(on, view.volume, layer, volume, view.smooth) : null),
      };
    }),
  );
}

interface Drawn {
  readonly whole: Readonly<ShallowRef<ShownPicture | null>>;
  readonly pictures: Readonly<ShallowRef<ReadonlyMap<string, AbovePicture>>>;
  readonly sourceOf: (key: string) => VolumeSource | null;
}

/** Tells the values of the fused images under the pointer: exact voxels, or of the projection where one is shown. */
export function useFusedValues(view: View, { whole, pictures, sourceOf }: Drawn): void {
  const records = useOpenSeries();
  let probing: AbortController | null = null;

  function probe(): void {
    probing?.abort();
    const [at, on] = [view.probe, whole.value];
    if (!at?.point || !on || view.fused.length === 0) {
      view.fusedValues = [];
      return;
    }
    const { point, row, column } = at;
    if (on.request.slab) {
      view.fusedValues = view.fused.map((layer) => {
        const above = pictures.value.get(keyOfFused(layer));
        return above ? pictureValue(above, row, column) : null;
      });
      return;
    }
    const controller = new AbortController();
    probing = controller;
    const asks = view.fused.map((layer) => layerVoxel(layer, point, controller.signal));
    Promise.all(asks).then(
      (values) => {
        if (!controller.signal.aborted) view.fusedValues = values;
      },
      () => undefined,
    );
  }

  async function layerVoxel(layer: FusedLayer, point: Vector, signal: AbortSignal): Promise<readonly number[] | null> {
    const source = sourceOf(keyOfFused(layer));
    const affine = records.records.get(layer.seriesId)?.volumes.at(layer.volumeIndex)?.affine;
    if (!source || !affine || layer.space !== view.space) return null;
    return source.voxel(voxelAt(affine, add(point, layer.offset)), signal);
  }

  watch([() => view.probe, () => view.fused, pictures], probe);
  onScopeDispose(() => probing?.abort());
}

/** The value in the middle of a pixel of the picture below. */
function pictureValue({ picture, perRow, perColumn }: AbovePicture, row: number, column: number): readonly number[] | null {
  const [y, x] = [row * perRow + Math.floor(perRow / 2), column * perColumn + Math.floor(perColumn / 2)];
  const start = (y * picture.columns + x) * picture.samples;
  const values = Array.from(picture.values.subarray(start, start + picture.samples));
  return picture.missing > 0 || values.length === 0 || values.some(Number.isNaN) ? null : values;
}
