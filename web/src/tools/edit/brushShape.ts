/** The brush as it is drawn: its true size in every plane, and the sizes that keys and the wheel step through. */

import { type Cut, frameOf, pixelOfCut, pointOfCut } from "@/core/plane";
import { cross, dot, moved, subtract, unitVector, type Vector, vectorLength } from "@/core/vectors";

/** Where the brush is, and what it paints. */
export interface PlacedBrush {
  /** LPS millimetres. */
  readonly at: Vector;
  readonly radiusMm: number;
  readonly shape: "disc" | "ball";
  /** The unit normal of the plane in which it is used; a disc lies in that plane. */
  readonly normal: Vector;
  /** The distance of the planes that are scrolled through there; a disc is shown in the nearest one. */
  readonly planeStep: number;
}

/** Radii in millimetres that `[` and `]`, the wheel and the slider step through. */
export const RADII: readonly number[] = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 26, 32, 40, 50, 65, 80, 100];
export const LEAST_RADIUS = 0.1;
export const MOST_RADIUS = 150;
/** Corners of a circle. */
const CORNERS = 48;
/** The sine of the angle below which two planes count as parallel. */
const PARALLEL = 1e-3;

/** The next larger or smaller radius. */
export function steppedRadius(radius: number, by: number): number {
  let at = radius;
  for (let step = 0; step < Math.abs(by); step += 1) {
    const next = by > 0 ? RADII.find((each) => each > at) : RADII.findLast((each) => each < at);
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** A radius within bounds, in tenths of a millimetre; null if it is no number. */
export function radiusOf(text: string): number | null {
  const radius = Number(text.replace(",", "."));
  if (text.trim() === "" || !Number.isFinite(radius)) return null;
  return Math.min(MOST_RADIUS, Math.max(LEAST_RADIUS, Math.round(radius * 10) / 10));
}

/** The unit normal of a cut. */
export const normalOf = (cut: Cut): Vector => frameOf(cut.right, cut.down).normal;

/**
 * The outline of the brush where a plane cuts it, LPS millimetres: a closed circle, two points for a disc that is seen
 * from its edge, or nothing.
 */
export function brushOutline(brush: PlacedBrush, cut: Cut): readonly Vector[] {
  const { distance, row, column } = pixelOfCut(cut, brush.at);
  const { right, down, normal } = frameOf(cut.right, cut.down);
  const foot = pointOfCut(cut, row, column);
  if (brush.shape === "ball") {
    const reach = brush.radiusMm ** 2 - distance ** 2;
    return reach > 0 ? circle(foot, right, down, Math.sqrt(reach)) : [];
  }
  const along = cross(brush.normal, normal);
  if (vectorLength(along) < PARALLEL) return Math.abs(distance) <= brush.planeStep / 2 ? circle(foot, right, down, brush.radiusMm) : [];
  // The line in which the two planes meet, and where it leaves the disc.
  const line = unitVector(along);
  const towards = cross(line, brush.normal);
  const by = dot(subtract(foot, brush.at), normal) / dot(towards, normal);
  const reach = brush.radiusMm ** 2 - by ** 2;
  if (reach <= 0) return [];
  const middle = moved(brush.at, towards, by);
  return [moved(middle, line, -Math.sqrt(reach)), moved(middle, line, Math.sqrt(reach))];
}

function circle(centre: Vector, right: Vector, down: Vector, radius: number): Vector[] {
  return Array.from({ length: CORNERS }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return moved(moved(centre, right, radius * Math.cos(angle)), down, radius * Math.sin(angle));
  });
}
