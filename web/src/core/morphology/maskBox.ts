/**
 * The mask of one segment in a box that is cropped from its grid, as the large operations of editing take it.
 *
 * The box's edge counts as the grid's edge. So a box has at least one empty voxel around the segment wherever the grid
 * goes on beyond it.
 */

import { type Affine, columnOf, type Vector } from "@/core/geometry";
import { cross, dot, vectorLength } from "@/core/vectors";

/** Slices, rows, columns. */
export type MaskShape = readonly [number, number, number];

export interface Mask {
  /** 1 for voxels of the segment, else 0; in C order. */
  readonly data: Uint8Array;
  readonly shape: MaskShape;
}

/** The first and the last index along each axis, both included. */
export interface MaskBounds {
  readonly first: MaskShape;
  readonly last: MaskShape;
}

/** What lies within a millionth of a millimetre of a limit lies within it, so that rounding decides nothing. */
export const ROUNDING_MM = 1e-6;

/** Cosines of angles between axes below this are those of right angles. */
const RIGHT_ANGLE = 1e-5;

export const emptyMask = (shape: MaskShape): Mask => ({ data: new Uint8Array(shape[0] * shape[1] * shape[2]), shape });

/** The steps along slices, rows and columns in LPS millimetres. */
export const stepsOf = (affine: Affine): readonly [Vector, Vector, Vector] => [columnOf(affine, 0), columnOf(affine, 1), columnOf(affine, 2)];

/** The lengths of the steps along slices, rows and columns in millimetres. */
export function stepsInMm(affine: Affine): MaskShape {
  const [slice, row, column] = stepsOf(affine).map(vectorLength);
  return [slice, row, column];
}

/** The volume of a voxel. */
export function voxelMm3(affine: Affine): number {
  const [slice, row, column] = stepsOf(affine);
  return Math.abs(dot(slice, cross(row, column)));
}

/** True if the grid's axes are at right angles. */
export function isRightAngled(affine: Affine): boolean {
  const [a, b, c] = stepsOf(affine);
  const right = (one: Vector, other: Vector): boolean => Math.abs(dot(one, other)) <= RIGHT_ANGLE * vectorLength(one) * vectorLength(other);
  return right(a, b) && right(a, c) && right(b, c);
}

/**
 * How many voxels along slices, rows and columns a ball of a radius in mm reaches from its centre.
 *
 * The distance between two layers of voxels counts, which is less than the step on sheared grids.
 */
export function reachInVoxels(affine: Affine, mm: number): MaskShape {
  const [a, b, c] = stepsOf(affine);
  const volume = voxelMm3(affine);
  const reach = (one: Vector, other: Vector): number => Math.floor(((mm + ROUNDING_MM) * vectorLength(cross(one, other))) / volume);
  return [reach(b, c), reach(a, c), reach(a, b)];
}

/** The smallest bounds around the voxels of a mask; null if there are none. */
export function boundsOf({ data, shape }: Mask): MaskBounds | null {
  const [slices, rows, columns] = shape;
  const [low, high] = [[slices, rows, columns], [-1, -1, -1]];
  for (let slice = 0, start = 0; slice < slices; slice += 1) {
    for (let row = 0; row < rows; row += 1, start += columns) {
      const beyond = start + columns;
      let first = start;
      while (first < beyond && data[first] === 0) first += 1;
      if (first === beyond) continue;
      let last = beyond - 1;
      while (data[last] === 0) last -= 1;
      low[0] = Math.min(low[0], slice);
      high[0] = slice;
      low[1] = Math.min(low[1], row);
      high[1] = Math.max(high[1], row);
      low[2] = Math.min(low[2], first - start);
      high[2] = Math.max(high[2], last - start);
    }
  }
  return high[0] < 0 ? null : { first: [low[0], low[1], low[2]], last: [high[0], high[1], high[2]] };
}

/** Bounds with some voxels of room on each side, as far as the box has them. */
export function withRoom({ first, last }: MaskBounds, room: MaskShape, shape: MaskShape): MaskBounds {
  const low = (axis: 0 | 1 | 2): number => Math.max(0, first[axis] - room[axis]);
  const high = (axis: 0 | 1 | 2): number => Math.min(shape[axis] - 1, last[axis] + room[axis]);
  return { first: [low(0), low(1), low(2)], last: [high(0), high(1), high(2)] };
}

/** The part of a mask within bounds. */
export function croppedMask({ data, shape }: Mask, bounds: MaskBounds): Mask {
  const small = emptyMask([0, 1, 2].map((axis) => bounds.last[axis] - bounds.first[axis] + 1) as unknown as MaskShape);
  eachRowWithin(bounds, shape, (from, to, length) => small.data.set(data.subarray(from, from + length), to));
  return small;
}

/** A mask that holds another within bounds, and nothing elsewhere. */
export function pastedMask(small: Mask, bounds: MaskBounds, shape: MaskShape): Mask {
  const whole = emptyMask(shape);
  eachRowWithin(bounds, shape, (to, from, length) => whole.data.set(small.data.subarray(from, from + length), to));
  return whole;
}

/** Calls `visit` for each row within bounds: where it starts in the whole box, and where in the smaller one. */
function eachRowWithin({ first, last }: MaskBounds, [, rows, columns]: MaskShape, visit: (whole: number, small: number, length: number) => void): void {
  const length = last[2] - first[2] + 1;
  let small = 0;
  for (let slice = first[0]; slice <= last[0]; slice += 1) {
    for (let row = first[1]; row <= last[1]; row += 1, small += length) visit((slice * rows + row) * columns + first[2], small, length);
  }
}
