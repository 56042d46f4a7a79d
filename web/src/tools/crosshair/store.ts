import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { inverseAffine, toIndex } from "@/core/plane";
import { composed, type Rotation, rotationAbout, rotationDegrees, UNTURNED } from "@/core/rotation";
import { type Point, stepLengths } from "@/core/stageTransform";
import { moved, subtract, type Vector } from "@/core/vectors";
import { angleAbout, type Crosshair, crosshairOf, type CrossLine, frameOfCut, lastInside, lineShift, type OtherPlane, partAt } from "@/tools/crosshair/model";
import type { Drag } from "@/views/gestures";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** Oblique pictures are made at full resolution after this time without movement. */
const REST_MS = 50;
/** Smaller turns in degrees count as none. */
const LEAST_TURN = 1e-6;

/** The lines of linked planes in each other, and what dragging them does. */
export const useCrosshair = defineStore("crosshair", () => {
  const views = useViews();
  const visible = ref(true);
  /** A press anywhere in a view puts the cursor there, in all of them. */
  const placing = ref(false);
  let rest: number | undefined;

  const isTurned = computed(() => views.turn !== null);
  /** True if the visible views show planes that can be turned. */
  const canTurn = computed(() => views.visible.some((view) => view.plane !== "acquired" && view.cut !== null));

  /** The cursor's place in a view; null if the view shows another space. */
  function cursorIn(view: View): Vector | null {
    const { active, cursor } = views;
    return view.place ?? (cursor && isSameSpace(active, view) ? cursor.point : null);
  }

  /** The planes that draw lines in a view: visible ones of the same space. */
  function othersOf(view: View): OtherPlane[] {
    return views.visible.flatMap((other) => {
      if (other === view || !other.cut || other.refusal || !isSameSpace(other, view)) return [];
      const slab = other.slabSpan && ([other.slabSpan.from, other.slabSpan.to] as const);
      return [{ view: other.id, plane: other.plane, cut: other.cut, slab }];
    });
  }

  /** True if points of both views are the same places without an offset. */
  function isSameSpace(a: View, b: View): boolean {
    const { kind } = views.linkOf(a, b);
    return kind === "volume" || (kind === "frame" && views.linkPlace);
  }

  /** The crosshair of a view; null where no other plane is shown. */
  function crosshairIn(view: View): Crosshair | null {
    const others = visible.value ? othersOf(view) : [];
    const at = cursorIn(view);
    const cursor = at && view.stagePoint(at);
    return others.length > 0 && view.cut && cursor ? crosshairOf(view.cut, view.transform, view.stage, cursor, others) : null;
  }

  /** Oblique pictures are made at half the resolution until nothing has moved for a moment. */
  function draft(): void {
    window.clearTimeout(rest);
    views.turning = true;
    rest = window.setTimeout(settle, REST_MS);
  }

  function settle(): void {
    window.clearTimeout(rest);
    views.turning = false;
  }

  /** Moves the cursor of all linked views, no further than to the volume's edge. */
  function moveFrom(view: View, from: Vector, to: Vector): void {
    const { affine, shape } = view.volume ?? {};
    if (!affine || !shape) return;
    const inverse = inverseAffine(affine);
    view.moveTo(lastInside(from, to, (point) => toIndex(inverse, point), shape));
  }

  function turnTo(turn: Rotation): void {
    views.turn = rotationDegrees(turn) < LEAST_TURN ? null : turn;
  }

  /** Turns the other planes about a view's normal, through the cursor. */
  function turnAbout(view: View, degrees: number): void {
    if (!view.cut) return;
    const about = frameOfCut(view.cut).normal;
    turnTo(composed(rotationAbout(about, (degrees * Math.PI) / 180), views.turn ?? UNTURNED));
  }

  /** Brings the planes back to the volume's grid. */
  function resetPlanes(): void {
    settle();
    views.turn = null;
  }

  function placeAt(view: View, at: Point): void {
    const point = view.pointAt(at);
    if (point) moveFrom(view, view.place ?? point, point);
  }

  /** Moves the cursor by picture pixels of a view, to the right and down on the stage. */
  function nudge(view: View, right: number, down: number): void {
    const from = view.place;
    const at = from && view.stagePoint(from);
    if (!from || !at) return;
    const { row, column } = stepLengths(view.transform);
    const sideways = view.layout.rotation % 180 !== 0;
    const [x, y] = sideways ? [row, column] : [column, row];
    const [before, after] = [view.pointAt(at), view.pointAt({ x: at.x + right * x, y: at.y + down * y })];
    if (before && after) moveFrom(view, from, moved(from, subtract(after, before), 1));
  }

  /** A drag of the part of the crosshair under the pointer; null if there is none. */
  function dragAt(view: View, point: Point, pointer: "mouse" | "touch", turning: boolean): Drag | null {
    const shown = crosshairIn(view);
    const part = shown && partAt(shown, point, pointer);
    if (part && part.kind !== "centre" && (part.kind === "handle" || turning)) return part.line.handles.length > 0 ? turningDrag(view, point) : null;
    if (turning) return null;
    if (part?.kind === "line" && shown) return lineDrag(view, point, part.line, shown);
    if (part?.kind === "centre" && shown) return centreDrag(view, { x: shown.centre.x - point.x, y: shown.centre.y - point.y });
    if (!placing.value || !view.cut || !view.place) return null;
    const drag = centreDrag(view, { x: 0, y: 0 });
    drag.move(point, { x: 0, y: 0 }, [point]);
    return drag;
  }

  /** A drag that is drawn as a draft until it rests, and can be undone. */
  function drafted(view: View, move: (point: Point) => void): Drag {
    const [place, turn] = [view.place, views.turn];
    return {
      move: (point) => {
        draft();
        move(point);
      },
      end: settle,
      cancel: () => {
        settle();
        views.turn = turn;
        if (place) view.moveTo(place);
      },
    };
  }

  const centreDrag = (view: View, grip: Point): Drag => drafted(view, (point) => placeAt(view, { x: point.x + grip.x, y: point.y + grip.y }));

  function lineDrag(view: View, start: Point, line: CrossLine, { lines }: Crosshair): Drag | null {
    const [place, from] = [view.place, view.pointAt(start)];
    if (!place || !from || !view.cut) return null;
    const { normal } = frameOfCut(view.cut);
    const third = lines.find((other) => other !== line)?.frame.normal ?? null;
    return drafted(view, (point) => {
      const to = view.pointAt(point);
      if (to) moveFrom(view, place, moved(place, lineShift(normal, line.frame.normal, third, subtract(to, from)), 1));
    });
  }

  function turningDrag(view: View, start: Point): Drag | null {
    const [centre, from, before] = [view.place, view.pointAt(start), views.turn ?? UNTURNED];
    if (!centre || !from || !view.cut) return null;
    const { normal } = frameOfCut(view.cut);
    return drafted(view, (point) => {
      const to = view.pointAt(point);
      if (to) turnTo(composed(rotationAbout(normal, angleAbout(normal, centre, from, to)), before));
    });
  }

  return { visible, placing, isTurned, canTurn, crosshairIn, cursorIn, othersOf, dragAt, turnAbout, resetPlanes, nudge, placeAt, settle };
});
