/**
 * A copy of a volume as graphics libraries take it: three perpendicular axes, right-handed.
 *
 * Slices that lie the other way round are put in reverse order. A sheared stack (a tilted gantry) is sampled along its
 * own slices and their normal: the picture stands where the patient was.
 */

import { type Affine, columnOf, toPatient } from "@/core/geometry";
import { gridFrame, inverseAffine, type Frame } from "@/core/plane";
import { sampleCut } from "@/core/sampling/sampleCut";
import { cross, dot, moved, scaled, unitVector, type Vector, vectorLength } from "@/core/vectors";

export interface SmallVolume {
  readonly values: Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Slices, rows, columns. */
  readonly shape: Vector;
  readonly affine: Affine;
}

/** Points along `axes` (unit vectors of columns, rows and slices), `spacing` mm apart, from `origin`. */
export interface UprightGrid {
  readonly values: Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Columns, rows, slices: the order of the axes. */
  readonly size: Vector;
  readonly axes: readonly [Vector, Vector, Vector];
  readonly spacing: Vector;
  readonly origin: Vector;
  /** True if the values were sampled anew because the volume's axes are not perpendicular. */
  readonly straightened: boolean;
}

/** Cosines between axes that count as perpendicular. */
const PERPENDICULAR = 1e-4;
/** A part of a voxel that rounding errors may add. */
const ROUNDING = 1e-6;

export function isSheared(affine: Affine): boolean {
  const [slice, row, column] = [0, 1, 2].map((axis) => unitVector(columnOf(affine, axis)));
  return Math.max(Math.abs(dot(slice, row)), Math.abs(dot(slice, column)), Math.abs(dot(row, column))) > PERPENDICULAR;
}

/** `empty` is the value of points outside of the volume. */
export function uprightGrid(volume: SmallVolume, mostVoxels: number, empty: number): UprightGrid {
  return isSheared(volume.affine) ? straightenedGrid(volume, mostVoxels, empty) : turnedGrid(volume);
}

/** The slices in reverse order if the axes are left-handed. */
function turnedGrid({ values, shape, affine }: SmallVolume): UprightGrid {
  const [slice, row, column] = [0, 1, 2].map((axis) => columnOf(affine, axis));
  const isLeftHanded = dot(cross(column, row), slice) < 0;
  const [slices, rows, columns] = shape;
  const axes = [unitVector(column), unitVector(row), unitVector(isLeftHanded ? scaled(slice, -1) : slice)] as const;
  return {
    values: isLeftHanded ? reversedSlices(values, slices, rows * columns) : values,
    size: [columns, rows, slices],
    axes,
    spacing: [vectorLength(column), vectorLength(row), vectorLength(slice)],
    origin: toPatient(affine, [isLeftHanded ? slices - 1 : 0, 0, 0]),
    straightened: false,
  };
}

function reversedSlices(values: SmallVolume["values"], slices: number, length: number): SmallVolume["values"] {
  const out = values.slice();
  for (let i = 0; i < slices; i += 1) out.set(values.subarray(i * length, (i + 1) * length), (slices - 1 - i) * length);
  return out;
}

function straightenedGrid({ values, shape, affine }: SmallVolume, mostVoxels: number, empty: number): UprightGrid {
  const frame: Frame = gridFrame(affine, "acquired");
  const axes = [frame.right, frame.down, frame.normal] as const;
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => toPatient(affine, [corner & 4 ? shape[0] - 1 : 0, corner & 2 ? shape[1] - 1 : 0, corner & 1 ? shape[2] - 1 : 0]));
  const low = axes.map((axis) => Math.min(...corners.map((corner) => dot(corner, axis))));
  const high = axes.map((axis) => Math.max(...corners.map((corner) => dot(corner, axis))));
  let spacing = axes.map((axis, i) => Math.abs(dot(columnOf(affine, 2 - i), axis)) || 1);
  const sizeOf = (steps: readonly number[]): number[] => steps.map((step, i) => Math.ceil((high[i] - low[i]) / step - ROUNDING) + 1);
  const wanted = (steps: readonly number[]): number => sizeOf(steps).reduce((product, count) => product * count, 1);
  // Wider in the slices only: along the normal the planes stay those of the volume.
  while (wanted(spacing) > mostVoxels) spacing = [spacing[0] * 1.05, spacing[1] * 1.05, spacing[2]];
  const [columns, rows, slices] = sizeOf(spacing);
  const origin = axes.reduce<Vector>((at, axis, i) => moved(at, axis, low[i]), [0, 0, 0]);
  const out = values instanceof Int16Array ? new Int16Array(columns * rows * slices) : new Float32Array(columns * rows * slices);
  const inverse = inverseAffine(affine);
  for (let slice = 0; slice < slices; slice += 1) {
    const cut = { origin: moved(origin, axes[2], slice * spacing[2]), right: scaled(axes[0], spacing[0]), down: scaled(axes[1], spacing[1]), rows, columns };
    const sampled = sampleCut({ values, shape, samples: 1 }, inverse, cut, { method: "linear" }).values;
    const start = slice * rows * columns;
    for (let i = 0; i < sampled.length; i += 1) {
      const value = Number.isNaN(sampled[i]) ? empty : sampled[i];
      out[start + i] = out instanceof Int16Array ? Math.round(value) : value;
    }
  }
  return { values: out, size: [columns, rows, slices], axes, spacing: [spacing[0], spacing[1], spacing[2]], origin, straightened: true };
}

/** The corners of a grid, from the centres of its first voxels to those of its last ones. */
export function cornersOf(affine: Affine, shape: Vector): Vector[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => toPatient(affine, [corner & 4 ? shape[0] - 1 : 0, corner & 2 ? shape[1] - 1 : 0, corner & 1 ? shape[2] - 1 : 0]));
}
