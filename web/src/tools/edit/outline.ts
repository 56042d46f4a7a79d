/** An outline that is being drawn: by corners, or in one drag. */

import type { EditPlane } from "@/core/editing/editCommand";
import type { Point } from "@/core/stageTransform";
import type { Vector } from "@/core/vectors";

export interface DrawnOutline {
  readonly view: string;
  /** The view's slice and kind of plane, which it belongs to. */
  readonly slice: string;
  readonly plane: EditPlane;
  /** LPS millimetres. */
  readonly points: readonly Vector[];
}

/** CSS pixels. */
const CLOSE_REACH = 10;
const SAME_PLACE = 3;
/** A drag that is shorter only sets a corner. */
export const LEAST_DRAWN = 14;
/** Points of a drag lie no nearer to each other. */
const LEAST_STEP = 2;
const FEWEST = 3;

export const canClose = (outline: DrawnOutline | null): outline is DrawnOutline => outline !== null && outline.points.length >= FEWEST;

/** True if a press closes the outline: at its first corner, or once more at its last one. */
export function closesAt(outline: DrawnOutline, at: Point, onStage: (point: Vector) => Point | null): boolean {
  if (!canClose(outline)) return false;
  const distance = (point: Vector | undefined): number => {
    const on = point && onStage(point);
    return on ? Math.hypot(on.x - at.x, on.y - at.y) : Infinity;
  };
  return distance(outline.points[0]) <= CLOSE_REACH || distance(outline.points.at(-1)) <= SAME_PLACE;
}

/** The points of a drag that lie far enough from each other. */
export function thinnedPath(last: Point, path: readonly Point[]): Point[] {
  const kept: Point[] = [];
  let before = last;
  for (const point of path) {
    if (Math.hypot(point.x - before.x, point.y - before.y) < LEAST_STEP) continue;
    kept.push(point);
    before = point;
  }
  return kept;
}
