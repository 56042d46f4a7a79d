/** The figures of what the tool counts: by the tab where it has the values, else by the server, the same to the last digit. */

import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort, ServerProblem } from "@/api/http";
import { paddingOfVolume, type Series, type Volume } from "@/api/series";
import { getRegionHistogram, measureSeries } from "@/api/studies";
import { type Histogram, volumeAbove } from "@/core/histogram";
import { Latest } from "@/core/latest";
import { CountedValues, type Limits } from "@/core/valueLimits";
import { type Region, regionText } from "@/core/regions";
import type { Vector } from "@/core/vectors";
import { NO_PIECE } from "@/core/voxelCounts";
import type { VoxelCounter } from "@/scene/volumeSource";
import { useHistograms } from "@/stores/histograms";
import { askedLimits } from "@/tools/measure/choice";
import type { Figures } from "@/tools/measure/model";
import { useThreshold } from "@/tools/measure/store";
import { useViews } from "@/views/views";

/** What is counted: a new object for each change of it. */
interface CountTask {
  readonly series: Series;
  readonly volume: Volume;
  readonly limits: Limits;
  /** Where pieces have to reach; null if voxels count by their own values. */
  readonly reach: Limits | null;
  readonly region: Region | null;
  readonly seed: Vector | null;
  /** Counts in the tab; null if the server has to. */
  readonly counter: VoxelCounter | null;
  /** True if somebody has said that the region lies in the volume's places. */
  readonly assumed: boolean;
}

interface RegionCount {
  readonly volume: Volume;
  readonly region: Region;
  readonly histogram: Histogram;
  readonly total: number;
}

interface SingleCount extends Figures {
  readonly of: CountTask;
}

/** Of a segment that is being edited, where the tab cannot count. */
const NOT_SAVED = "The segment has more voxels of such values than the page counts by itself, and the server knows nothing that is not saved: save the segmentation to count in it.";
/** Milliseconds without a change before the server is asked. */
const REST_MS = 200;

/** Plain numbers: what Vue watches cannot be sent to a worker. */
function plainRegion(region: Region): Region {
  if (region.kind === "segment") return region;
  return region.kind === "sphere" ? { kind: "sphere", centre: [...region.centre], radius: region.radius } : { kind: "box", low: [...region.low], high: [...region.high] };
}

export function useCounting() {
  const views = useViews();
  const tool = useThreshold();
  const view = computed(() => views.active);

  const histogram = shallowRef<Histogram | null>(null);
  const inRegion = shallowRef<RegionCount | null>(null);
  /** The last figures of a piece, or of what only the server counts. */
  const single = shallowRef<SingleCount | null>(null);
  const error = ref("");
  let loading: AbortController | null = null;
  let timer: number | undefined;

  const counted = computed<CountTask | null>(() => {
    const { series, volume, source } = view.value;
    if (!series || !volume || volume.colour || tool.waits) return null;
    const counter = tool.onServer ? null : (source?.counter ?? null);
    return { series, volume, limits: tool.limits, reach: tool.reach, region: tool.region, seed: tool.seed, counter, assumed: tool.isAssumed };
  });
  const whole = computed(() => histogram.value && new CountedValues(histogram.value));
  const regional = computed(() => inRegion.value && new CountedValues(inRegion.value.histogram));
  /** True if the region's counts are those of what is counted now. */
  const isRegional = computed(() => inRegion.value !== null && inRegion.value.volume === counted.value?.volume && inRegion.value.region === counted.value.region);
  /** True if figures follow from a histogram, without anybody being asked. */
  const isLive = computed(() => {
    const of = counted.value;
    if (!of || of.seed || of.reach) return false;
    return of.region ? (inRegion.value?.histogram.exact ?? true) && histogram.value !== null : histogram.value?.exact === true;
  });

  const figures = computed<Figures>(() => {
    const of = counted.value;
    if (!of) return { count: null, mm3: null };
    if (!isLive.value) return single.value?.of.volume === of.volume ? single.value : { count: null, mm3: null };
    const values = of.region ? (inRegion.value?.volume === of.volume ? regional.value : null) : whole.value;
    const count = values?.count(of.limits) ?? null;
    return { count, mm3: volumeAbove(count, of.volume.spacing_mm) };
  });
  /** True while the figures are of something before. */
  const pending = computed(() => {
    const of = counted.value;
    if (!of || error.value || tool.isBehind) return tool.waits || tool.isBehind;
    return isLive.value ? of.region !== null && !isRegional.value : single.value?.of !== of;
  });
  const total = computed(() => {
    const of = counted.value;
    if (of?.region) return isRegional.value ? (inRegion.value?.total ?? 0) : 0;
    return (of?.volume.shape ?? []).reduce((product, size) => product * size, 1);
  });
  /** What the plot shows: the region's histogram, or the whole volume's. */
  const shown = computed(() => (counted.value?.region && inRegion.value?.volume === counted.value.volume ? inRegion.value.histogram : histogram.value));

  /** `task` returns what has to be said, empty if nothing. */
  async function guarded(task: () => Promise<string>): Promise<void> {
    try {
      error.value = await task();
    } catch (failure) {
      if (!isAbort(failure)) error.value = errorText(failure);
    }
  }

  const regionCounts = new Latest<CountTask>((of, signal) =>
    guarded(async () => {
      const { series, volume, counter, region, assumed } = of;
      if (!region) return "";
      const own = counter && (await counter.histogram({ region: plainRegion(region), padding: paddingOfVolume(volume) }, signal));
      const within = regionText(region);
      if (!own && within === null) throw new Error(NOT_SAVED);
      const found = own ?? (await getRegionHistogram(series.id, { volume: volume.index, within: within ?? undefined, same_frame_of_reference: assumed || undefined }, signal));
      // A segmentation is not counted by its values: the server says so of the whole volume.
      const exact = found.exact && (histogram.value?.exact !== false || own !== null);
      inRegion.value = { volume, region, histogram: { ...found, exact }, total: found.total ?? 0 };
      return "";
    }),
  );

  const pieces = new Latest<CountTask>((of, signal) =>
    guarded(async () => {
      const { volume, counter, limits, reach, region, seed } = of;
      const voxel = seed && tool.voxelOf(seed);
      if (!counter || (seed && !voxel)) return askServer(of, signal);
      const piece = await counter.piece({ limits: { ...limits }, reach: reach && { ...reach }, region: region && plainRegion(region), padding: paddingOfVolume(volume), seed: voxel }, signal);
      if (counted.value?.volume !== volume) return "";
      tool.piece = piece ?? NO_PIECE;
      const count = piece?.count ?? 0;
      single.value = { of, count, mm3: volumeAbove(count, volume.spacing_mm) };
      return piece ? "" : "The marked voxel does not count: mark another one, or move the limits.";
    }),
  );

  async function askServer(of: CountTask, signal: AbortSignal): Promise<string> {
    const { series, volume, region, seed, assumed } = of;
    const within = region && regionText(region);
    if (region && within === null) throw new Error(NOT_SAVED);
    const query = { same_frame_of_reference: assumed || undefined, volume: volume.index, ...askedLimits(tool.choice, tool.range), ...(within ? { within } : {}), ...(seed ? { component: seed.join(",") } : {}) };
    try {
      const answer = await measureSeries(series.id, query, signal);
      single.value = { of, count: answer.pixels_above_threshold, mm3: answer.volume_mm3 };
      return "";
    } catch (failure) {
      // The marked voxel itself does not count: then nothing does.
      if (!seed || !(failure instanceof ServerProblem) || failure.status !== 422) throw failure;
      single.value = { of, count: 0, mm3: volumeAbove(0, volume.spacing_mm) };
      return failure.message;
    }
  }
  const served = new Latest<CountTask>((of, signal) => guarded(() => askServer(of, signal)));

  async function load(): Promise<void> {
    const { series, volume } = view.value;
    loading?.abort();
    histogram.value = null;
    inRegion.value = null;
    single.value = null;
    error.value = "";
    if (!series || !volume || volume.colour) return;
    const controller = new AbortController();
    loading = controller;
    try {
      const loaded = await useHistograms().load(series.id, volume);
      if (!controller.signal.aborted) histogram.value = loaded;
    } catch (failure) {
      if (!controller.signal.aborted) error.value = errorText(failure);
    }
  }

  /** Counts what does not follow from a histogram that is there. */
  function count(): void {
    const of = counted.value;
    window.clearTimeout(timer);
    if (!of || !histogram.value) return;
    const { region, seed, reach } = of;
    if (region && !isRegional.value) regionCounts.ask(of);
    if (isLive.value) {
      if (!region || isRegional.value) error.value = "";
      return;
    }
    if ((seed || reach) && of.counter) pieces.ask(of);
    else timer = window.setTimeout(() => served.ask(of), REST_MS);
  }

  watch(() => view.value.volume, load, { immediate: true });
  watch([counted, histogram, inRegion], count, { immediate: true });
  onScopeDispose(() => {
    loading?.abort();
    window.clearTimeout(timer);
    for (const each of [regionCounts, pieces, served]) each.end();
  });

  return { histogram, whole, shown, figures, pending, total, error };
}
