import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import { toPatient } from "@/core/geometry";
import { inverseAffine, toIndex } from "@/core/plane";
import type { Region, SolidRegion } from "@/core/regions";
import type { Point } from "@/core/stageTransform";
import { subtract, type Vector } from "@/core/vectors";
import type { Piece } from "@/core/voxelCounts";
import { useSession } from "@/stores/session";
import { type Choice, choiceWords, type FoundLimits, isHysteresis, limitsOf, reachOf, type ValueRange } from "@/tools/measure/choice";
import { centreOfRegion, dragged, drawnBox, drawnSphere, type Grip, movedBy, regionInMiddle, regionWords, shapeIn, tidied } from "@/tools/measure/regionShape";
import { type SegmentOfDraft, useDraftRegion } from "@/tools/measure/draftRegion";
import { type SegmentOfMask, useSegmentRegion } from "@/tools/measure/segmentRegion";
import { useDraftSaving } from "@/views/draftSaving";
import type { Drag } from "@/views/gestures";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** What the next press in a picture does. */
export type Drawing = SolidRegion["kind"] | "piece";

/** CSS pixels: how near to a handle or an outline a press takes it. */
const REACH = { mouse: { handle: 9, outline: 6 }, touch: { handle: 22, outline: 16 } } as const;
/** CSS pixels: a shorter drag draws nothing. */
const LEAST_DRAG = 4;

/** Which voxels the measuring tool counts in the active view's volume, and whether they are tinted. */
export const useThreshold = defineStore("threshold", () => {
  const session = useSession();
  const views = useViews();
  const begin = (): Choice => ({ scale: "range", lower: session.threshold, upper: null });
  const choice = shallowRef<Choice>(begin());
  const tinting = ref(false);
  const drawing = ref<Drawing | null>(null);
  /** The region and the clicked voxel, with the space in which they lie. */
  const placedRegion = shallowRef<{ readonly space: string; readonly region: SolidRegion } | null>(null);
  const placedSeed = shallowRef<{ readonly space: string; readonly point: Vector } | null>(null);
  /** The connected voxels, as far as the tab has found them. */
  const piece = shallowRef<Piece | null>(null);

  /** The segment in which voxels are counted, instead of a sphere or a box. */
  const inSegment = useSegmentRegion();
  /** The segment that is being edited, in which voxels are counted. */
  const inDraft = useDraftRegion();
  /** The segment, of either kind. */
  const segment = computed(() => inSegment.chosen.value ?? inDraft.chosen.value);

  const volume = computed(() => views.active.volume);
  const unit = computed(() => volume.value?.unit ?? "");
  const range = computed<ValueRange | null>(() => {
    const { min = null, max = null, dtype = "", colour = false } = volume.value ?? {};
    return !colour && min !== null && max !== null && max > min ? { min, max, whole: !dtype.startsWith("float") } : null;
  });
  const limits = computed(() => limitsOf(choice.value, range.value));
  /** Where pieces have to reach; null if voxels count by their own values. */
  const reach = computed(() => reachOf(choice.value));
  /** The space of the active view's volume; empty if nothing says where it lies. */
  const space = computed(() => spaceOf(views.active));
  const solid = computed(() => (space.value !== "" && placedRegion.value?.space === space.value ? placedRegion.value.region : null));
  const region = computed<Region | null>(() => {
    if (inDraft.chosen.value) return inDraft.region.value;
    return inSegment.chosen.value ? inSegment.region.value : solid.value;
  });
  /** True while the voxels of the chosen segment are not known: nothing is counted. */
  const waits = computed(() => segment.value !== null && region.value === null);
  /** True while the segment that is being edited has changed since its voxels were found. */
  const isBehind = computed(() => inDraft.chosen.value !== null && inDraft.isBehind.value);
  /** True if only the server can count in the region. */
  const onServer = computed(() => inSegment.chosen.value !== null && region.value !== null && !inSegment.isKnown.value);
  /** True if somebody has said that the segment lies in this image's places. */
  const isAssumed = computed(() => inSegment.chosen.value !== null && region.value !== null && inSegment.isAssumed.value);
  const seed = computed(() => (space.value !== "" && placedSeed.value?.space === space.value ? placedSeed.value.point : null));
  const placeWords = computed(() => {
    if (inDraft.chosen.value) return inDraft.words.value;
    return inSegment.chosen.value ? inSegment.words.value : solid.value ? regionWords(solid.value) : "";
  });
  const words = computed(() => [choiceWords(choice.value, unit.value), placeWords.value, seed.value ? "only the piece at the marked voxel" : ""].filter(Boolean).join(", "));
  /** True while pieces are counted that nobody has found yet: nothing says what to tint. */
  const isUnfound = computed(() => reach.value !== null && piece.value === null);
  const tint = computed(() =>
    tinting.value && range.value && !waits.value && !onServer.value && !isUnfound.value
      ? { limits: limits.value, region: region.value, piece: seed.value || reach.value ? piece.value : null, words: words.value }
      : null,
  );

  function spaceOf({ series, volume: of, volumeIndex }: View): string {
    if (!of?.affine || of.colour) return "";
    return of.frame_of_reference_uid ?? `${series?.id}/${volumeIndex}`;
  }

  /** Takes limits that a user has chosen, and shows what they count. */
  function choose(chosen: Choice): void {
    const { scale, lower, upper } = chosen;
    take(isHysteresis(chosen) ? chosen : scale === "range" ? { scale, lower, upper } : { scale, lower, upper });
  }

  /** Takes limits that a method has found. */
  function chooseFound({ lower, upper }: { lower: number | null; upper: number | null }, found: FoundLimits): void {
    take({ scale: "unit", lower, upper, found });
  }

  function take(chosen: Choice): void {
    // Pieces that were found by another rule are no longer those that count.
    if (isHysteresis(chosen) !== isHysteresis(choice.value)) piece.value = null;
    choice.value = chosen;
    tinting.value = true;
  }

  function setRegion(wanted: SolidRegion | null): void {
    inSegment.chosen.value = inDraft.chosen.value = null;
    placedRegion.value = wanted && space.value !== "" ? { space: space.value, region: wanted } : null;
    if (wanted) tinting.value = true;
  }

  /** Counts in a segment of a mask, or of what is being edited; null for no longer in one. */
  function chooseSegment(wanted: SegmentOfMask | SegmentOfDraft | null): void {
    placedRegion.value = null;
    inDraft.chosen.value = wanted && "draftId" in wanted ? wanted : null;
    inSegment.chosen.value = wanted && "segmentationId" in wanted ? wanted : null;
    if (wanted) tinting.value = true;
  }

  /** Marks the voxel under a point; nothing if it lies outside of the volume. */
  function setSeed(point: Vector | null): void {
    const { affine, shape } = volume.value ?? {};
    piece.value = null;
    if (!point || !affine || !shape) {
      placedSeed.value = null;
      return;
    }
    const voxel = voxelOf(point);
    if (!voxel) return;
    placedSeed.value = { space: space.value, point: toPatient(affine, voxel) };
    tinting.value = true;
  }

  /** The voxel of the active volume that holds a point, by the server's rule; null outside. */
  function voxelOf(point: Vector): Vector | null {
    const { affine, shape } = volume.value ?? {};
    if (!affine || !shape) return null;
    const index = toIndex(inverseAffine(affine), point).map((at) => Math.floor(Number(at.toFixed(6)) + 0.5));
    return index.every((at, axis) => at >= 0 && at < shape[axis]) ? [index[0], index[1], index[2]] : null;
  }

  /** The next press draws, or no longer does. */
  function draw(what: Drawing): void {
    drawing.value = drawing.value === what || space.value === "" ? null : what;
  }

  /** A region in the middle of the active view, or about its cursor: by keyboard. */
  function addRegion(kind: SolidRegion["kind"]): void {
    const { cut, place } = views.active;
    if (cut && space.value !== "") setRegion(regionInMiddle(kind, cut, place));
  }

  const shownSolid = computed(() => (segment.value ? null : solid.value));

  /** True if a view shows planes of the space in which the region lies. */
  const shows = (view: View): boolean => view.cut !== null && spaceOf(view) === space.value && space.value !== "";

  const shapeOf = (view: View) => (shownSolid.value && view.cut && shows(view) ? shapeIn(shownSolid.value, view.cut) : null);

  /** The part of the region under a point of the stage. */
  function gripAt(view: View, point: Point, pointer: "mouse" | "touch"): Grip | null {
    const shape = shapeOf(view);
    if (!shape) return null;
    const distance = (at: Vector): number => {
      const on = view.stagePoint(at);
      return on ? Math.hypot(on.x - point.x, on.y - point.y) : Infinity;
    };
    const nearest = shape.handles.map((handle) => ({ grip: handle.grip, from: distance(handle.at) })).sort((a, b) => a.from - b.from).at(0);
    if (nearest && nearest.from <= REACH[pointer].handle) return nearest.grip;
    return shownSolid.value?.kind === "sphere" && Math.min(...shape.outline.map(distance)) <= REACH[pointer].outline ? { kind: "radius" } : null;
  }

  function regionDrag(view: View, start: Point, grip: Grip): Drag | null {
    const [before, from] = [shownSolid.value, view.pointAt(start)];
    if (!before || !from) return null;
    return {
      move: (point) => {
        const to = view.pointAt(point);
        // In another plane than through its centre, a sphere is moved within that plane.
        if (to) setRegion(tidied(dragged(before, grip, from, to)));
      },
      cancel: () => setRegion(before),
    };
  }

  function drawingDrag(view: View, start: Point, kind: SolidRegion["kind"]): Drag | null {
    const [{ solid: before, chosen }, from] = [{ solid: solid.value, chosen: segment.value }, view.pointAt(start)];
    const { cut } = view;
    if (!from || !cut) return null;
    return {
      move: (point, by) => {
        const to = view.pointAt(point);
        if (!to || Math.hypot(by.x, by.y) < LEAST_DRAG) return;
        setRegion(tidied(kind === "sphere" ? drawnSphere(from, to) : drawnBox(cut, from, to)));
      },
      end: () => (drawing.value = null),
      cancel: () => {
        setRegion(before);
        if (chosen) chooseSegment(chosen);
      },
    };
  }

  /** A drag of the region, or one that draws what is being drawn; null if it is neither. */
  function dragAt(view: View, point: Point, pointer: "mouse" | "touch"): Drag | null {
    if (!shows(view)) return null;
    if (drawing.value === "piece") {
      pick(view, point);
      return { move: () => undefined };
    }
    if (drawing.value) return drawingDrag(view, point, drawing.value);
    const grip = gripAt(view, point, pointer);
    return grip && regionDrag(view, point, grip);
  }

  function pick(view: View, point: Point): void {
    setSeed(view.pointAt(point));
    drawing.value = null;
  }

  /** Brings the region to where the active view looks. */
  function bringRegion(): void {
    const { place } = views.active;
    if (shownSolid.value && place) setRegion(tidied(movedBy(shownSolid.value, subtract(place, centreOfRegion(shownSolid.value)))));
  }

  /** Shows the middle of the region, or the marked voxel. */
  function lookAt(what: "region" | "seed"): void {
    const at = what === "seed" ? seed.value : shownSolid.value && centreOfRegion(shownSolid.value);
    if (at) views.active.moveTo(at);
  }

  // What was edited is a stored mask now.
  const saving = useDraftSaving();
  watch(
    () => saving.saved,
    (saved) => {
      const of = inDraft.chosen.value;
      const number = saved && saved.draftId === of?.draftId ? saved.numbers.get(of.number) : undefined;
      if (saved && number !== undefined) chooseSegment({ segmentationId: saved.segmentationId, number });
    },
    { flush: "sync" },
  );
  // Limits in one unit mean nothing in another.
  watch(unit, (now, before) => {
    if (volume.value && now !== before && choice.value.scale === "unit") choice.value = begin();
  });
  watch(space, () => (drawing.value = null));
  watch(volume, () => (piece.value = null));

  return { choice, tinting, drawing, range, limits, reach, unit, space, region, solid: shownSolid, waits, isBehind, onServer, isAssumed, segment, offeredSegments: inSegment.offered, offeredDraft: inDraft.offered, segmentHint: computed(() => (inDraft.chosen.value ? inDraft.hint.value : inSegment.hint.value)), seed, piece, tint, words, choose, chooseFound, setRegion, chooseSegment, setSeed, voxelOf, draw, addRegion, shows, shapeOf, dragAt, bringRegion, lookAt };
});
