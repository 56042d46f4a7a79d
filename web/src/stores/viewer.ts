import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { PlaneOut } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import type { Series, Volume } from "@/api/series";
import { getSeries } from "@/api/studies";
import { edgeLetters, edgeLettersFromOrientation } from "@/core/edgeLetters";
import { acquiredOrientation, type Affine, type Plane, planeAffine, sliceAffine, sliceOfPlane } from "@/core/geometry";
import { isActive } from "@/core/jobState";
import type { PaddingRange } from "@/core/paint";
import { FITTED, zoomAbout, type ZoomPan } from "@/core/sliceLayout";
import { type VoiChoice, voiChoices } from "@/core/voiChoices";
import { dragWindow, type Voi, type Window, windowOfRange } from "@/core/windowing";

export interface Probe {
  readonly row: number;
  readonly column: number;
  /** One for greyscale, three for colour; null until the slice is loaded. */
  readonly values: readonly number[] | null;
}

/** The rate for headers without one. */
const DEFAULT_FPS = 15;
const NO_CHOICE: VoiChoice = { name: "", voi: windowOfRange(0, 1) };

/** The affine of one slice with a slice step along its normal. */
function withNormalStep(affine: Affine): Affine {
  const [down, right] = [1, 2].map((j) => affine.map((row) => row[j]));
  const normal = [0, 1, 2].map((i) => right[(i + 1) % 3] * down[(i + 2) % 3] - right[(i + 2) % 3] * down[(i + 1) % 3]);
  return affine.map((row, i) => [normal[i], row[1], row[2], row[3]]);
}

/** The state of the viewer: the series, the volume, plane and slice shown, and how they are shown. */
export const useViewer = defineStore("viewer", () => {
  const series = shallowRef<Series | null>(null);
  const error = ref("");
  const volumeIndex = ref(0);
  const plane = ref<Plane>("acquired");
  const index = ref(0);
  /** The direction of the last step; prefetching follows it. */
  const direction = ref<-1 | 0 | 1>(0);
  /** The chosen window or table for all slices, or each slice's own. */
  const choice = shallowRef<VoiChoice>(NO_CHOICE);
  const invert = ref(false);
  const smooth = ref(true);
  const view = shallowRef<ZoomPan>(FITTED);
  const playing = ref(false);
  /** Frames per second; null for the header's rate. */
  const fps = ref<number | null>(DEFAULT_FPS);
  const backwards = ref(false);
  const probe = shallowRef<Probe | null>(null);
  const threshold = ref(0.5);
  const tinting = ref(false);

  const volume = computed<Volume | null>(() => series.value?.volumes[volumeIndex.value] ?? null);
  const building = computed(() => series.value !== null && series.value.volumes.length === 0 && isActive(series.value.state));
  const facts = computed<PlaneOut | null>(() => volume.value?.planes[plane.value] ?? null);
  const count = computed(() => facts.value?.count ?? 0);
  const choices = computed(() => (volume.value && !volume.value.colour ? voiChoices(volume.value) : []));
  /** The window or table of the current slice. */
  const voi = computed(() => voiOf(plane.value, index.value));
  /** Matrix from (slice, row, column) to LPS millimetres; for an irregular volume that of the current slice, null if unknown. */
  const affine = computed<Affine | null>(() => {
    const shown = volume.value;
    if (shown?.affine) return planeAffine(shown.affine, shown.shape, plane.value);
    const [, row, column] = shown?.spacing_mm ?? [null, null, null];
    const { position, orientation } = shown?.slice_places?.[index.value] ?? { position: null, orientation: null };
    return position && orientation && row !== null && column !== null ? sliceAffine(position, orientation, [row, column]) : null;
  });
  const edges = computed(() => {
    if (affine.value) return edgeLetters(affine.value);
    const orientation = volume.value?.slice_places?.[index.value]?.orientation;
    return orientation ? edgeLetters(sliceAffine([0, 0, 0], orientation, [1, 1])) : edgeLettersFromOrientation(series.value?.metadata.PatientOrientation);
  });
  /** The orientation of the acquired slices as text. */
  const acquiredName = computed(() => {
    const shown = volume.value;
    if (shown?.affine) return acquiredOrientation(shown.affine);
    const orientation = shown?.slice_places?.[0]?.orientation;
    return orientation ? acquiredOrientation(withNormalStep(sliceAffine([0, 0, 0], orientation, [1, 1]))) : "";
  });
  /** True if the header gives a frame rate for the current plane. */
  const hasFrameRate = computed(() => volume.value?.frame_rate !== null && volume.value?.frame_rate !== undefined && plane.value === "acquired");
  const range = computed(() => {
    const { min, max } = volume.value ?? { min: null, max: null };
    return min !== null && max !== null && max > min ? max - min : 1;
  });

  /** Why a plane cannot be shown; empty if it can. */
  function unavailable(wanted: Plane): string {
    const shown = volume.value;
    if (!shown || shown.planes[wanted]) return "";
    if (shown.problem) return `No ${wanted} plane: ${shown.problem.message}`;
    return `No ${wanted} plane: the position of the slices in the patient is unknown`;
  }

  /** The window or table of a slice. */
  function voiOf(slicePlane: Plane, sliceIndex: number): Voi {
    const shown = volume.value;
    if (choice.value.voi) return choice.value.voi;
    if (!shown) return windowOfRange(0, 1);
    const slice = sliceOfPlane(shown.affine, shown.shape, slicePlane, sliceIndex);
    const own = slice === null ? null : (shown.slice_views?.slices[slice] ?? null);
    return own === null ? shown.default_view : (shown.slice_views?.views[own] ?? shown.default_view);
  }

  /** The padding values of a slice. */
  function paddingOf(slicePlane: Plane, sliceIndex: number): PaddingRange | null {
    const shown = volume.value;
    const ranges = shown?.padding_ranges;
    if (!shown || !ranges) return null;
    const slice = ranges.length === 1 ? 0 : sliceOfPlane(shown.affine, shown.shape, slicePlane, sliceIndex);
    return slice === null ? null : ranges[slice];
  }

  async function load(id: number, signal?: AbortSignal): Promise<void> {
    try {
      const loaded = await getSeries(id, signal);
      const fresh = series.value?.id !== id || series.value.volumes.length === 0;
      series.value = loaded;
      error.value = "";
      if (fresh) chooseVolume(Math.min(volumeIndex.value, Math.max(0, loaded.volumes.length - 1)));
    } catch (failure) {
      if (!isAbort(failure)) error.value = errorText(failure);
    }
  }

  function close(): void {
    series.value = null;
    error.value = "";
    volumeIndex.value = 0;
    plane.value = "acquired";
    index.value = 0;
    playing.value = false;
    choice.value = NO_CHOICE;
    fps.value = DEFAULT_FPS;
    probe.value = null;
    tinting.value = false;
    invert.value = false;
    view.value = FITTED;
  }

  function chooseVolume(wanted: number): void {
    const previous = volume.value;
    volumeIndex.value = wanted;
    const chosen = volume.value;
    if (!chosen) return;
    if (!chosen.planes[plane.value]) plane.value = "acquired";
    // Volumes of one shape (phases, echoes) are compared at the same slice; others start at their middle.
    const comparable = previous !== null && previous !== chosen && previous.shape.join() === chosen.shape.join();
    if (choice.value.voi === null && choices.value.every((offered) => offered.voi !== null)) resetWindow();
    if (!comparable) {
      fps.value = chosen.frame_rate === null ? DEFAULT_FPS : null;
      index.value = Math.floor((count.value - 1) / 2);
      view.value = FITTED;
      resetWindow();
    }
    direction.value = 0;
  }

  function choosePlane(wanted: Plane): void {
    if (!volume.value?.planes[wanted] || wanted === plane.value) return;
    plane.value = wanted;
    index.value = Math.floor((count.value - 1) / 2);
    direction.value = 0;
    view.value = FITTED;
    probe.value = null;
  }

  function goTo(wanted: number): void {
    const reached = Math.max(0, Math.min(count.value - 1, Math.round(wanted)));
    if (reached === index.value) return;
    direction.value = reached > index.value ? 1 : -1;
    index.value = reached;
  }

  const step = (by: number): void => goTo(index.value + by);

  /** The slice that is played next: after the last the first, or back and forth if the header says so. */
  function nextPlayedIndex(): number {
    const last = count.value - 1;
    const sweeping = hasFrameRate.value && fps.value === null && (volume.value?.frame_sweep ?? false);
    if (!sweeping) return (index.value + 1) % count.value;
    const back = index.value >= last || (backwards.value && index.value > 0);
    return back ? index.value - 1 : index.value + 1;
  }

  function playNext(): void {
    if (count.value < 2) return;
    const next = nextPlayedIndex();
    backwards.value = next === index.value - 1;
    direction.value = backwards.value ? -1 : 1;
    index.value = next;
  }

  /** How long the current slice is shown while playing, in milliseconds. */
  function shownMs(): number {
    const shown = volume.value;
    if (fps.value !== null || !hasFrameRate.value || !shown) return 1000 / (fps.value ?? DEFAULT_FPS);
    return shown.frame_times_ms?.[index.value] ?? 1000 / (shown.frame_rate ?? DEFAULT_FPS);
  }

  function togglePlaying(): void {
    playing.value = !playing.value && count.value > 1;
  }

  function resetWindow(): void {
    choosePreset(0);
  }

  function choosePreset(number: number): void {
    if (number < choices.value.length) choice.value = choices.value[number];
  }

  function zoom(factor: number): void {
    view.value = zoomAbout(view.value, factor, { x: 0, y: 0 }, { width: 0, height: 0 });
  }

  function reset(): void {
    resetWindow();
    view.value = FITTED;
    invert.value = false;
  }

  function showWindow(window: Window): void {
    choice.value = { name: window.name, voi: window };
  }

  function drag(start: Window, right: number, down: number): void {
    showWindow(dragWindow(start, right, down, range.value));
  }

  return {
    series,
    error,
    volumeIndex,
    plane,
    index,
    direction,
    choice,
    voi,
    voiOf,
    paddingOf,
    invert,
    smooth,
    view,
    playing,
    fps,
    probe,
    threshold,
    tinting,
    volume,
    building,
    facts,
    count,
    choices,
    affine,
    edges,
    acquiredName,
    range,
    unavailable,
    load,
    close,
    chooseVolume,
    choosePlane,
    goTo,
    step,
    nextPlayedIndex,
    playNext,
    shownMs,
    hasFrameRate,
    togglePlaying,
    choosePreset,
    zoom,
    resetWindow,
    reset,
    showWindow,
    drag,
  };
});
