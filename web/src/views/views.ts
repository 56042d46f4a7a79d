import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { Series } from "@/api/series";
import type { Plane, Vector } from "@/core/geometry";
import type { Rotation } from "@/core/rotation";
import type { PointerMode } from "@/views/gestures";
import { type Link, linkBetween, linkedByHand, type Offsets, pointThrough, unlinked } from "@/views/links";
import { createView, type View } from "@/views/view";

export type LayoutName = "1" | "2" | "3" | "2x2" | "1+3" | "3x3";

/** The arrangements of views, and how many each has. */
export const LAYOUTS: Readonly<Record<LayoutName, { readonly title: string; readonly views: number }>> = {
  "1": { title: "One view", views: 1 },
  "2": { title: "Two side by side", views: 2 },
  "3": { title: "Three planes: one large, two small", views: 3 },
  "2x2": { title: "Two by two", views: 4 },
  "1+3": { title: "One large, three small", views: 4 },
  "3x3": { title: "Three by three", views: 9 },
};

/** The planes of the views of one volume, in their order; arrangements with a single one show a series in each view. */
const PLANES_IN_ORDER: Readonly<Record<LayoutName, readonly Plane[]>> = {
  "1": ["acquired"],
  "2": ["acquired"],
  "3": ["axial", "coronal", "sagittal"],
  "2x2": ["axial", "coronal", "sagittal", "acquired"],
  "1+3": ["acquired", "axial", "coronal", "sagittal"],
  "3x3": ["acquired"],
};

export interface Cursor {
  /** The Frame of Reference; empty if it is unknown. */
  readonly space: string;
  /** LPS millimetres. */
  readonly point: Vector;
}

/** All views of the viewer: their arrangement, which is active, and what they share. */
export const useViews = defineStore("views", () => {
  const layout = ref<LayoutName>("1");
  /** The active view alone, whatever the arrangement. */
  const expanded = ref(false);
  const activeId = ref("1");
  /** How the planes that are linked are turned about the cursor; null if they lie along the volumes' own grids. */
  const turn = shallowRef<Rotation | null>(null);
  /** True while planes are being turned by hand. */
  const turning = ref(false);
  /** No words on the pictures but the letters of the edges and what must be told. */
  const hideFacts = ref(false);
  const pointerMode = ref<PointerMode>("window");
  /** Views of one Frame of Reference follow each other. */
  const linkPlace = ref(true);
  const linkZoom = ref(false);
  const linkWindow = ref(false);
  /** The places that were linked by hand. */
  const offsets = shallowRef<Offsets>({});
  /** Raised when somebody arranges the views: empty ones wait for series. */
  const arranged = ref(0);

  let made = 0;
  const newView = (): View => createView(String(++made), { turn: () => turn.value, turning: () => turning.value, moved });
  const views = shallowRef<readonly View[]>([newView()]);

  const active = computed<View>(() => views.value.find(({ id }) => id === activeId.value) ?? views.value[0]);
  const visible = computed<readonly View[]>(() => (expanded.value ? [active.value] : views.value));
  const cursor = computed<Cursor | null>(() => {
    const { place, space } = active.value;
    return place && { space, point: place };
  });

  const linkOf = (from: View, to: View): Link => linkBetween(from, to, offsets.value);

  /** The same place in another view's space; null if nobody knows it. */
  function placeFor(from: View, point: Vector, to: View): Vector | null {
    const link = linkOf(from, to);
    return linkPlace.value || (link.kind === "volume" && from.volumeIndex === to.volumeIndex) ? pointThrough(link, point) : null;
  }

  /** Says that two views look at the same place. */
  function linkByHand(from: View, to: View): void {
    offsets.value = linkedByHand(offsets.value, from, to);
  }

  function unlink(from: View, to: View): void {
    offsets.value = unlinked(offsets.value, from, to);
  }

  /** Looks at the place that a linked view looks at, the active one first. */
  function adoptPlace(view: View): void {
    for (const other of [active.value, ...views.value]) {
      if (other === view || !other.lookedAt) continue;
      const same = placeFor(other, other.lookedAt, view);
      if (!same) continue;
      view.follow(same);
      return;
    }
  }

  function moved(id: string, point: Vector): void {
    const from = views.value.find((view) => view.id === id);
    if (!from) return;
    for (const view of views.value) {
      if (view === from) continue;
      const same = placeFor(from, point, view);
      if (same) view.follow(same);
    }
  }

  function activate(id: string): void {
    activeId.value = id;
  }

  /** Activates the view that is `by` places further on. */
  function activateNext(by: number): void {
    const at = views.value.indexOf(active.value);
    const { length } = views.value;
    activeId.value = views.value[(at + by + length) % length].id;
  }

  /**
   * Arranges the views. New ones show the active view's volume in planes of their own, or wait for series; with `empty`
   * they stay as they are.
   */
  function arrange(wanted: LayoutName, { empty = false } = {}): void {
    const { views: size } = LAYOUTS[wanted];
    const first = active.value;
    const kept = [first, ...views.value.filter((view) => view !== first)];
    for (const view of kept.slice(size)) view.close();
    const fresh = Array.from({ length: Math.max(0, size - kept.length) }, newView);
    layout.value = wanted;
    expanded.value = false;
    views.value = [...kept.slice(0, size), ...fresh];
    if (empty) return;
    const planes = PLANES_IN_ORDER[wanted];
    views.value.forEach((view, i) => {
      const isFresh = fresh.includes(view);
      if (isFresh && first.series && planes.length === size) copyInto(view, first);
      if (planes.length === size && view.series?.id === first.series?.id) view.choosePlane(planes[i]);
    });
    arranged.value += 1;
  }

  /** Shows in `view` what `from` shows. */
  function copyInto(view: View, from: View): void {
    if (!from.series) return;
    view.show(from.series, from.volumeIndex);
    view.choice = from.choice;
    view.invert = from.invert;
    view.smooth = from.smooth;
    if (from.place) view.follow(from.place);
  }

  /** Puts a record that was loaded again into the views that show its series. */
  function renew(series: Series): void {
    for (const view of views.value) if (view.series?.id === series.id) view.show(series);
  }

  function close(): void {
    for (const view of views.value) view.close();
    const [first] = views.value;
    views.value = [first];
    activeId.value = first.id;
    layout.value = "1";
    expanded.value = false;
    turn.value = null;
    turning.value = false;
    linkPlace.value = true;
    linkZoom.value = false;
    linkWindow.value = false;
    offsets.value = {};
  }

  return {
    layout,
    expanded,
    activeId,
    turn,
    turning,
    pointerMode,
    hideFacts,
    linkPlace,
    linkZoom,
    linkWindow,
    offsets,
    arranged,
    views,
    active,
    visible,
    cursor,
    linkOf,
    placeFor,
    linkByHand,
    unlink,
    adoptPlace,
    activate,
    activateNext,
    arrange,
    copyInto,
    renew,
    close,
  };
});
