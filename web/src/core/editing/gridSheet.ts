/** The voxels of a grid that stand for a plane of the patient. */

import type { EditPlane } from "@/core/editing/editCommand";
import { columnOf } from "@/core/geometry";
import { type Grid, inverseAffine, toIndex } from "@/core/plane";
import { dot, unitVector, type Vector } from "@/core/vectors";

/** A plane is one of the grid's own if it leaves it by less than this part of a voxel from end to end. */
const ALONG_GRID = 0.01;
/** A part of a voxel: what lies so close to a face lies on it, and a centre on a face belongs to the later voxel. */
const ON_FACE = 1e-6;

/** The index of the nearest voxel along one axis. */
export const nearestIndex = (coordinate: number): number => Math.floor(coordinate + 0.5 + ON_FACE);

export class GridSheet {
  /** The unit normal, LPS. */
  readonly normal: Vector;
  /** The grid's axis most nearly across the plane. */
  readonly axis: 0 | 1 | 2;
  /** The index along `axis` if the plane is one of the grid's own; else null, and the sheet has all voxels that the plane passes through. */
  readonly index: number | null;
  /** Half of the thickness of a voxel along the normal, mm: how far centres of the sheet's voxels may lie from the plane. */
  readonly reach: number;
  /** The distance of index (0, 0, 0) from the plane, and what each step adds, mm. */
  private readonly offset: number;
  private readonly steps: Vector;

  constructor(
    private readonly grid: Grid,
    plane: EditPlane,
  ) {
    const { affine, shape } = grid;
    const inverse = inverseAffine(affine);
    const normal = unitVector(plane.normal);
    this.normal = normal;
    this.steps = [0, 1, 2].map((axis) => dot(columnOf(affine, axis), normal)) as unknown as Vector;
    const along = inverse.map((row) => row[0] * normal[0] + row[1] * normal[1] + row[2] * normal[2]);
    // These shares of the normal add up to 1; the largest belongs to an axis that certainly leaves the plane.
    const shares = along.map((part, axis) => part * this.steps[axis]);
    this.axis = shares.indexOf(Math.max(...shares)) as 0 | 1 | 2;
    this.offset = dot([affine[0][3] - plane.point[0], affine[1][3] - plane.point[1], affine[2][3] - plane.point[2]], normal);
    this.reach = this.steps.reduce((sum, step) => sum + Math.abs(step), 0) / 2;
    const isOwn = [0, 1, 2].every((other) => other === this.axis || Math.abs(this.steps[other]) * shape[other] <= ALONG_GRID * Math.abs(this.steps[this.axis]));
    this.index = isOwn ? nearestIndex(toIndex(inverse, plane.point)[this.axis]) : null;
  }

  /** The first column of a row that lies in the sheet, and the one after the last; both the same if none does. */
  columns(slice: number, row: number): readonly [number, number] {
    const columns = this.grid.shape[2];
    if (this.index !== null) {
      if (this.axis === 2) return this.index >= 0 && this.index < columns ? [this.index, this.index + 1] : [0, 0];
      return (this.axis === 0 ? slice : row) === this.index ? [0, columns] : [0, 0];
    }
    // |distance of the centre from the plane| <= reach
    const [perSlice, perRow, perColumn] = this.steps;
    const start = this.offset + perSlice * slice + perRow * row;
    const reach = this.reach + ON_FACE;
    if (Math.abs(perColumn) < 1e-12) return Math.abs(start) <= reach ? [0, columns] : [0, 0];
    const ends = [(-reach - start) / perColumn, (reach - start) / perColumn];
    const first = Math.max(0, Math.ceil(Math.min(...ends)));
    return [first, Math.max(first, Math.min(columns, Math.floor(Math.max(...ends)) + 1))];
  }

  has(slice: number, row: number, column: number): boolean {
    const [first, beyond] = this.columns(slice, row);
    return column >= first && column < beyond;
  }
}

/** The index of the voxel whose centre is nearest to a point along each axis; it may lie outside of the grid. */
export function nearestVoxel({ affine }: Grid, point: Vector): Vector {
  const [slice, row, column] = toIndex(inverseAffine(affine), point);
  return [nearestIndex(slice), nearestIndex(row), nearestIndex(column)];
}
