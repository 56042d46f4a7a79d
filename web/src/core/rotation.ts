/** Rotations in the patient: the images of the unit vectors to left, posterior and superior. */

import type { Vector } from "@/core/geometry";
import type { Frame } from "@/core/plane";

export type Rotation = readonly [Vector, Vector, Vector];

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
  const left = unit(l);
  const along = p[0] * left[0] + p[1] * left[1] + p[2] * left[2];
  const posterior = unit([p[0] - along * left[0], p[1] - along * left[1], p[2] - along * left[2]]);
  return [left, posterior, cross(left, posterior)];
}

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
