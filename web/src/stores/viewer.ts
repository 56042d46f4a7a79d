import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { getSeries } from "@/api/archive";
import { inUserWords, isAbort } from "@/api/http";
import type { PlaneFacts, Series, VolumeFacts } from "@/api/records";
import { acquiredAxis, edgeLetters, type Plane, planeAffine, PLANE_NAMES } from "@/core/geometry";
import { FITTED, type View, zoomAbout } from "@/core/stage";
import { isActive } from "@/core/state";
import { dragWindow, type Window, windowChoices, windowOfRange } from "@/core/windowing";

export interface Probe {
  readonly row: number;
  readonly column: number;
  /** One for greyscale, three for colour; null while the slice under the pointer is not there yet. */
  readonly values: readonly number[] | null;
}

const FIRST_FPS = 15;

/** What the viewer shows: the series, which of its volumes, planes and slices, and how. */
export const useViewer = defineStore("viewer", () => {
  const series = shallowRef<Series | null>(null);
  const error = ref("");
  const volumeIndex = ref(0);
  const plane = ref<Plane>("acquired");
  const index = ref(0);
  /** The way of the last step, for what to prefetch. */
  const direction = ref<-1 | 0 | 1>(0);
  const window = shallowRef<Window>(windowOfRange(0, 1));
  const invert = ref(false);
  const smooth = ref(true);
  const view = shallowRef<View>(FITTED);
  const playing = ref(false);
  const fps = ref(FIRST_FPS);
  const probe = shallowRef<Probe | null>(null);
  const threshold = ref(0.5);
  const tinting = ref(false);

  const volume = computed<VolumeFacts | null>(() => series.value?.volumes[volumeIndex.value] ?? null);
  const building = computed(() => series.value !== null && series.value.volumes.length === 0 && isActive(series.value.state));
  const facts = computed<PlaneFacts | null>(() => volume.value?.planes[plane.value] ?? null);
  const count = computed(() => facts.value?.count ?? 0);
  const choices = computed(() => (volume.value && !volume.value.colour ? windowChoices(volume.value) : []));
  const affine = computed(() =>
    volume.value?.affine ? planeAffine(volume.value.affine, volume.value.shape, plane.value) : null,
  );
  const edges = computed(() => (affine.value ? edgeLetters(affine.value) : null));
  /** The patient plane that the slices as acquired are nearest to, in words. */
  const acquiredName = computed(() =>
    volume.value?.affine ? PLANE_NAMES[acquiredAxis(volume.value.affine)].toLowerCase() : "",
  );
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
    if (!comparable) {
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

  /** One further, from the last to the first. */
  function stepAround(): void {
    if (count.value < 2) return;
    direction.value = 1;
    index.value = (index.value + 1) % count.value;
  }

  function togglePlaying(): void {
    playing.value = !playing.value && count.value > 1;
  }

  function resetWindow(): void {
    choosePreset(0);
  }

  function choosePreset(number: number): void {
    if (number < choices.value.length) window.value = choices.value[number];
  }

  function zoom(factor: number): void {
    view.value = zoomAbout(view.value, factor, { x: 0, y: 0 }, { width: 0, height: 0 });
  }

  function reset(): void {
    resetWindow();
    view.value = FITTED;
    invert.value = false;
  }

  function drag(start: Window, right: number, down: number): void {
    window.value = dragWindow(start, right, down, range.value);
  }

  return {
    series,
    error,
    volumeIndex,
    plane,
    index,
    direction,
    window,
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
    stepAround,
    togglePlaying,
    choosePreset,
    zoom,
    resetWindow,
    reset,
    drag,
  };
});
