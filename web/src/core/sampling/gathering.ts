/**
 * Reads values of a volume into doubles.
 *
 * The functions stand here twice, with the same text: V8 compiles reads of at most four types of arrays in one place to
 * fast code, and there are eight. One is for 8 and 16 bits, the other for 32 and 64.
 */

import type { PixelArray } from "@/core/pixelArray";

export const isNarrow = (values: PixelArray): boolean => values.BYTES_PER_ELEMENT <= 2;

/** Where samples lie: the position of the voxel (for lerps: of the first of eight), and the fractions beyond it. */
export interface Places {
  readonly positions: Int32Array;
  readonly slice: Float64Array;
  readonly row: Float64Array;
  readonly column: Float64Array;
}

/** Lerps along columns, then rows, then slices, between the voxels at `positions[i] + offset` and the next ones, `steps` (slice, row, column) values away. */
type Lerp = (values: PixelArray, places: Places, count: number, offset: number, steps: readonly [number, number, number], into: Float64Array) => void;

const lerpNarrow: Lerp = (values, { positions, slice, row, column }, count, offset, [sliceStep, rowStep, columnStep], into) => {
  for (let i = 0; i < count; i += 1) {
    const p = positions[i] + offset;
    const q = p + rowStep;
    const r = p + sliceStep;
    const s = r + rowStep;
    const near = values[p] + (values[p + columnStep] - values[p]) * column[i];
    const nearNext = values[q] + (values[q + columnStep] - values[q]) * column[i];
    const far = values[r] + (values[r + columnStep] - values[r]) * column[i];
    const farNext = values[s] + (values[s + columnStep] - values[s]) * column[i];
    const first = near + (nearNext - near) * row[i];
    const second = far + (farNext - far) * row[i];
    into[i] = first + (second - first) * slice[i];
  }
};

const lerpWide: Lerp = (values, { positions, slice, row, column }, count, offset, [sliceStep, rowStep, columnStep], into) => {
  for (let i = 0; i < count; i += 1) {
    const p = positions[i] + offset;
    const q = p + rowStep;
    const r = p + sliceStep;
    const s = r + rowStep;
    const near = values[p] + (values[p + columnStep] - values[p]) * column[i];
    const nearNext = values[q] + (values[q + columnStep] - values[q]) * column[i];
    const far = values[r] + (values[r + columnStep] - values[r]) * column[i];
    const farNext = values[s] + (values[s + columnStep] - values[s]) * column[i];
    const first = near + (nearNext - near) * row[i];
    const second = far + (farNext - far) * row[i];
    into[i] = first + (second - first) * slice[i];
  }
};

/** The same for volumes with one index along an axis (its step is 0): nothing is lerped along it, so that infinite values stay what they are. */
const lerpFlat: Lerp = (values, { positions, slice, row, column }, count, offset, steps, into) => {
  const fractions = [slice, row, column];
  const between = (position: number, axis: number, i: number): number => {
    if (axis === 3) return values[position];
    const first = between(position, axis + 1, i);
    return steps[axis] === 0 ? first : first + (between(position + steps[axis], axis + 1, i) - first) * fractions[axis][i];
  };
  for (let i = 0; i < count; i += 1) into[i] = between(positions[i] + offset, 0, i);
};

export function lerp(values: PixelArray, steps: readonly [number, number, number]): Lerp {
  if (steps.includes(0)) return lerpFlat;
  return isNarrow(values) ? lerpNarrow : lerpWide;
}

/** Reads the values at `positions[i] + offset`. */
type ReadAt = (values: PixelArray, positions: Int32Array, count: number, offset: number, into: Float64Array) => void;

const readNarrow: ReadAt = (values, positions, count, offset, into) => {
  for (let i = 0; i < count; i += 1) into[i] = values[positions[i] + offset];
};

const readWide: ReadAt = (values, positions, count, offset, into) => {
  for (let i = 0; i < count; i += 1) into[i] = values[positions[i] + offset];
};

export const readAt = (values: PixelArray): ReadAt => (isNarrow(values) ? readNarrow : readWide);

/** Reads values of 32 or 64 bits at equal distances. */
export function readEvery(values: PixelArray, first: number, step: number, count: number, into: Float64Array): void {
  for (let i = 0, p = first; i < count; i += 1, p += step) into[i] = values[p];
}
