/** Slices with places of their own: the slices of irregular volumes. */

import type { Vector } from "@/core/geometry";

export interface SlicePosition {
  readonly position: Vector | null;
  readonly orientation: readonly [number, number, number, number, number, number] | null;
}

/** The index of the slice whose plane is nearest to a point; null if no slice has a place. */
export function nearestSlice(places: readonly SlicePosition[], point: Vector): number | null {
  let [nearest, least]: [number | null, number] = [null, Infinity];
  places.forEach(({ position, orientation }, i) => {
    if (!position || !orientation) return;
    const distance = distanceFromSlice(position, orientation, point);
    if (distance < least) [nearest, least] = [i, distance];
  });
  return nearest;
}

function distanceFromSlice(position: Vector, [a, b, c, x, y, z]: readonly [number, number, number, number, number, number], point: Vector): number {
  const normal = [b * z - c * y, c * x - a * z, a * y - b * x];
  return Math.abs(normal.reduce((sum, part, i) => sum + part * (point[i] - position[i]), 0));
}
