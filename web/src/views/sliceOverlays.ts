/** The overlay planes over the picture of a view: of the slice that is on the canvas, never of the one on its way. */

import { computed, onScopeDispose, type ShallowRef, watch } from "vue";

import { isAbort } from "@/api/http";
import { getSliceOverlays, type SliceOverlays } from "@/api/overlays";
import { ByteCache } from "@/core/byteCache";
import { type SliceInPlane, sliceInPlane } from "@/core/overlayPlanes";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

const CACHE_BYTES = 2 ** 25;
/** Of a slice without bits: its record. */
const RECORD_BYTES = 256;
/** Of all views: linked ones show the same slices. */
const cache = new ByteCache<SliceOverlays>(CACHE_BYTES);
/** While slices are stepped through or played, the overlays of so many are fetched before their slice is shown. */
const AHEAD = 4;
/** What is fetched ahead, by its key. */
const coming = new Map<string, Promise<SliceOverlays>>();

const bytesOf = ({ overlays }: SliceOverlays): number => overlays.reduce((sum, { bits }) => sum + bits.length, RECORD_BYTES);

/** The acquired slice that a picture shows pixel for pixel; null for resampled, projected and crossing planes. */
export function sliceOnCanvas(view: View, { request, index }: Pick<ShownPicture, "request" | "index">): SliceInPlane | null {
  const { volume } = view;
  if (!volume || request.kind !== "grid" || request.slab) return null;
  return sliceInPlane(volume.affine, volume.shape, request.plane, index);
}

/** Follows the picture on the canvas; `view.overlays` tells what there is over it. */
export function useSliceOverlays(view: View, whole: Readonly<ShallowRef<ShownPicture | null>>) {
  let running: AbortController | null = null;
  const shown = computed(() => (whole.value && whole.value.source === view.source ? sliceOnCanvas(view, whole.value) : null));
  /** The slice with its volume; empty if it has no overlays. */
  const key = computed(() => keyOf(shown.value?.slice));

  function keyOf(slice: number | undefined): string {
    const { volume, series } = view;
    if (slice === undefined || !volume?.overlay_slices.includes(slice) || !series) return "";
    return `${series.id}/${volume.index}/${volume.version}/${slice}`;
  }

  function load(): void {
    running?.abort();
    const [wanted, { series, volume }, slice] = [key.value, view, shown.value?.slice];
    const kept = cache.get(wanted);
    if (kept) view.overlays = { ...kept, state: "ready" };
    else view.overlays = wanted ? { overlays: [], problems: [], state: "loading" } : null;
    if (kept || !wanted || !series || !volume || slice === undefined) return;
    const controller = new AbortController();
    running = controller;
    (coming.get(wanted) ?? getSliceOverlays(series.id, volume, slice, controller.signal)).then(
      (found) => {
        cache.set(wanted, found, bytesOf(found));
        if (!controller.signal.aborted) view.overlays = { ...found, state: "ready" };
      },
      (error: unknown) => {
        if (!controller.signal.aborted && !isAbort(error)) view.overlays = { overlays: [], problems: [], state: "failed" };
      },
    );
  }

  /** Fetches those of the slices that come next, so that they are there with them. */
  function lookAhead(): void {
    const { series, volume, direction, count, playing } = view;
    const on = whole.value;
    if (!series || !volume?.overlay_slices.length || !on || direction === 0) return;
    for (let step = 1; step <= Math.min(AHEAD, count - 1); step += 1) {
      const at = on.index + direction * step;
      const slice = sliceOnCanvas(view, { request: on.request, index: playing ? (at + count) % count : at })?.slice;
      const wanted = keyOf(slice);
      if (slice === undefined || !wanted || cache.has(wanted) || coming.has(wanted)) continue;
      const asked = getSliceOverlays(series.id, volume, slice, new AbortController().signal);
      coming.set(wanted, asked);
      asked.then(
        (found) => cache.set(wanted, found, bytesOf(found)),
        // It is asked for again, and told, when its slice is shown.
        () => undefined,
      ).finally(() => coming.delete(wanted));
    }
  }

  // At once: the overlays of one slice are never drawn over another.
  watch(key, load, { immediate: true, flush: "sync" });
  watch([whole, () => view.direction, () => view.playing], lookAhead);
  onScopeDispose(() => {
    running?.abort();
    view.overlays = null;
  });

  return { placed: computed(() => shown.value?.transform ?? null) };
}
