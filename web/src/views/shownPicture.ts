/** The picture of a view: what is on the canvas, and what is on its way. */

import { onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort, ServerProblem } from "@/api/http";
import { REBUILT } from "@/api/volumeBytes";
import { sliceOfPlane } from "@/core/geometry";
import type { Cut } from "@/core/plane";
import type { PictureShape } from "@/core/stageTransform";
import { onNextFrame } from "@/scene/subscribers";
import type { PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { useOpenSeries } from "@/stores/openSeries";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** A picture with the place that it was asked for. */
export interface ShownPicture {
  readonly picture: PlanePicture;
  readonly request: PlaneRequest;
  readonly source: VolumeSource;
  readonly shape: PictureShape;
  readonly cut: Cut | null;
  /** The index of its plane when it was asked for. */
  readonly index: number;
}

const LATE_MS = 150;

/** True if two requests are of one volume's plane of one direction, so that one picture may stand while the other comes. */
const alike = (a: PlaneRequest, b: PlaneRequest): boolean => (a.kind === "grid" && b.kind === "grid" ? a.plane === b.plane : a.kind === b.kind);

/**
 * Follows the view's request.
 *
 * One request of a view runs at a time; the newest waits for its end, so that pictures appear while something is dragged.
 * A picture of another volume or another kind of plane is never left on the canvas.
 */
export function useShownPicture(view: View) {
  const shown = shallowRef<ShownPicture | null>(null);
  const failure = ref("");
  const late = ref(false);
  let running: AbortController | null = null;
  let waiting = false;
  /** True once the source is told where the view is going. */
  let isBegun = false;
  let timer: number | undefined;
  let unsubscribe: (() => void) | null = null;

  function put(picture: PlanePicture, request: PlaneRequest, source: VolumeSource, facts: Pick<ShownPicture, "shape" | "cut" | "index">): void {
    shown.value = { picture, request, source, ...facts };
    window.clearTimeout(timer);
    late.value = false;
    failure.value = "";
  }

  function ask(): void {
    const { request, source } = view;
    waiting = false;
    if (!request || !source) return;
    const facts = { shape: view.shape, cut: view.cut, index: view.index };
    const recent = source.recent(request);
    if (recent) {
      put(recent, request, source, facts);
      if (recent.missing === 0) return;
    }
    if (running) {
      waiting = true;
      return;
    }
    const controller = new AbortController();
    running = controller;
    window.clearTimeout(timer);
    if (!recent) timer = window.setTimeout(() => (late.value = true), LATE_MS);
    source
      .picture(request, controller.signal)
      .then(
        (picture) => {
          if (!controller.signal.aborted && source === view.source && view.request && alike(request, view.request)) put(picture, request, source, facts);
        },
        (error: unknown) => {
          if (isAbort(error) || source !== view.source || request !== view.request) return;
          failure.value = errorText(error);
          window.clearTimeout(timer);
          late.value = false;
          if (error instanceof ServerProblem && error.code === REBUILT) void renewRecord();
        },
      )
      .finally(() => {
        if (running !== controller) return;
        running = null;
        if (waiting) ask();
      });
  }

  /** The volumes were built again: their new record says what there is now. */
  async function renewRecord(): Promise<void> {
    const id = view.series?.id;
    const loaded = id === undefined ? null : await useOpenSeries().load(id);
    if (loaded && view.series?.id === id) useViews().renew(loaded);
  }

  /** Tells the source where the view is going. */
  function demand(): void {
    const { source, volume, plane, index, direction, playing, frame } = view;
    if (!source || !volume) return;
    const slice = frame ? null : sliceOfPlane(volume.affine, volume.shape, plane, index);
    const middle = Math.floor((volume.shape[0] - 1) / 2);
    const slabbed = view.slab !== null;
    source.demand({ view: view.id, slice: slice ?? middle, direction, around: playing, crossing: slice === null || slabbed });
  }

  watch(
    () => view.source,
    (source, before) => {
      unsubscribe?.();
      unsubscribe = null;
      before?.withdraw(view.id);
      running?.abort();
      running = null;
      shown.value = null;
      failure.value = "";
      // A partial picture is asked for again as slices arrive; so is a plane that has just become complete.
      unsubscribe =
        source?.subscribe(() => {
          if (!running && (shown.value === null || shown.value.picture.missing > 0 || shown.value.request !== view.request)) ask();
        }) ?? null;
    },
    { immediate: true, flush: "sync" },
  );
  watch(
    () => view.request,
    (request) => {
      if (request && shown.value && !alike(shown.value.request, request)) {
        // Never shows a slice of another plane with this plane's letters and proportions.
        shown.value = null;
        running?.abort();
        running = null;
      }
      failure.value = "";
      if (isBegun) demand();
      ask();
    },
    { immediate: true },
  );
  watch(() => [view.source, view.playing, view.direction], () => isBegun && demand());
  // What will be looked at next is fetched when the first picture is there: it would take the time of those who make that one.
  const begin = (): void => {
    if (isBegun) return;
    isBegun = true;
    demand();
  };
  watch(
    () => view.drawn,
    (drawn) => drawn && !isBegun && onNextFrame(() => window.setTimeout(begin)),
  );
  const beginning = window.setTimeout(begin, LATE_MS);
  onScopeDispose(() => {
    unsubscribe?.();
    running?.abort();
    window.clearTimeout(timer);
    window.clearTimeout(beginning);
    isBegun = true;
    view.source?.withdraw(view.id);
  });

  function retry(): void {
    view.source?.retry();
    failure.value = "";
    ask();
  }

  return { shown, failure, late, retry };
}
