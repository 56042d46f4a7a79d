import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { getSeries } from "@/api/archive";
import { inUserWords, isAbort } from "@/api/http";
import type { PlaneFacts, Series, VolumeFacts } from "@/api/records";
import { acquiredWords, type Affine, edgeLetters, lettersOf, type Plane, planeAffine, sliceAffine, sliceOfPlane } from "@/core/geometry";
import type { Padding } from "@/core/paint";
import { FITTED, type View, zoomAbout } from "@/core/stage";
import { isActive } from "@/core/state";
import { type Choice, dragWindow, type Voi, voiChoices, type Window, windowOfRange } from "@/core/windowing";

export interface Probe {
  readonly row: number;
  readonly column: number;
  /** One for greyscale, three for colour; null while the slice under the pointer is not there yet. */
  readonly values: readonly number[] | null;
}

/** Where a header says nothing. */
const USUAL_FPS = 15;
const NOTHING_CHOSEN: Choice = { name: "", voi: windowOfRange(0, 1) };

/** A slice's affine with a step along its normal, so that it tells how slices lie. */
function standing(affine: Affine): Affine {
  const [down, right] = [1, 2].map((j) => affine.map((row) => row[j]));
  const normal = [0, 1, 2].map((i) => right[(i + 1) % 3] * down[(i + 2) % 3] - right[(i + 2) % 3] * down[(i + 1) % 3]);
  return affine.map((row, i) => [normal[i], row[1], row[2], row[3]]);
}

/** What the viewer shows: the series, which of its volumes, planes and slices, and how. */
export const useViewer = defineStore("viewer", () => {
  const series = shallowRef<Series | null>(null);
  const error = ref("");
  const volumeIndex = ref(0);
  const plane = ref<Plane>("acquired");
  const index = ref(0);
  /** The way of the last step, for what to prefetch. */
  const direction = ref<-1 | 0 | 1>(0);
  /** What is shown: one window or table for all slices, or each slice's own. */
  const choice = shallowRef<Choice>(NOTHING_CHOSEN);
  const invert = ref(false);
  const smooth = ref(true);
  const view = shallowRef<View>(FITTED);
  const playing = ref(false);
  /** Frames in a second; null for as the header says. */
  const fps = ref<number | null>(USUAL_FPS);
  const backwards = ref(false);
  const probe = shallowRef<Probe | null>(null);
  const threshold = ref(0.5);
  const tinting = ref(false);

  const volume = computed<VolumeFacts | null>(() => series.value?.volumes[volumeIndex.value] ?? null);
  const building = computed(() => series.value !== null && series.value.volumes.length === 0 && isActive(series.value.state));
  const facts = computed<PlaneFacts | null>(() => volume.value?.planes[plane.value] ?? null);
  const count = computed(() => facts.value?.count ?? 0);
  const choices = computed(() => (volume.value && !volume.value.colour ? voiChoices(volume.value) : []));
  /** What the slice that is asked for is shown with. */
  const voi = computed(() => voiOf(plane.value, index.value));
  /** From (plane, row, column) to LPS millimetres; of an irregular volume that of the slice, null where unknown. */
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
    return orientation ? edgeLetters(sliceAffine([0, 0, 0], orientation, [1, 1])) : lettersOf(series.value?.metadata.PatientOrientation);
  });
  /** How the slices as acquired lie in the patient, in words. */
  const acquiredName = computed(() => {
    const shown = volume.value;
    if (shown?.affine) return acquiredWords(shown.affine);
    const orientation = shown?.slice_places?.[0]?.orientation;
    return orientation ? acquiredWords(standing(sliceAffine([0, 0, 0], orientation, [1, 1]))) : "";
  });
  /** Whether frames can be played as their header says. */
  const timed = computed(() => volume.value?.frame_rate !== null && volume.value?.frame_rate !== undefined && plane.value === "acquired");
  const range = computed(() => {
    const { min, max } = volume.value ?? { min: null, max: null };
    return min !== null && max !== null && max > min ? max - min : 1;
  });

  /** Why a plane cannot be shown; empty where it can. */
  function unavailable(wanted: Plane): string {
    const shown = volume.value;
    if (!shown || shown.planes[wanted]) return "";
    if (shown.problem) return `No ${wanted} plane: ${shown.problem.message}`;
    return `No ${wanted} plane: the slices' place in the patient is unknown`;
  }

  /** What a slice of a plane is shown with. */
  function voiOf(of: Plane, at: number): Voi {
    const shown = volume.value;
    if (choice.value.voi) return choice.value.voi;
    if (!shown) return windowOfRange(0, 1);
    const slice = sliceOfPlane(shown.affine, shown.shape, of, at);
    const own = slice === null ? null : (shown.slice_views?.slices[slice] ?? null);
    return own === null ? shown.default_view : (shown.slice_views?.views[own] ?? shown.default_view);
  }

  /** From and to which value is padding in a slice of a plane. */
  function paddingOf(of: Plane, at: number): Padding | null {
    const shown = volume.value;
    const ranges = shown?.padding_ranges;
    if (!shown || !ranges) return null;
    const slice = ranges.length === 1 ? 0 : sliceOfPlane(shown.affine, shown.shape, of, at);
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
      if (!isAbort(failure)) error.value = inUserWords(failure);
    }
  }

  function close(): void {
    series.value = null;
    error.value = "";
    volumeIndex.value = 0;
    plane.value = "acquired";
    index.value = 0;
    playing.value = false;
    choice.value = NOTHING_CHOSEN;
    fps.value = USUAL_FPS;
    probe.value = null;
    tinting.value = false;
    invert.value = false;
    view.value = FITTED;
  }

  function chooseVolume(wanted: number): void {
    const samePlace = volume.value;
    volumeIndex.value = wanted;
    const chosen = volume.value;
    if (!chosen) return;
    if (!chosen.planes[plane.value]) plane.value = "acquired";
    // Phases and echoes are compared at one position; another shape starts in its middle.
    const comparable = samePlace !== null && samePlace !== chosen && samePlace.shape.join() === chosen.shape.join();
    if (choice.value.voi === null && !choices.value.some(({ voi: its }) => its === null)) resetWindow();
    if (!comparable) {
      fps.value = chosen.frame_rate === null ? USUAL_FPS : null;
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

  /** Which slice is played next: from the last the first; forth and back where the header wants it. */
  function playedNext(): number {
    const last = count.value - 1;
    const sweeping = timed.value && fps.value === null && (volume.value?.frame_sweep ?? false);
    if (!sweeping) return (index.value + 1) % count.value;
    const back = index.value >= last || (backwards.value && index.value > 0);
    return back ? index.value - 1 : index.value + 1;
  }

  function playOn(): void {
    if (count.value < 2) return;
    const next = playedNext();
    backwards.value = next === index.value - 1;
    direction.value = backwards.value ? -1 : 1;
    index.value = next;
  }

  /** How long the shown slice stays while playing, in milliseconds. */
  function shownFor(): number {
    const shown = volume.value;
    if (fps.value !== null || !timed.value || !shown) return 1000 / (fps.value ?? USUAL_FPS);
    return shown.frame_times_ms?.[index.value] ?? 1000 / (shown.frame_rate ?? USUAL_FPS);
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
    playedNext,
    playOn,
    shownFor,
    timed,
    togglePlaying,
    choosePreset,
    zoom,
    resetWindow,
    reset,
    showWindow,
    drag,
  };
});
