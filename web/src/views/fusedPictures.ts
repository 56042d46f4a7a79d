/** The pictures of the images that are fused over a view's, taken at the same places. */

import { onScopeDispose, shallowRef, type ShallowRef, watch } from "vue";

import type { Volume } from "@/api/series";
import { isAbort } from "@/api/http";
import { columnOf, planeAffine } from "@/core/geometry";
import { layerCut, layerSlab, type SlabPlanes } from "@/core/layerCut";
import { voxelAt } from "@/core/plane";
import { add, scaled, type Vector } from "@/core/vectors";
import type { FusedLayer } from "@/scene/layers";
import { slabPlanes } from "@/scene/neededSlices";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import type { CutRequest, PlanePicture, VolumeSource } from "@/scene/volumeSource";
import { useOpenSeries } from "@/stores/openSeries";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

/** The picture of a fused image, with the samples in each pixel of the picture below. */
export interface FusedPicture {
  readonly picture: PlanePicture;
  readonly perRow: number;
  readonly perColumn: number;
}

interface HeldLayer {
  readonly source: VolumeSource;
  readonly volume: Volume;
  readonly stop: () => void;
}

interface AskedPicture extends FusedPicture {
  readonly key: string;
}

/** The picture below waits so long for those above, so that they change together. */
const TOGETHER_MS = 200;

const keyOf = ({ seriesId, volumeIndex }: FusedLayer): string => `${seriesId}/${volumeIndex}`;

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
export function fusedRequest(on: ShownPicture, below: Volume | null, layer: FusedLayer, above: Volume, smooth: boolean): { request: CutRequest; perRow: number; perColumn: number } | null {
  if (!on.cut || !above.affine) return null;
  const slab = slabOf(on, below);
  const { cut, perRow, perColumn } = layerCut(on.cut, above.affine, add(layer.offset, slab?.shift ?? [0, 0, 0]));
  const method = smooth ? "linear" : "nearest";
  if (!slab || !on.request.slab) return { request: { kind: "cut", cut, method }, perRow, perColumn };
  const { depth, step } = layerSlab(slab, above.affine);
  return { request: { kind: "cut", cut, method, slab: { mode: on.request.slab.mode, depth, step } }, perRow, perColumn };
}

/** Follows the picture of a view and its fused images: `whole` is the picture with which all of `pictures` belong together. */
export function useFusedPictures(view: View, shown: Readonly<ShallowRef<ShownPicture | null>>) {
  const records = useOpenSeries();
  const whole = shallowRef<ShownPicture | null>(null);
  /** By layer, in the order of `view.fused`; null for one that is hidden, or not there yet. */
  const pictures = shallowRef<readonly (FusedPicture | null)[]>([]);
  const held = new Map<string, HeldLayer>();
  const asked = new Map<string, AskedPicture>();
  let running: AbortController | null = null;
  let timer: number | undefined;
  let probing: AbortController | null = null;

  /** Takes the sources of the layers, and gives back those of others. */
  function hold(): void {
    const wanted = new Set(view.fused.map(keyOf));
    for (const [key, layer] of held) if (!wanted.has(key)) release(key, layer);
    for (const layer of view.fused) {
      const key = keyOf(layer);
      const volume = records.records.get(layer.seriesId)?.volumes.at(layer.volumeIndex);
      if (held.has(key) || !volume) continue;
      const source = holdVolume(layer.seriesId, volume);
      const stop = source.subscribe(() => {
        const kept = asked.get(key);
        if (kept && kept.picture.missing > 0) ask();
      });
      held.set(key, { source, volume, stop });
      source.demand({ view: demandName(key), slice: Math.floor((volume.shape[0] - 1) / 2), direction: 0, around: false, crossing: true });
    }
  }

  const demandName = (key: string): string => `${view.id} fused ${key}`;

  function release(key: string, { source, stop }: HeldLayer): void {
    stop();
    source.withdraw(demandName(key));
    releaseVolume(source);
    held.delete(key);
    asked.delete(key);
  }

  function show(on: ShownPicture | null, layers: readonly (FusedPicture | null)[]): void {
    window.clearTimeout(timer);
    whole.value = on;
    pictures.value = layers;
  }

  /** The layers' pictures for a picture below that are at hand; the others are missing. */
  function atHand(on: ShownPicture): (FusedPicture | null)[] {
    return view.fused.map((layer) => {
      const kept = asked.get(keyOf(layer));
      return layer.visible && kept?.key === requestOf(on, layer)?.key ? (kept ?? null) : null;
    });
  }

  function requestOf(on: ShownPicture, layer: FusedLayer) {
    const above = held.get(keyOf(layer));
    if (!above || layer.space !== view.space) return null;
    const wanted = fusedRequest(on, view.volume, layer, above.volume, view.smooth);
    return wanted && { ...wanted, source: above.source, key: JSON.stringify([above.source.key, wanted.request]) };
  }

  function ask(): void {
    const on = shown.value;
    running?.abort();
    running = null;
    if (!on || view.fused.length === 0) {
      show(on, []);
      return;
    }
    const controller = new AbortController();
    running = controller;
    const wishes = view.fused.filter(({ visible }) => visible).map(async (layer) => {
      const wanted = requestOf(on, layer);
      const kept = asked.get(keyOf(layer));
      if (!wanted || (kept?.key === wanted.key && kept.picture.missing === 0)) return;
      const picture = wanted.source.recent(wanted.request) ?? (await wanted.source.picture(wanted.request, controller.signal));
      asked.set(keyOf(layer), { picture, perRow: wanted.perRow, perColumn: wanted.perColumn, key: wanted.key });
    });
    window.clearTimeout(timer);
    // A slow image above does not hold up the one below; it is never drawn over another plane.
    timer = window.setTimeout(() => show(on, atHand(on)), TOGETHER_MS);
    void Promise.allSettled(wishes).then((ends) => {
      if (controller.signal.aborted) return;
      failure.value = ends.some((end) => end.status === "rejected" && !isAbort(end.reason));
      show(on, atHand(on));
    });
  }

  /** True if a fused image could not be had. */
  const failure = shallowRef(false);

  /** The values of the layers under the pointer: exact voxels, or of the projection where one is shown. */
  function probe(): void {
    probing?.abort();
    const [at, on] = [view.probe, whole.value];
    if (!at?.point || !on || view.fused.length === 0) {
      view.fusedValues = [];
      return;
    }
    const { point, row, column } = at;
    if (on.request.slab) {
      view.fusedValues = pictures.value.map((above) => above && pictureValue(above, row, column));
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
    const above = held.get(keyOf(layer));
    if (!above?.volume.affine || layer.space !== view.space) return null;
    return above.source.voxel(voxelAt(above.volume.affine, add(point, layer.offset)), signal);
  }

  watch(
    () => [view.fused.map(keyOf).join(), view.fused.map(({ seriesId }) => records.records.get(seriesId))] as const,
    () => {
      hold();
      ask();
    },
    { immediate: true },
  );
  watch([shown, () => view.smooth, () => view.fused.map(({ visible, offset }) => `${visible} ${offset.join()}`).join()], ask, { flush: "sync" });
  watch([() => view.probe, () => view.fused, pictures], probe);
  onScopeDispose(() => {
    running?.abort();
    probing?.abort();
    window.clearTimeout(timer);
    for (const [key, layer] of [...held]) release(key, layer);
  });
  return { whole, pictures, failure };
}

/** The value in the middle of a pixel of the picture below. */
function pictureValue({ picture, perRow, perColumn }: FusedPicture, row: number, column: number): readonly number[] | null {
  const [y, x] = [row * perRow + Math.floor(perRow / 2), column * perColumn + Math.floor(perColumn / 2)];
  const start = (y * picture.columns + x) * picture.samples;
  const values = Array.from(picture.values.subarray(start, start + picture.samples));
  return picture.missing > 0 || values.length === 0 || values.some(Number.isNaN) ? null : values;
}
