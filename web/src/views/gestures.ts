/** Pointer gestures on a view's stage: what a drag does is the chosen pointer tool's; two fingers zoom and move. */

import { type Layout, type Point, zoomAbout } from "@/core/stageTransform";
import type { VoiChoice } from "@/core/voiChoices";
import { asWindow, type Window } from "@/core/windowing";
import type { View } from "@/views/view";

/** What a drag with the main button does, from its first point on. */
export interface Drag {
  /** `by` is counted from the first point; `path` has all points since the last call, of which the browser told only the last. */
  move(point: Point, by: Point, path: readonly Point[]): void;
  end?(): void;
  /** Undoes what was done: the drag turned out to be a pinch. */
  cancel?(): void;
  /** True if a finger's first touch is meant already: it neither taps, nor has to move before it drags. */
  readonly atOnce?: boolean;
}

/** Begins a drag with the main button, with or without Shift; null leaves it to the usual one. */
export type BeginDrag = (view: View, point: Point, event: PointerEvent) => Drag | null;

/** Takes a turn of the wheel, or leaves it to scrolling and zooming. */
export type TakeWheel = (view: View, event: WheelEvent) => boolean;

/** Takes a tap of a finger. */
export type Tap = (view: View, point: Point) => void;

/** What the main button, a pen or a finger does where no tool has taken it; usually the window is dragged, but by a finger the slices. */
export type PointerMode = "usual" | "window" | "move" | "zoom" | "scroll";
/** CSS pixels of a drag for one slice. */
const PIXELS_A_SLICE = 6;
/** A finger that moves no further taps, CSS pixels. */
const TAP_PIXELS = 8;

const moving = (view: View): Drag => {
  const start = view.layout;
  return { move: (_, by) => (view.layout = { ...start, x: start.x + by.x, y: start.y + by.y }), cancel: () => (view.layout = start) };
};

const zooming = (view: View, point: Point): Drag => {
  const start = view.layout;
  return { move: (_, by) => (view.layout = zoomAbout(start, Math.exp(-by.y / 150), point, view.stage)), cancel: () => (view.layout = start) };
};

const scrolling = (view: View): Drag => {
  const start = view.index;
  return { move: (_, by) => view.goTo(start + Math.round(by.y / PIXELS_A_SLICE)), cancel: () => view.goTo(start) };
};

const windowing = (view: View): Drag => {
  const [start, before]: [Window, VoiChoice] = [asWindow(view.voi), view.choice];
  return { move: (_, by) => view.dragWindowFrom(start, by.x, by.y), cancel: () => (view.choice = before) };
};

function usualDrag(mode: PointerMode, view: View, point: Point, isFinger: boolean): Drag {
  if (mode === "zoom") return zooming(view, point);
  if (mode === "scroll" || (mode === "usual" && isFinger && view.count > 1)) return scrolling(view);
  return mode === "move" || view.volume?.colour ? moving(view) : windowing(view);
}

interface Pinch {
  readonly distance: number;
  readonly middle: Point;
  readonly start: Layout;
}

/** A drag that has begun. A finger that has not moved yet may be tapping. */
interface BegunDrag {
  readonly from: Point;
  readonly is: Drag;
  mayTap: boolean;
}

export class Gestures {
  private readonly down = new Map<number, Point>();
  private drag: BegunDrag | null = null;
  private pinch: Pinch | null = null;
  private isTaken = false;

  constructor(
    private readonly view: () => View,
    private readonly mode: () => PointerMode,
    private readonly begin: BeginDrag,
    private readonly tap: Tap,
  ) {}

  /** True if a tool took the last press: a double click is then two of its presses. */
  get tookLast(): boolean {
    return this.isTaken;
  }

  press(event: PointerEvent, point: Point): void {
    this.down.set(event.pointerId, point);
    const view = this.view();
    if (this.down.size > 2) return;
    if (this.down.size === 2) {
      // The first finger's move before the second touched was part of the pinch: undo its change.
      this.drag?.is.cancel?.();
      this.drag = null;
      this.pinch = { ...this.fingers(), start: view.layout };
      return;
    }
    const isFinger = event.pointerType === "touch";
    const taken = event.button === 0 ? this.begin(view, point, event) : null;
    this.isTaken = taken !== null;
    const usual = event.button === 0 && !event.shiftKey ? () => usualDrag(this.mode(), view, point, isFinger) : () => moving(view);
    this.drag = { from: point, is: taken ?? usual(), mayTap: isFinger && !taken?.atOnce };
  }

  move(event: PointerEvent, point: Point, path: readonly Point[] = [point]): void {
    if (!this.down.has(event.pointerId)) return;
    this.down.set(event.pointerId, point);
    const { drag, pinch } = this;
    if (drag) {
      const by = { x: point.x - drag.from.x, y: point.y - drag.from.y };
      if (drag.mayTap && Math.hypot(by.x, by.y) <= TAP_PIXELS) return;
      drag.mayTap = false;
      drag.is.move(point, by, path);
    } else if (pinch && this.down.size === 2) {
      const { distance, middle } = this.fingers();
      const view = this.view();
      const zoomed = zoomAbout(pinch.start, distance / Math.max(1, pinch.distance), pinch.middle, view.stage);
      view.layout = { ...zoomed, x: zoomed.x + middle.x - pinch.middle.x, y: zoomed.y + middle.y - pinch.middle.y };
    }
  }

  release(event: PointerEvent): void {
    if (!this.down.delete(event.pointerId)) return;
    const { drag } = this;
    this.drag = null;
    drag?.is.end?.();
    if (drag?.mayTap && event.type === "pointerup") this.tap(this.view(), drag.from);
    if (this.down.size < 2) this.pinch = null;
  }

  private fingers(): { distance: number; middle: Point } {
    const [a, b] = [...this.down.values()];
    return { distance: Math.hypot(a.x - b.x, a.y - b.y), middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
  }
}
