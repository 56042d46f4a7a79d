/** Pointer gestures on the stage: drag the window, move the picture, pinch to zoom. */

import { type Size, zoomAbout, type ZoomPan } from "@/core/sliceLayout";
import type { VoiChoice } from "@/core/voiChoices";
import { asWindow, type Window } from "@/core/windowing";
import type { useViewer } from "@/stores/viewer";

type Drag =
  | { kind: "window"; x: number; y: number; start: Window; before: VoiChoice }
  | { kind: "move"; x: number; y: number; start: ZoomPan }
  | { kind: "pinch"; distance: number; x: number; y: number; start: ZoomPan };

interface Point {
  readonly x: number;
  readonly y: number;
}

export class StagePointers {
  private readonly down = new Map<number, Point>();
  private drag: Drag | null = null;

  constructor(
    private readonly viewer: ReturnType<typeof useViewer>,
    private readonly stage: () => Size,
  ) {}

  get dragging(): boolean {
    return this.drag !== null;
  }

  press(event: PointerEvent, point: Point): void {
    this.down.set(event.pointerId, point);
    const { viewer } = this;
    if (this.down.size === 2) {
      // The first finger's move before the second touched was part of the pinch: undo its change of the window.
      if (this.drag?.kind === "window") viewer.choice = this.drag.before;
      const { distance, middle } = this.fingers();
      this.drag = { kind: "pinch", distance, ...middle, start: viewer.view };
    } else if (event.button === 0 && !event.shiftKey && !viewer.volume?.colour) {
      this.drag = { kind: "window", ...point, start: asWindow(viewer.voi), before: viewer.choice };
    } else {
      this.drag = { kind: "move", ...point, start: viewer.view };
    }
  }

  move(event: PointerEvent, point: Point): void {
    if (!this.down.has(event.pointerId)) return;
    this.down.set(event.pointerId, point);
    const { drag, viewer } = this;
    if (drag?.kind === "window") viewer.drag(drag.start, point.x - drag.x, point.y - drag.y);
    else if (drag?.kind === "move") {
      viewer.view = { ...drag.start, x: drag.start.x + point.x - drag.x, y: drag.start.y + point.y - drag.y };
    } else if (drag?.kind === "pinch" && this.down.size === 2) {
      const { distance, middle } = this.fingers();
      const zoomed = zoomAbout(drag.start, distance / Math.max(1, drag.distance), drag, this.stage());
      viewer.view = { ...zoomed, x: zoomed.x + middle.x - drag.x, y: zoomed.y + middle.y - drag.y };
    }
  }

  release(event: PointerEvent): void {
    this.down.delete(event.pointerId);
    this.drag = null;
  }

  private fingers(): { distance: number; middle: Point } {
    const [a, b] = [...this.down.values()];
    return { distance: Math.hypot(a.x - b.x, a.y - b.y), middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
  }
}
