/** Vectors of three numbers: places and directions in the patient (LPS millimetres), or (slice, row, column) indices. */

export type Vector = readonly [number, number, number];

export const add = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

export const subtract = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

export const scaled = (a: Vector, factor: number): Vector => [a[0] * factor, a[1] * factor, a[2] * factor];

/** `start` moved by `steps` times `step`. */
export const moved = (start: Vector, step: Vector, steps: number): Vector => add(start, scaled(step, steps));

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

export const vectorLength = ([x, y, z]: Vector): number => Math.hypot(x, y, z);

/** The vector with length 1; the zero vector stays as it is. */
export function unitVector(vector: Vector): Vector {
  const length = vectorLength(vector) || 1;
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

/** The part of `vector` that is perpendicular to `direction`, which need not be a unit vector. */
export const perpendicularTo = (vector: Vector, direction: Vector): Vector => moved(vector, direction, -dot(vector, direction) / dot(direction, direction));
