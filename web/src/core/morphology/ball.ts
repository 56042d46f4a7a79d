/** Balls of a radius in millimetres as rows of voxels, on grids of any steps and angles. */

import type { Affine } from "@/core/geometry";
import { type MaskShape, reachInVoxels, ROUNDING_MM, stepsOf } from "@/core/morphology/maskBox";
import { dot } from "@/core/vectors";

/** The voxels of a ball that lie in one row of the grid, as offsets from its centre; `first` and `last` are in it. */
export interface BallRow {
  readonly slice: number;
  readonly row: number;
  readonly first: number;
  readonly last: number;
}

/** The rows of the voxels whose centres lie within `mm` of the centre of the voxel in the middle. */
export function ballRows(affine: Affine, mm: number): BallRow[] {
  const [s, r, c] = stepsOf(affine);
  const [slices, rows] = reachInVoxels(affine, mm);
  const most = (mm + ROUNDING_MM) ** 2;
  const found: BallRow[] = [];
  const square = dot(c, c);
  for (let slice = -slices; slice <= slices; slice += 1) {
    for (let row = -rows; row <= rows; row += 1) {
      // |slice s + row r + column c|² <= most, solved for column.
      const half = slice * dot(s, c) + row * dot(r, c);
      const rest = slice * slice * dot(s, s) + 2 * slice * row * dot(s, r) + row * row * dot(r, r) - most;
      const root = half * half - square * rest;
      if (root < 0) continue;
      const first = Math.ceil((-half - Math.sqrt(root)) / square);
      const last = Math.floor((-half + Math.sqrt(root)) / square);
      if (first <= last) found.push({ slice, row, first, last });
    }
  }
  return found;
}

/** The number of a ball's voxels. */
export const ballSize = (rows: readonly BallRow[]): number => rows.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** The farthest that rows of a ball reach along the columns. */
export const ballWidth = (rows: readonly BallRow[]): number => rows.reduce((most, { first, last }) => Math.max(most, -first, last), 0);

/** The ball's rows that can meet a box of some shape; the others lie farther away than the box is large. */
export const rowsThatMeet = (rows: readonly BallRow[], shape: MaskShape): BallRow[] =>
  rows.filter(({ slice, row }) => Math.abs(slice) < shape[0] && Math.abs(row) < shape[1]);
