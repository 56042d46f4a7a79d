/** Layouts that follow another view's: one scale in CSS pixels per mm, one point in the middle. */

import type { Layout, Point, Size } from "@/core/stageTransform";

/** The layout in which a millimetre is `wanted` CSS pixels long where it was `now`; the middle of the stage stays. */
export function scaledTo(layout: Layout, now: number, wanted: number): Layout {
  const growth = wanted / now;
  return { ...layout, zoom: layout.zoom * growth, x: layout.x * growth, y: layout.y * growth };
}

/** The layout that moves a point of the stage into its middle. */
export const centredOn = (layout: Layout, { x, y }: Point, stage: Size): Layout => ({
  ...layout,
  x: layout.x + stage.width / 2 - x,
  y: layout.y + stage.height / 2 - y,
});

const CLOSE = 1e-6;

/** True if two layouts differ by no more than rounding. */
export const sameLayout = (a: Layout, b: Layout): boolean =>
  a.rotation === b.rotation && a.flipped === b.flipped && Math.abs(a.zoom / b.zoom - 1) < CLOSE && Math.abs(a.x - b.x) < 1e-3 && Math.abs(a.y - b.y) < 1e-3;
