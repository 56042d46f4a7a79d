/** The surfaces of the segments that are shown or drawn over an image: made when they are first seen, and dropped when their mask or draft goes. */

import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { LabelledSegment, LabelledSegmentation, LabelMap } from "@/api/segmentations";
import { blockAffine, blockPlan, stepsOfAffine } from "@/core/blockMeans";
import type { Affine } from "@/core/geometry";
import { CoverageCount } from "@/core/segmentCoverage";
import type { SurfaceMesh } from "@/core/surfaceNet";
import type { Vector } from "@/core/vectors";
import { eachRunOfBits } from "@/core/voxelBits";
import type { Draft } from "@/scene/draft";
import { holdLabels } from "@/scene/labelSource";
import { releaseVolume } from "@/scene/volumePool";
import type { BodyTarget } from "@/tools/volume3d/bodyTarget";
import { MOST_SURFACES, SURFACE_BOUNDS, surfaceOpacity } from "@/tools/volume3d/model";
import type { SurfaceLook } from "@/tools/volume3d/solidScene";
import { SurfaceMaker } from "@/tools/volume3d/surfaceMaker";
import { useDrafts } from "@/views/drafts";
import { labelMapOf } from "@/views/labelPictures";
import { shownSegment, useMaskLayers } from "@/views/maskLayers";

interface Wanted {
  readonly key: string;
  /** Of its voxels: another one is made when it changes. */
  readonly revision: number;
  /** Null if it is hidden. */
  readonly look: SurfaceLook | null;
}

/** A segment of a mask that is shown. */
interface MaskSurface extends Wanted {
  readonly record: LabelledSegmentation;
  readonly segment: LabelledSegment;
}

/** A segment that is being edited. */
interface DraftSurface extends Wanted {
  readonly draft: Draft;
  readonly number: number;
}

type WantedSurface = MaskSurface | DraftSurface;

/** A mesh that was made. */
interface MadeSurface {
  readonly mesh: SurfaceMesh;
  readonly revision: number;
  /** The blocks of which it was made. */
  readonly every: Vector;
}

/** Milliseconds without an edit before the surfaces of what is edited are made again. */
const REST_MS = 300;

/** Where surfaces are put. */
export interface SurfaceStage {
  addSurface(key: string, mesh: SurfaceMesh): void;
  setLook(key: string, look: SurfaceLook | null): void;
  removeSurface(key: string): void;
}

const NO_BOX = [[0, 0, 0], [0, 0, 0]];

const keyOfSegment = ({ id, version }: LabelledSegmentation, { number }: LabelledSegment): string => `${id}/${version}/${number}`;

export function useSegmentSurfaces(target: () => BodyTarget | null, stage: () => SurfaceStage | null) {
  const [masks, drafts] = [useMaskLayers(), useDrafts()];
  /** The meshes that were made; the stage has them all. */
  const made = shallowRef<ReadonlyMap<string, MadeSurface>>(new Map());
  /** Of the draft, once nothing was edited for a moment. */
  const restedRevision = ref(drafts.state?.revision ?? 0);
  let resting: number | undefined;
  const busy = ref(false);
  const failure = ref("");
  let maker: SurfaceMaker | null = null;
  let reading: AbortController | null = null;

  const edited = computed<readonly DraftSurface[]>(() => {
    const [shown, { draft, state, look: drawn }] = [target(), drafts];
    if (!shown || !draft || !state) return [];
    const { space } = draft.grid;
    const isOver = space === "" ? shown.series.id === draft.image.seriesId : space === shown.volume.frame_of_reference_uid;
    if (!isOver) return [];
    return state.segments.flatMap(({ number, colour, count }) => {
      if (count === 0) return [];
      const look = drawn.visible && !drawn.hidden.has(number) ? { colour, opacity: surfaceOpacity(drawn.opacity) } : null;
      return [{ key: `draft ${draft.id}/${number}`, revision: restedRevision.value, draft, number, look }];
    });
  });
  const stored = computed<readonly MaskSurface[]>(() => {
    const shown = target();
    if (!shown) return [];
    const image = { series: shown.series, volume: shown.volume, space: shown.volume.frame_of_reference_uid ?? "" };
    return masks.masksOf(image).flatMap(({ layer, record }) =>
      record.segments.flatMap((segment) => {
        if (!segment.box || !record.affine) return [];
        const { visible, colour } = shownSegment(layer, segment);
        const look = layer.visible && visible ? { colour, opacity: surfaceOpacity(layer.opacity) } : null;
        return [{ key: keyOfSegment(record, segment), revision: 0, record, segment, look }];
      }),
    );
  });
  const known = computed<readonly WantedSurface[]>(() => [...stored.value, ...edited.value]);
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
    const missing = seen.value.slice(0, MOST_SURFACES).filter(({ key, revision }) => made.value.get(key)?.revision !== revision);
    failure.value = "";
    busy.value = missing.length > 0;
    if (missing.length === 0) return;
    const controller = new AbortController();
    reading = controller;
    try {
      for (const group of groupsOf(missing.filter((each) => "record" in each))) await makeGroup(group, controller.signal);
      for (const each of missing) if ("draft" in each) await makeOfDraft(each, controller.signal);
    } catch (error) {
      if (!isAbort(error) && !controller.signal.aborted) failure.value = errorText(error);
    }
    if (reading === controller) busy.value = false;
  }

  /** The segments of one label map: it is read once. */
  async function makeGroup(group: readonly MaskSurface[], signal: AbortSignal): Promise<void> {
    const map = labelMapOf(group[0].record, group[0].segment.layer);
    if (!map) return;
    const counts = group.map(({ segment }) => countOf(segment.box ?? NO_BOX, map.affine, segment.value, seen.value.length));
    await readLabels(map, counts, signal);
    for (const [i, count] of counts.entries()) await mesh(group[i], count, map.affine, signal);
  }

  /** A segment as it is drawn now. */
  async function makeOfDraft(wanted: DraftSurface, signal: AbortSignal): Promise<void> {
    const { shape, affine } = wanted.draft.grid;
    const { voxels } = await wanted.draft.voxelsOf(wanted.number, { shape, affine }, { signal });
    const [low, high] = [0, 1].map((end) => voxels.box.map((range) => range[end]));
    if (signal.aborted || voxels.bits.length === 0) return;
    const count = countOf([low, high], affine, 1, seen.value.length);
    eachRunOfBits(voxels, (slice, row, first, beyond) => count.addRun(slice, row, first, beyond));
    await mesh(wanted, count, affine, signal);
  }

  async function mesh({ key, revision }: Wanted, count: CoverageCount, affine: Affine, signal: AbortSignal): Promise<void> {
    const { every } = count.plan;
    maker ??= new SurfaceMaker();
    const surface = await maker.make(count.coverage(), blockAffine(affine, every, count.first));
    if (signal.aborted) return;
    made.value = new Map(made.value).set(key, { mesh: surface, revision, every });
    put(key);
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
    () => seen.value.map(({ key, revision }) => `${key}@${revision}`).join(" "),
    () => void makeMissing(),
    { immediate: true },
  );
  watch(
    () => [drafts.draft, drafts.state?.revision],
    () => {
      window.clearTimeout(resting);
      resting = window.setTimeout(() => (restedRevision.value = drafts.state?.revision ?? 0), REST_MS);
    },
  );
  watch(stage, putAll);
  onScopeDispose(() => {
    window.clearTimeout(resting);
    reading?.abort();
    maker?.close();
    made.value = new Map();
  });

  return { busy, failure, tooMany, shownEvery, made, retry: makeMissing };
}

/** Segments by mask and label map. */
function groupsOf(wanted: readonly MaskSurface[]): MaskSurface[][] {
  const groups = new Map<string, MaskSurface[]>();
  for (const each of wanted) {
    const key = `${each.record.id}/${each.segment.layer}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

function countOf(box: readonly (readonly number[])[], affine: Affine, value: number, among: number): CoverageCount {
  const [low, high] = box as unknown as readonly [Vector, Vector];
  const shape = high.map((end, axis) => end - low[axis]);
  const voxels = Math.max(1, Math.floor(Math.min(SURFACE_BOUNDS.one, SURFACE_BOUNDS.all / among)));
  return new CoverageCount({ low, high }, blockPlan(shape, stepsOfAffine(affine), { perAxis: 512, voxels }), value);
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
