/** Dragging a series to a view, by mouse, pen or finger. */

import { onScopeDispose, shallowRef } from "vue";

import type { SeriesRow } from "@/api/generated/validators";

export interface DraggedSeries {
  readonly series: SeriesRow;
  readonly x: number;
  readonly y: number;
  /** The view below the pointer, and where it is in the window. */
  readonly over: { readonly view: string; readonly box: DOMRect } | null;
}

/** CSS pixels after which a press is a drag. */
const BEGINS = 8;

export function useSeriesDrag(drop: (series: SeriesRow, view: string) => void) {
  const dragged = shallowRef<DraggedSeries | null>(null);
  let pressed: { readonly series: SeriesRow; readonly x: number; readonly y: number; readonly pointer: number } | null = null;
  let justDragged = false;

  function press(event: PointerEvent, series: SeriesRow): void {
    if (event.button !== 0) return;
    end();
    justDragged = false;
    pressed = { series, x: event.clientX, y: event.clientY, pointer: event.pointerId };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", release);
    window.addEventListener("pointercancel", end);
    window.addEventListener("keydown", escape, true);
  }

  function move(event: PointerEvent): void {
    if (!pressed || event.pointerId !== pressed.pointer) return;
    const { clientX: x, clientY: y } = event;
    if (!dragged.value && Math.hypot(x - pressed.x, y - pressed.y) < BEGINS) return;
    justDragged = true;
    const element = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-view]");
    const over = element?.dataset.view ? { view: element.dataset.view, box: element.getBoundingClientRect() } : null;
    dragged.value = { series: pressed.series, x, y, over };
  }

  function release(event: PointerEvent): void {
    if (pressed && event.pointerId !== pressed.pointer) return;
    const { series, over } = dragged.value ?? {};
    end();
    if (series && over) drop(series, over.view);
  }

  function escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !dragged.value) return;
    event.preventDefault();
    event.stopPropagation();
    end();
  }

  function end(): void {
    pressed = null;
    dragged.value = null;
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", release);
    window.removeEventListener("pointercancel", end);
    window.removeEventListener("keydown", escape, true);
  }

  onScopeDispose(end);
  /** True for the click that ends a drag. */
  const wasDrag = (): boolean => justDragged;
  return { dragged, press, wasDrag };
}
