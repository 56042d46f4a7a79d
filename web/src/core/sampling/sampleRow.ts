/** Samples a volume along parts of rows of a cut: index coordinates, then values by the nearest voxel or by lerps. */

import { lerp, type Places, readAt } from "@/core/sampling/gathering";
import { type SampledVolume, type SliceCheck, stridesOf } from "@/core/sampling/sampledVolume";
import type { Vector } from "@/core/vectors";

export type SamplingMethod = "linear" | "nearest";

/** How many columns are sampled at a time: their intermediate results stay in the processor's first cache. */
export const CHUNK = 512;

/** The first of `count` columns whose index coordinate is at least `bound`, or less than it if `descending`; `count` if none is. */
function firstColumn(base: number, step: number, count: number, bound: number, descending: boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (base + middle * step >= bound !== descending) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The columns [from, to) of a row with -margin <= c < n - 1 + margin along each axis; with a margin of 0.5 the points lie inside the volume. */
function columnsWithin(base: Float64Array, step: Float64Array, shape: readonly number[], columns: number, margin: number): readonly [number, number] {
  let from = 0;
  let to = columns;
  for (let axis = 0; axis < 3; axis += 1) {
    const descending = step[axis] < 0;
    const [low, high] = [-margin, shape[axis] - 1 + margin];
    const [entry, exit] = descending ? [high, low] : [low, high];
    from = Math.max(from, firstColumn(base[axis], step[axis], columns, entry, descending));
    to = Math.min(to, firstColumn(base[axis], step[axis], columns, exit, descending));
  }
  return [from, Math.max(from, to)];
}

/** The columns [from, to) of a row whose points lie inside the volume: -0.5 <= c < n - 0.5 along each axis. */
export function insideColumns(base: Float64Array, step: Float64Array, shape: readonly number[], columns: number): readonly [number, number] {
  return columnsWithin(base, step, shape, columns, 0.5);
}

/** Index coordinates of the columns [from, to), between the voxels of the volume's edges and around them; `into` is the first one's place. */
function placeAtEdge(places: Places, into: number, from: number, to: number, base: Float64Array, step: Float64Array, shape: readonly number[], strides: Vector): void {
  const parts = [places.slice, places.row, places.column];
  for (let column = from, i = into; column < to; column += 1, i += 1) {
    let position = 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const c = Math.min(Math.max(base[axis] + column * step[axis], 0), shape[axis] - 1);
      const low = Math.min(Math.floor(c), Math.max(0, shape[axis] - 2));
      parts[axis][i] = c - low;
      position += low * strides[axis];
    }
    places.positions[i] = position;
  }
}

/** The same for columns with 0 <= c < n - 1 along each axis. */
function placeBetween(places: Places, into: number, from: number, to: number, base: Float64Array, step: Float64Array, strides: Vector): void {
  const { positions, slice, row, column } = places;
  const [b0, b1, b2] = base;
  const [d0, d1, d2] = step;
  const [s0, s1, s2] = strides;
  for (let at = from, i = into; at < to; at += 1, i += 1) {
    const c0 = b0 + at * d0;
    const c1 = b1 + at * d1;
    const c2 = b2 + at * d2;
    // The whole part of a number that is not negative.
    const i0 = c0 | 0;
    const i1 = c1 | 0;
    const i2 = c2 | 0;
    slice[i] = c0 - i0;
    row[i] = c1 - i1;
    column[i] = c2 - i2;
    positions[i] = i0 * s0 + i1 * s1 + i2 * s2;
  }
}

/** The nearest voxels of columns from `first` on. */
function placeNearest(positions: Int32Array, first: number, count: number, base: Float64Array, step: Float64Array, shape: readonly number[], strides: Vector): void {
  const [b0, b1, b2] = base;
  const [d0, d1, d2] = step;
  const [s0, s1, s2] = strides;
  const [last0, last1, last2] = [shape[0] - 1, shape[1] - 1, shape[2] - 1];
  for (let i = 0; i < count; i += 1) {
    // These numbers are not negative. The largest number below n - 0.5 may become n.
    const i0 = Math.min((b0 + (first + i) * d0 + 0.5) | 0, last0);
    const i1 = Math.min((b1 + (first + i) * d1 + 0.5) | 0, last1);
    const i2 = Math.min((b2 + (first + i) * d2 + 0.5) | 0, last2);
    positions[i] = i0 * s0 + i1 * s1 + i2 * s2;
  }
}

/** Samples along rows; keeps the buffers from one row to the next. */
export class RowSampler {
  private readonly places: Places = {
    positions: new Int32Array(CHUNK),
    slice: new Float64Array(CHUNK),
    row: new Float64Array(CHUNK),
    column: new Float64Array(CHUNK),
  };
  private readonly strides: Vector;
  /** The steps to the next slice, row and column; 0 along axes with one index. */
  private readonly steps: readonly [number, number, number];
  private readonly lerp: ReturnType<typeof lerp>;
  private readonly readAt: ReturnType<typeof readAt>;

  constructor(
    private readonly volume: SampledVolume,
    private readonly method: SamplingMethod,
    /** Null if all slices are there. */
    private readonly check: SliceCheck | null,
  ) {
    // Positions are kept as 32-bit integers.
    if (volume.values.length > 2 ** 31 - 1) throw new RangeError(`a volume of ${volume.values.length} values is sampled by the server`);
    const strides = stridesOf(volume);
    this.strides = strides;
    this.steps = [volume.shape[0] > 1 ? strides[0] : 0, volume.shape[1] > 1 ? strides[1] : 0, volume.shape[2] > 1 ? strides[2] : 0];
    this.lerp = lerp(volume.values, this.steps);
    this.readAt = readAt(volume.values);
  }

  /** Finds the places of `count` columns, at most CHUNK, from `first` on; all lie inside the volume. */
  place(first: number, count: number, base: Float64Array, step: Float64Array): void {
    const { places, strides } = this;
    const { shape } = this.volume;
    const end = first + count;
    if (this.method === "nearest") {
      placeNearest(places.positions, first, count, base, step, shape, strides);
      return;
    }
    const [within, beyond] = columnsWithin(base, step, shape, end, 0).map((column) => Math.max(first, column));
    placeAtEdge(places, 0, first, within, base, step, shape, strides);
    placeBetween(places, within - first, within, beyond, base, step, strides);
    placeAtEdge(places, beyond - first, beyond, end, base, step, shape, strides);
  }

  /** The samples at the places found; `sample` is that of a colour. */
  sample(count: number, sample: number, into: Float64Array): void {
    const { values } = this.volume;
    if (this.method === "nearest") this.readAt(values, this.places.positions, count, sample, into);
    else this.lerp(values, this.places, count, sample, this.steps, into);
    if (this.check) this.removeMissing(this.check, count, into);
  }

  /** Samples that need a slice which is not there become NaN. */
  private removeMissing(check: SliceCheck, count: number, into: Float64Array): void {
    const { positions, slice } = this.places;
    const ends = [0, count - 1].map((i) => Math.floor(positions[i] / this.strides[0]));
    const last = this.volume.shape[0] - 1;
    if (check.has(Math.min(...ends), Math.min(last, Math.max(...ends) + 1))) return;
    const between = this.method === "linear" && last > 0;
    for (let i = 0; i < count; i += 1) {
      const first = Math.floor(positions[i] / this.strides[0]);
      const there = check.need(first);
      const nextThere = !between || slice[i] === 0 || check.need(first + 1);
      if (!there || !nextThere) into[i] = NaN;
    }
  }
}
