/**
 * A smaller copy of a volume: blocks of voxels become one voxel, of which the affine says exactly where it lies.
 *
 * The affine of the copy is the volume's own times the sizes of the blocks: tilted, mirrored and sheared grids stay so.
 */

import { type Affine, columnOf } from "@/core/geometry";
import type { PixelArray } from "@/core/pixelArray";
import { type Vector, vectorLength } from "@/core/vectors";

/** Which voxels become one: blocks of `every` (slices, rows, columns) voxels. */
export interface BlockPlan {
  readonly every: Vector;
  /** Slices, rows, columns of the copy; the last block of an axis may be cut off. */
  readonly shape: Vector;
}

export interface CopyBounds {
  /** Voxels along each axis. */
  readonly perAxis: number;
  /** Voxels in all. */
  readonly voxels: number;
}

/** The padding values of a slice: none, or from the first to the second. */
export type PaddingOfSlice = readonly [number, number] | null;

/**
 * The smallest blocks with which a copy stays within its bounds, as near to cubes as they can be.
 *
 * With `evenRows` rows and columns are reduced alike.
 */
export function blockPlan(shape: readonly number[], spacing: Vector, { perAxis, voxels }: CopyBounds, evenRows = false): BlockPlan {
  const every = [1, 1, 1];
  const counts = (): number[] => every.map((step, axis) => Math.ceil(shape[axis] / step));
  for (;;) {
    const now = counts();
    const tooMany = now.map((count) => count > perAxis);
    if (!tooMany.includes(true) && now[0] * now[1] * now[2] <= voxels) break;
    // Along the axis that has too many voxels, or else along the one whose voxels of the copy are the thinnest.
    const candidates = [0, 1, 2].filter((axis) => (tooMany.includes(true) ? tooMany[axis] : now[axis] > 1));
    const axis = candidates.reduce((best, each) => (every[each] * spacing[each] < every[best] * spacing[best] ? each : best));
    every[axis] += 1;
    if (evenRows && axis > 0) every[3 - axis] = every[axis];
  }
  return { every: [every[0], every[1], every[2]], shape: counts() as unknown as Vector };
}

/** The lengths of an affine's steps: mm from slice to slice, row to row, column to column. */
export const stepsOfAffine = (affine: Affine): Vector => [0, 1, 2].map((axis) => vectorLength(columnOf(affine, axis))) as unknown as Vector;

/** The affine of a copy whose voxel (0, 0, 0) lies at the index `first` of the volume. */
export function blockAffine(affine: Affine, every: Vector, first: Vector): Affine {
  return [0, 1, 2].map((i) => {
    const row = affine[i];
    return [row[0] * every[0], row[1] * every[1], row[2] * every[2], row[3] + row[0] * first[0] + row[1] * first[1] + row[2] * first[2]];
  });
}

/** The index of the centre of a first block that begins at `start`. */
export const firstCentre = (every: Vector, start: Vector = [0, 0, 0]): Vector => [start[0] + (every[0] - 1) / 2, start[1] + (every[1] - 1) / 2, start[2] + (every[2] - 1) / 2];

/** The values of a copy, where integers of 16 bits hold them all: then they take half the memory. */
export function emptyCopy(dtype: string, { min, max }: { readonly min: number | null; readonly max: number | null }, length: number): Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  const isShort = ["bool", "int8", "uint8", "int16"].includes(dtype) || (/^u?int/.test(dtype) && min !== null && max !== null && min >= -32768 && max <= 32767);
  return isShort ? new Int16Array(length) : new Float32Array(length);
}

/** Sums the voxels of one slice of the copy, slice after slice of the volume. */
export class BlockMeans {
  private readonly sums: Float64Array;
  private readonly counts: Uint32Array;

  constructor(
    private readonly plan: BlockPlan,
    /** Rows and columns of the volume. */
    private readonly size: readonly [number, number],
  ) {
    const [, rows, columns] = plan.shape;
    this.sums = new Float64Array(rows * columns);
    this.counts = new Uint32Array(rows * columns);
  }

  begin(): void {
    this.sums.fill(0);
    this.counts.fill(0);
  }

  /** Adds a slice of the volume; its padding and NaN do not count. */
  add(values: PixelArray, padding: PaddingOfSlice): void {
    const { sums, counts } = this;
    const [rows, columns] = this.size;
    const [, everyRow, everyColumn] = this.plan.every;
    const width = this.plan.shape[2];
    const [low, high] = padding ?? [Infinity, -Infinity];
    for (let row = 0, p = 0; row < rows; row += 1) {
      const start = Math.floor(row / everyRow) * width;
      for (let column = 0, block = start, rest = everyColumn; column < columns; column += 1, p += 1) {
        const value = values[p];
        // NaN is neither larger nor smaller.
        if (!(value >= low && value <= high) && value - value === 0) {
          sums[block] += value;
          counts[block] += 1;
        }
        rest -= 1;
        if (rest === 0) {
          rest = everyColumn;
          block += 1;
        }
      }
    }
  }

  /** Writes the slice of the copy; blocks without a voxel that counts get `empty`. */
  write(into: Int16Array | Float32Array, slice: number, empty: number): void {
    const { sums, counts } = this;
    const start = slice * sums.length;
    const isShort = into instanceof Int16Array;
    for (let i = 0; i < sums.length; i += 1) {
      const value = counts[i] === 0 ? empty : sums[i] / counts[i];
      into[start + i] = isShort ? Math.round(value) : value;
    }
  }
}
