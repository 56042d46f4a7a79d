/** How a body is looked at from outside, in parallel rays: lengths on the screen are true in every direction across them. */

import type { Axis } from "@/core/geometry";
import { applied, rotationAbout } from "@/core/rotation";
import type { Point, Size } from "@/core/stageTransform";
import { add, cross, dot, moved, perpendicularTo, scaled, subtract, unitVector, type Vector } from "@/core/vectors";

/** Directions and places are LPS; `right` and `up` on the screen are perpendicular unit vectors. */
export interface Orbit {
  /** The point in the middle of the screen. */
  readonly focus: Vector;
  readonly right: Vector;
  readonly up: Vector;
  /** The millimetres that the shorter side of the screen shows. */
  readonly extent: number;
}

/** From where the body is looked at. */
export type BodySide = "anterior" | "posterior" | "left" | "right" | "superior" | "inferior";

const RIGHT_AND_UP: Readonly<Record<BodySide, readonly [Vector, Vector]>> = {
  anterior: [[1, 0, 0], [0, 0, 1]],
  posterior: [[-1, 0, 0], [0, 0, 1]],
  left: [[0, 1, 0], [0, 0, 1]],
  right: [[0, -1, 0], [0, 0, 1]],
  // From above and below the front of the body is at the top; from below as axial slices are looked at.
  superior: [[-1, 0, 0], [0, -1, 0]],
  inferior: [[1, 0, 0], [0, -1, 0]],
};
export const SIDES = Object.keys(RIGHT_AND_UP) as readonly BodySide[];
/** The side from which a plane's pictures are looked at. */
export const SIDE_OF_PLANE: Readonly<Record<Axis, BodySide>> = { axial: "inferior", coronal: "anterior", sagittal: "left" };

const RADIANS_PER_PIXEL = Math.PI / 360;
const NEAREST_MM = 1;
const FARTHEST_MM = 10_000;

/** From the body to the viewer. */
export const towardsViewer = ({ right, up }: Pick<Orbit, "right" | "up">): Vector => cross(right, up);

export const mmPerPixel = ({ extent }: Orbit, { width, height }: Size): number => extent / Math.max(1, Math.min(width, height));

export function seenFrom(orbit: Orbit, side: BodySide): Orbit {
  const [right, up] = RIGHT_AND_UP[side];
  return { ...orbit, right, up };
}

/** A little more than the body. */
const MARGIN = 1.2;

/** Looks at all of some points from a side. */
export function fittedOrbit(points: readonly Vector[], side: BodySide): Orbit {
  const orbit = seenFrom({ focus: [0, 0, 0], right: [1, 0, 0], up: [0, 0, 1], extent: 1 }, side);
  const range = (along: Vector): readonly [number, number] => {
    const lengths = points.map((point) => dot(point, along));
    return [Math.min(...lengths), Math.max(...lengths)];
  };
  const axes = [orbit.right, orbit.up, towardsViewer(orbit)];
  const ranges = axes.map(range);
  const focus = axes.reduce<Vector>((at, axis, i) => moved(at, axis, (ranges[i][0] + ranges[i][1]) / 2), [0, 0, 0]);
  const widest = Math.max(NEAREST_MM, ...ranges.map(([low, high]) => high - low));
  return { ...orbit, focus, extent: widest * MARGIN };
}

/** Turns the body as by a hand on its front: by pixels to the right and down. */
export const turnedByHand = (orbit: Orbit, right: number, down: number): Orbit => turned(orbit, right * RADIANS_PER_PIXEL, down * RADIANS_PER_PIXEL);

/** Turns the body by angles: its front to the right, and down. */
export function turned(orbit: Orbit, right: number, down: number): Orbit {
  const angle = Math.hypot(right, down);
  if (angle === 0) return orbit;
  // The body turns about an axis on the screen; seen from the body, the screen turns the other way.
  const axis = unitVector(add(scaled(orbit.up, right), scaled(orbit.right, down)));
  const back = rotationAbout(axis, -angle);
  const wanted = unitVector(applied(back, orbit.right));
  return { ...orbit, right: wanted, up: unitVector(perpendicularTo(applied(back, orbit.up), wanted)) };
}

/** Turns the body about the line of sight, clockwise. */
export function rolled(orbit: Orbit, clockwise: number): Orbit {
  const [sine, cosine] = [Math.sin(clockwise), Math.cos(clockwise)];
  const { right, up } = orbit;
  return { ...orbit, right: add(scaled(right, cosine), scaled(up, sine)), up: add(scaled(up, cosine), scaled(right, -sine)) };
}

/** Moves the body by pixels to the right and down. */
export function panned(orbit: Orbit, right: number, down: number, stage: Size): Orbit {
  const mm = mmPerPixel(orbit, stage);
  return { ...orbit, focus: moved(moved(orbit.focus, orbit.right, -right * mm), orbit.up, down * mm) };
}

/** Enlarges the body about a point of the screen, which stays where it is. */
export function zoomed(orbit: Orbit, factor: number, at: Point, stage: Size): Orbit {
  const extent = Math.min(FARTHEST_MM, Math.max(NEAREST_MM, orbit.extent / factor));
  const share = 1 - extent / orbit.extent;
  const mm = mmPerPixel(orbit, stage) * share;
  const [right, down] = [at.x - stage.width / 2, at.y - stage.height / 2];
  return { ...orbit, extent, focus: moved(moved(orbit.focus, orbit.right, right * mm), orbit.up, -down * mm) };
}

/** Where a point of the patient lies on the screen. */
export function onScreen(orbit: Orbit, point: Vector, stage: Size): Point {
  const mm = mmPerPixel(orbit, stage);
  const offset = subtract(point, orbit.focus);
  return { x: stage.width / 2 + dot(offset, orbit.right) / mm, y: stage.height / 2 - dot(offset, orbit.up) / mm };
}
