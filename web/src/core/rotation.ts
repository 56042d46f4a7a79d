/** Rotations in the patient: the images of the unit vectors to left, posterior and superior. */

import type { Frame } from "@/core/plane";
import { cross, dot, moved, unitVector, type Vector, vectorLength } from "@/core/vectors";

export type Rotation = readonly [Vector, Vector, Vector];

export const UNTURNED: Rotation = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** The sine of the angle below which two directions count as one. */
const SAME_DIRECTION = 1e-7;

export const applied = ([l, p, s]: Rotation, [x, y, z]: Vector): Vector => [
  l[0] * x + p[0] * y + s[0] * z,
  l[1] * x + p[1] * y + s[1] * z,
  l[2] * x + p[2] * y + s[2] * z,
];

export const appliedToFrame = (rotation: Rotation, { right, down, normal }: Frame): Frame => ({
  right: applied(rotation, right),
  down: applied(rotation, down),
  normal: applied(rotation, normal),
});

/** The shortest rotation from one unit vector to another; to the opposite one, the half turn about `axis`, which is perpendicular to both. */
export function shortestRotation(from: Vector, to: Vector, axis: Vector): Rotation {
  const about = cross(from, to);
  const [sine, cosine] = [vectorLength(about), dot(from, to)];
  if (sine < SAME_DIRECTION) return cosine > 0 ? UNTURNED : rotationAbout(axis, Math.PI);
  return rotationAbout(unitVector(about), Math.atan2(sine, cosine));
}

/**
 * The frame of a plane whose normal is turned: the plane takes the shortest way, so that its picture does not spin.
 *
 * A rotation about the plane's own normal leaves the plane as it is: the same frame is returned.
 */
export function turnedPlane(rotation: Rotation, frame: Frame): Frame {
  const way = shortestRotation(frame.normal, applied(rotation, frame.normal), frame.right);
  return way === UNTURNED ? frame : appliedToFrame(way, frame);
}

/** The rotation about a unit vector by an angle (Rodrigues). */
export function rotationAbout([x, y, z]: Vector, radians: number): Rotation {
  const [c, s] = [Math.cos(radians), Math.sin(radians)];
  const t = 1 - c;
  return [
    [t * x * x + c, t * x * y + s * z, t * x * z - s * y],
    [t * x * y - s * z, t * y * y + c, t * y * z + s * x],
    [t * x * z + s * y, t * y * z - s * x, t * z * z + c],
  ];
}

/** First `inner`, then `outer`; kept orthonormal however often turns are added up. */
export function composed(outer: Rotation, inner: Rotation): Rotation {
  const [l, p] = [applied(outer, inner[0]), applied(outer, inner[1])];
  const left = unitVector(l);
  const posterior = unitVector(moved(p, left, -dot(p, left)));
  return [left, posterior, cross(left, posterior)];
}

/** The angle in degrees between a rotation and no rotation. */
export function rotationDegrees([l, p, s]: Rotation): number {
  const cosine = (l[0] + p[1] + s[2] - 1) / 2;
  return (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
}
