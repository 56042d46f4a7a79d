/** The surfaces of the segments that are shown over an image: made when they are first seen, and dropped when their mask goes. */

import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { LabelledSegment, LabelledSegmentation, LabelMap } from "@/api/segmentations";
import { blockAffine, blockPlan, stepsOfAffine } from "@/core/blockMeans";
import { CoverageCount } from "@/core/segmentCoverage";
import type { SurfaceMesh } from "@/core/surfaceNet";
import type { Vector } from "@/core/vectors";
import { holdLabels } from "@/scene/labelSource";
import { releaseVolume } from "@/scene/volumePool";
import type { BodyTarget } from "@/tools/volume3d/bodyTarget";
import { MOST_SURFACES, SURFACE_BOUNDS, surfaceOpacity } from "@/tools/volume3d/model";
import type { SurfaceLook } from "@/tools/volume3d/solidScene";
import { SurfaceMaker } from "@/tools/volume3d/surfaceMaker";
import { labelMapOf } from "@/views/labelPictures";
import { shownSegment, useMaskLayers } from "@/views/maskLayers";

/** A segment of a mask that is shown. */
interface WantedSurface {
  readonly key: string;
  readonly record: LabelledSegmentation;
  readonly segment: LabelledSegment;
  /** Null if it is hidden. */
  readonly look: SurfaceLook | null;
}

/** Where surfaces are put. */
export interface SurfaceStage {
  addSurface(key: string, mesh: SurfaceMesh): void;
  setLook(key: string, look: SurfaceLook | null): void;
  removeSurface(key: string): void;
}

const keyOfSegment = ({ id, version }: LabelledSegmentation, { number }: LabelledSegment): string => `${id}/${version}/${number}`;

export function useSegmentSurfaces(target: () => BodyTarget | null, stage: () => SurfaceStage | null) {
  const masks = useMaskLayers();
  /** The meshes that were made, with the blocks they were made of; the stage has them all. */
  const made = shallowRef<ReadonlyMap<string, { readonly mesh: SurfaceMesh; readonly every: Vector }>>(new Map());
  const busy = ref(false);
  const failure = ref("");
  let maker: SurfaceMaker | null = null;
  let reading: AbortController | null = null;

  const known = computed<readonly WantedSurface[]>(() => {
    const shown = target();
    if (!shown) return [];
    const image = { series: shown.series, volume: shown.volume, space: shown.volume.frame_of_reference_uid ?? "" };
    return masks.masksOf(image).flatMap(({ layer, record }) =>
      record.segments.flatMap((segment) => {
        if (!segment.box || !record.affine) return [];
        const { visible, colour } = shownSegment(layer, segment);
        const look = layer.visible && visible ? { colour, opacity: surfaceOpacity(layer.opacity) } : null;
        return [{ key: keyOfSegment(record, segment), record, segment, look }];
      }),
    );
  });
  const seen = computed(() => known.value.filter(({ look }) => look !== null));
  const tooMany = computed(() => Math.max(0, seen.value.length - MOST_SURFACES));
  /** The blocks of the surfaces that are shown. */
  const shownEvery = computed(() =>
    seen.value.flatMap(({ key }) => {
      const own = made.value.get(key);
      return own ? [own.every] : [];
    }),
  );

  /** Makes the surfaces that are missing, mask after mask. */
  async function makeMissing(): Promise<void> {
    reading?.abort();
    const missing = seen.value.slice(0, MOST_SURFACES).filter(({ key }) => !made.value.has(key));
    failure.value = "";
    busy.value = missing.length > 0;
    if (missing.length === 0) return;
    const controller = new AbortController();
    reading = controller;
    try {
      for (const group of groupsOf(missing)) await makeGroup(group, controller.signal);
    } catch (error) {
      if (!isAbort(error) && !controller.signal.aborted) failure.value = errorText(error);
    }
    if (reading === controller) busy.value = false;
  }

  /** The segments of one label map: it is read once. */
  async function makeGroup(group: readonly WantedSurface[], signal: AbortSignal): Promise<void> {
    const map = labelMapOf(group[0].record, group[0].segment.layer);
    if (!map) return;
    const counts = group.map(({ segment }) => countOf(segment, map, seen.value.length));
    await readLabels(map, counts, signal);
    maker ??= new SurfaceMaker();
    for (const [i, count] of counts.entries()) {
      const affine = blockAffine(map.affine, count.plan.every, count.first);
      const mesh = await maker.make(count.coverage(), affine);
      if (signal.aborted) return;
      const { key } = group[i];
      made.value = new Map(made.value).set(key, { mesh, every: count.plan.every });
      put(key);
    }
  }

  /** Puts a mesh on the stage as it looks now. */
  function put(key: string): void {
    const [own, wanted] = [made.value.get(key), known.value.find((each) => each.key === key)];
    if (!own || !wanted) return;
    stage()?.addSurface(key, own.mesh);
    stage()?.setLook(key, wanted.look);
  }

  /** What a new stage shows. */
  function putAll(): void {
    for (const key of made.value.keys()) put(key);
  }

  watch(
    known,
    (now) => {
      const looks = new Map(now.map(({ key, look }) => [key, look]));
      const kept = [...made.value].filter(([key]) => looks.has(key));
      for (const key of made.value.keys()) {
        const look = looks.get(key);
        if (look === undefined) stage()?.removeSurface(key);
        else stage()?.setLook(key, look);
      }
      if (kept.length < made.value.size) made.value = new Map(kept);
    },
    { flush: "sync" },
  );
  watch(
    () => seen.value.map(({ key }) => key).join(" "),
    () => void makeMissing(),
    { immediate: true },
  );
  watch(stage, putAll);
  onScopeDispose(() => {
    reading?.abort();
    maker?.close();
    made.value = new Map();
  });

  return { busy, failure, tooMany, shownEvery, made, retry: makeMissing };
}

/** Segments by mask and label map. */
function groupsOf(wanted: readonly WantedSurface[]): WantedSurface[][] {
  const groups = new Map<string, WantedSurface[]>();
  for (const each of wanted) {
    const key = `${each.record.id}/${each.segment.layer}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

function countOf(segment: LabelledSegment, map: LabelMap, among: number): CoverageCount {
  const [low, high] = (segment.box ?? [[0, 0, 0], [0, 0, 0]]) as unknown as readonly [Vector, Vector];
  const shape = high.map((end, axis) => end - low[axis]);
  const voxels = Math.max(1, Math.floor(Math.min(SURFACE_BOUNDS.one, SURFACE_BOUNDS.all / among)));
  return new CoverageCount({ low, high }, blockPlan(shape, stepsOfAffine(map.affine), { perAxis: 512, voxels }), segment.value);
}

/** Reads those slices of a label map that have something of the segments. */
async function readLabels(map: LabelMap, counts: readonly CoverageCount[], signal: AbortSignal): Promise<void> {
  const source = holdLabels(map);
  const view = `surfaces ${source.key}`;
  const wanted = Array.from({ length: map.shape[0] }, (_, slice) => slice).filter((slice) => counts.some(({ box }) => slice >= box.low[0] && slice < box.high[0]));
  try {
    source.demand({ view, slice: wanted[0] ?? 0, direction: 1, around: false, crossing: true });
    for (const slice of wanted) {
      const { values, columns } = await source.picture({ kind: "grid", plane: "acquired", index: slice }, signal);
      for (const count of counts) count.add(slice, values, columns);
    }
  } finally {
    source.withdraw(view);
    releaseVolume(source);
  }
}
