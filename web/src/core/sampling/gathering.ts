/**
 * Reads values of a volume into doubles.
 *
 * Each function stands here twice, with the same text: V8 compiles reads of at most four types of arrays in one place to
 * fast code, and there are eight. One is for 8 and 16 bits, the other for 32 and 64.
 */

import type { PixelArray } from "@/core/pixelArray";

export const isNarrow = (values: PixelArray): boolean => values.BYTES_PER_ELEMENT <= 2;

/** The four lerps along columns around a point: at its row and the next one, of its slice and the next one. */
export interface ColumnLerps {
  readonly near: Float64Array;
  readonly nearNext: Float64Array;
  readonly far: Float64Array;
  readonly farNext: Float64Array;
}

/** Lerps pairs of columns: at `positions[i]` and its neighbours `steps` = (slice, row, column) values away, by `t[i]`. */
type LerpColumns = (
  values: PixelArray,
  positions: Int32Array,
  t: Float64Array,
  count: number,
  offset: number,
  steps: readonly [number, number, number],
  lerps: ColumnLerps,
) => void;

const lerpNarrow: LerpColumns = (values, positions, t, count, offset, [slice, row, column], { near, nearNext, far, farNext }) => {
  for (let i = 0; i < count; i += 1) {
    const p = positions[i] + offset;
    const q = p + slice;
    near[i] = values[p] + (values[p + column] - values[p]) * t[i];
    nearNext[i] = values[p + row] + (values[p + row + column] - values[p + row]) * t[i];
    far[i] = values[q] + (values[q + column] - values[q]) * t[i];
    farNext[i] = values[q + row] + (values[q + row + column] - values[q + row]) * t[i];
  }
};

const lerpWide: LerpColumns = (values, positions, t, count, offset, [slice, row, column], { near, nearNext, far, farNext }) => {
  for (let i = 0; i < count; i += 1) {
    const p = positions[i] + offset;
    const q = p + slice;
    near[i] = values[p] + (values[p + column] - values[p]) * t[i];
    nearNext[i] = values[p + row] + (values[p + row + column] - values[p + row]) * t[i];
    far[i] = values[q] + (values[q + column] - values[q]) * t[i];
    farNext[i] = values[q + row] + (values[q + row + column] - values[q + row]) * t[i];
  }
};

export const lerpColumns = (values: PixelArray): LerpColumns => (isNarrow(values) ? lerpNarrow : lerpWide);

/** Reads the values at `positions[i] + offset`. */
type ReadAt = (values: PixelArray, positions: Int32Array, count: number, offset: number, into: Float64Array) => void;

const readNarrow: ReadAt = (values, positions, count, offset, into) => {
  for (let i = 0; i < count; i += 1) into[i] = values[positions[i] + offset];
};

const readWide: ReadAt = (values, positions, count, offset, into) => {
  for (let i = 0; i < count; i += 1) into[i] = values[positions[i] + offset];
};

export const readAt = (values: PixelArray): ReadAt => (isNarrow(values) ? readNarrow : readWide);

/** Reads values at equal distances. */
type ReadEvery = (values: PixelArray, first: number, step: number, count: number, into: Float64Array) => void;

const readEveryNarrow: ReadEvery = (values, first, step, count, into) => {
  for (let i = 0, p = first; i < count; i += 1, p += step) into[i] = values[p];
};

const readEveryWide: ReadEvery = (values, first, step, count, into) => {
  for (let i = 0, p = first; i < count; i += 1, p += step) into[i] = values[p];
};

export const readEvery = (values: PixelArray): ReadEvery => (isNarrow(values) ? readEveryNarrow : readEveryWide);
