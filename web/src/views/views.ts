import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { Series } from "@/api/series";
import { acquiredAxis, type Plane, type Vector } from "@/core/geometry";
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

/** Arrangements of linked planes: the plane of each view. In the others views keep the planes they have. */
const LINKED_PLANES: Readonly<Partial<Record<LayoutName, readonly Plane[]>>> = {
  "3": ["axial", "coronal", "sagittal"],
  "2x2": ["axial", "coronal", "sagittal", "acquired"],
  "1+3": ["acquired", "axial", "coronal", "sagittal"],
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
  /** Overlay planes are drawn over the slices that they belong to. */
  const showOverlays = ref(true);
  const pointerMode = ref<PointerMode>("usual");
  /** Views of one Frame of Reference follow each other. */
  const linkPlace = ref(true);
  const linkZoom = ref(false);
  const linkWindow = ref(false);
  /** The places that were linked by hand. */
  const offsets = shallowRef<Offsets>({});
  /** Raised when somebody arranges the views: empty ones wait for series. */
  const arranged = ref(0);

  let made = 0;
  const newView = (): View => createView(String(++made), { turn: () => turn.value, turning: () => turning.value, moved, place: placeOfOthers });
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
    const same = placeOfOthers(view.id);
    if (same) view.follow(same);
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

  /** Where the views are that a view is linked with: the active one's word counts first. */
  function placeOfOthers(id: string): Vector | null {
    const to = views.value.find((view) => view.id === id);
    if (!to) return null;
    for (const from of [active.value, ...views.value]) {
      const same = from !== to && from.lookedAt ? placeFor(from, from.lookedAt, to) : null;
      if (same) return same;
    }
    return null;
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
   * Arranges the views. The active one stays, with its zoom if it keeps its plane.
   *
   * Linked planes are of the active view's volume; two by two leaves views of other series where they are. New views of
   * other arrangements wait for series; with `empty` all stay as they are.
   */
  function arrange(wanted: LayoutName, { empty = false } = {}): void {
    const first = active.value;
    const planes = first.series && !empty ? LINKED_PLANES[wanted] : undefined;
    const slots = planes ? slotsOfPlanes(planes, first, wanted === "2x2") : slotsInOrder(LAYOUTS[wanted].views, first);
    const fresh = slots.map((slot) => slot ?? newView());
    const left = views.value.filter((view) => !fresh.includes(view));
    layout.value = wanted;
    expanded.value = false;
    // New views take the place of those that are there already.
    views.value = [...fresh, ...left];
    fresh.forEach((view, i) => {
      if (slots[i] === null && planes) copyInto(view, first);
      if (planes && isOfVolume(view, first)) view.choosePlane(planes[i], { evenIfMissing: true });
      else if (view.series) view.leaveMissingPlane();
    });
    views.value = fresh;
    for (const view of left) view.close();
    if (!empty) arranged.value += 1;
  }

  /** The views for planes in their order: each is the one that shows the plane already, or else one that is free, or null. */
  function slotsOfPlanes(planes: readonly Plane[], first: View, keepOthers: boolean): (View | null)[] {
    const free = views.value.filter((view) => isOfVolume(view, first));
    const others = keepOthers ? views.value.filter((view) => view.series && !free.includes(view)) : [];
    const take = (view: View | undefined): View | null => {
      if (view) free.splice(free.indexOf(view), 1);
      return view ?? null;
    };
    const own = planes.slice(0, Math.max(1, planes.length - others.length));
    const slots = own.map((plane) => take(free.find((view) => view.plane === plane)));
    const same = own.map((plane, i) => slots[i] ?? take(free.find((view) => showsAs(view, plane))));
    // The active view stays, whatever it has to show.
    const kept = free.includes(first) ? [first, ...free.filter((view) => view !== first)] : free;
    const filled = same.map((slot) => slot ?? kept.shift() ?? null);
    return [...filled, ...others.slice(0, planes.length - own.length)];
  }

  /** The views in their order; the active one is among them. */
  function slotsInOrder(size: number, first: View): (View | null)[] {
    const at = views.value.indexOf(first);
    const kept = at < size ? views.value.slice(0, size) : [first, ...views.value.slice(0, size - 1)];
    return [...kept, ...Array.from({ length: size - kept.length }, () => null)];
  }

  /** Shows in `view` what `from` shows. */
  function copyInto(view: View, from: View): void {
    if (!from.series) return;
    view.show(from.series, from.volumeIndex);
    view.choice = from.choice;
    view.invert = from.invert;
    view.smooth = from.smooth;
    view.straightened = from.straightened;
    view.choosePlane(from.plane);
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
    showOverlays,
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

const isOfVolume = (view: View, other: View): boolean => view.series !== null && view.series.id === other.series?.id && view.volumeIndex === other.volumeIndex;

/** True if a view shows a plane by another name: as acquired. */
function showsAs(view: View, plane: Plane): boolean {
  const affine = view.volume?.affine;
  if (!affine) return false;
  return (view.plane === "acquired" && plane === acquiredAxis(affine)) || (plane === "acquired" && view.plane === acquiredAxis(affine));
}

export type Views = ReturnType<typeof useViews>;
