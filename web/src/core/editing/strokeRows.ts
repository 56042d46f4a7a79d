/**
 * The voxels of a brush's stroke: those whose centres lie within a radius of the line from point to point, in millimetres
 * of the patient, and those through which the line itself passes.
 */

import { GridSheet, nearestIndex } from "@/core/editing/gridSheet";
import type { BrushShape } from "@/core/editing/editCommand";
import { columnOf, toPatient } from "@/core/geometry";
import { type Grid, inverseAffine, toIndex } from "@/core/plane";
import { dot, moved, subtract, type Vector, vectorLength } from "@/core/vectors";

/** Millimetres: what is nearer to a surface than that lies on it. */
const ON = 1e-6;
/** How many steps a voxel the line is followed in, to find those through which it passes. */
const STEPS = 4;

/** Voxels of a row from `first` to before `beyond`, within the grid. */
export type RowFound = (slice: number, row: number, first: number, beyond: number) => void;

export interface BrushTip {
  readonly shape: BrushShape;
  /** Millimetres. */
  readonly radius: number;
}

/** Finds the voxels of a stroke; those near more than one part of the line may be found again. */
export function eachStrokeRow(grid: Grid, { shape, radius }: BrushTip, points: readonly Vector[], found: RowFound): void {
  points.forEach((point, at) => {
    if (at === 0 && points.length > 1) return;
    const from = points[Math.max(0, at - 1)];
    const sheet = shape.kind === "disc" ? new GridSheet(grid, { point: from, normal: shape.normal }) : null;
    eachRowOfPart(grid, radius + ON, sheet, from, point, found);
    if (radius < halfDiagonal(grid)) eachVoxelOfLine(grid, sheet, from, point, found);
  });
}

/** Half of a voxel's longest diagonal: within a larger radius lies every voxel through which the line passes. */
function halfDiagonal({ affine }: Grid): number {
  const [slice, row, column] = [0, 1, 2].map((axis) => columnOf(affine, axis));
  const ends = [1, -1].flatMap((a) => [1, -1].map((b) => moved(moved(slice, row, a), column, b)));
  return Math.max(...ends.map(vectorLength)) / 2;
}

function eachRowOfPart(grid: Grid, radius: number, sheet: GridSheet | null, from: Vector, to: Vector, found: RowFound): void {
  const { affine, shape } = grid;
  const part = new LinePart(from, to, radius, sheet?.normal ?? null, columnOf(affine, 2));
  const [slices, rows] = rangesAround(grid, from, to, radius + (sheet?.reach ?? 0), sheet);
  for (let slice = slices[0]; slice < slices[1]; slice += 1) {
    for (let row = rows[0]; row < rows[1]; row += 1) {
      const [low, high] = sheet ? sheet.columns(slice, row) : [0, shape[2]];
      if (low >= high) continue;
      const [first, beyond] = part.columns(toPatient(affine, [slice, row, 0]), low, high);
      if (first < beyond) found(slice, row, first, beyond);
    }
  }
}

/** The slices and rows whose voxels may lie near a line. */
function rangesAround({ affine, shape }: Grid, from: Vector, to: Vector, reach: number, sheet: GridSheet | null): readonly (readonly [number, number])[] {
  const inverse = inverseAffine(affine);
  const ends = [toIndex(inverse, from), toIndex(inverse, to)];
  return [0, 1].map((axis) => {
    if (sheet?.axis === axis && sheet.index !== null) return [Math.max(0, sheet.index), Math.min(shape[axis], sheet.index + 1)] as const;
    const far = reach * Math.hypot(inverse[axis][0], inverse[axis][1], inverse[axis][2]) + ON;
    const low = Math.min(ends[0][axis], ends[1][axis]) - far;
    const high = Math.max(ends[0][axis], ends[1][axis]) + far;
    return [Math.max(0, Math.ceil(low)), Math.min(shape[axis], Math.floor(high) + 1)] as const;
  });
}

/** A stretch of numbers; null if it is empty. */
type Stretch = readonly [number, number] | null;

/** The points around a straight part of a line; with a normal, their distances are those of their projections along it. */
class LinePart {
  private readonly line: Vector;
  private readonly length: number;
  private readonly unit: Vector;
  private readonly step: Vector;

  constructor(
    private readonly from: Vector,
    to: Vector,
    private readonly radius: number,
    private readonly normal: Vector | null,
    column: Vector,
  ) {
    this.line = this.flat(subtract(to, from));
    this.length = vectorLength(this.line);
    this.unit = this.length > 0 ? [this.line[0] / this.length, this.line[1] / this.length, this.line[2] / this.length] : [0, 0, 0];
    this.step = this.flat(column);
  }

  /** The columns from `low` to before `high` that lie near the line: `start` is the centre of column 0. The line's surroundings are convex. */
  columns(start: Vector, low: number, high: number): readonly [number, number] {
    const away = this.flat(subtract(start, this.from));
    const stretches = [this.nearEnd(away), this.nearEnd(subtract(away, this.line)), this.nearMiddle(away)].filter((one) => one !== null);
    if (stretches.length === 0) return [low, low];
    let first = Math.max(low, Math.ceil(Math.min(...stretches.map(([least]) => least)) - ON));
    let beyond = Math.min(high, Math.floor(Math.max(...stretches.map(([, most]) => most)) + ON) + 1);
    // The roots are rounded: the distance itself decides.
    while (first < beyond && !this.isNear(away, first)) first += 1;
    while (beyond > first && !this.isNear(away, beyond - 1)) beyond -= 1;
    return [first, Math.max(first, beyond)];
  }

  private isNear(away: Vector, column: number): boolean {
    const at = moved(away, this.step, column);
    const along = Math.min(this.length, Math.max(0, dot(at, this.unit)));
    return vectorLength(moved(at, this.unit, -along)) <= this.radius;
  }

  private nearEnd(away: Vector): Stretch {
    return roots(dot(this.step, this.step), dot(this.step, away), dot(away, away) - this.radius * this.radius);
  }

  /** Between the ends. */
  private nearMiddle(away: Vector): Stretch {
    if (this.length === 0) return null;
    const [a, s] = [dot(away, this.unit), dot(this.step, this.unit)];
    const [awayAcross, stepAcross] = [moved(away, this.unit, -a), moved(this.step, this.unit, -s)];
    const beside = roots(dot(stepAcross, stepAcross), dot(stepAcross, awayAcross), dot(awayAcross, awayAcross) - this.radius * this.radius);
    if (beside === null) return null;
    if (Math.abs(s) < 1e-12) return a >= -ON && a <= this.length + ON ? beside : null;
    const [one, other] = [-a / s, (this.length - a) / s];
    const stretch = [Math.max(beside[0], Math.min(one, other)), Math.min(beside[1], Math.max(one, other))] as const;
    return stretch[0] <= stretch[1] ? stretch : null;
  }

  private flat(vector: Vector): Vector {
    return this.normal ? moved(vector, this.normal, -dot(vector, this.normal)) : vector;
  }
}

/** Where a t² + 2 b t + c <= 0. */
function roots(a: number, b: number, c: number): Stretch {
  // Along the normal nothing comes nearer or goes farther.
  if (a < 1e-18) return c <= 0 ? [-Infinity, Infinity] : null;
  const root = b * b - a * c;
  // A row that touches the surface, but for rounding.
  if (root < 0) return root > -ON * a ? [-b / a, -b / a] : null;
  const half = Math.sqrt(root);
  return [(-b - half) / a, (-b + half) / a];
}

/** The voxels through which a line passes, in the sheet's plane if it is one of the grid's. */
function eachVoxelOfLine(grid: Grid, sheet: GridSheet | null, from: Vector, to: Vector, found: RowFound): void {
  const { affine, shape } = grid;
  const inverse = inverseAffine(affine);
  const [start, end] = [toIndex(inverse, from), toIndex(inverse, to)];
  const count = Math.max(1, Math.ceil(STEPS * Math.max(...[0, 1, 2].map((axis) => Math.abs(end[axis] - start[axis])))));
  for (let step = 0; step <= count; step += 1) {
    const voxel = [0, 1, 2].map((axis) => nearestIndex(start[axis] + ((end[axis] - start[axis]) * step) / count));
    if (sheet && sheet.index !== null) voxel[sheet.axis] = sheet.index;
    const [slice, row, column] = voxel;
    if (voxel.every((at, axis) => at >= 0 && at < shape[axis])) found(slice, row, column, column + 1);
  }
}
