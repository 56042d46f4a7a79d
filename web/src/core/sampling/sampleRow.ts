/** Samples a volume along parts of rows of a cut: index coordinates, then values by the nearest voxel or by lerps. */

import { type ColumnLerps, lerpColumns, readAt } from "@/core/sampling/gathering";
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

/** The columns [from, to) of a row whose points lie inside the volume: -0.5 <= c < n - 0.5 along each axis. */
export function insideColumns(base: Vector, step: Vector, shape: readonly number[], columns: number): readonly [number, number] {
  let from = 0;
  let to = columns;
  for (let axis = 0; axis < 3; axis += 1) {
    const descending = step[axis] < 0;
    const [entry, exit] = descending ? [shape[axis] - 0.5, -0.5] : [-0.5, shape[axis] - 0.5];
    from = Math.max(from, firstColumn(base[axis], step[axis], columns, entry, descending));
    to = Math.min(to, firstColumn(base[axis], step[axis], columns, exit, descending));
  }
  return [from, Math.max(from, to)];
}

/** Where samples lie: the position of the voxel (for lerps: of the first of eight), and the fractions beyond it. */
class Places {
  readonly positions = new Int32Array(CHUNK);
  readonly slice = new Float64Array(CHUNK);
  readonly row = new Float64Array(CHUNK);
  readonly column = new Float64Array(CHUNK);
}

/** Index coordinates of columns from `first` on, between the voxels. */
function placeBetween(places: Places, first: number, count: number, base: Vector, step: Vector, shape: readonly number[], strides: Vector): void {
  const { positions, slice, row, column } = places;
  const [b0, b1, b2] = base;
  const [d0, d1, d2] = step;
  const [s0, s1, s2] = strides;
  const [last0, last1, last2] = [shape[0] - 1, shape[1] - 1, shape[2] - 1];
  const [most0, most1, most2] = [Math.max(0, last0 - 1), Math.max(0, last1 - 1), Math.max(0, last2 - 1)];
  for (let i = 0; i < count; i += 1) {
    const c0 = Math.min(Math.max(b0 + (first + i) * d0, 0), last0);
    const c1 = Math.min(Math.max(b1 + (first + i) * d1, 0), last1);
    const c2 = Math.min(Math.max(b2 + (first + i) * d2, 0), last2);
    const i0 = Math.min(Math.floor(c0), most0);
    const i1 = Math.min(Math.floor(c1), most1);
    const i2 = Math.min(Math.floor(c2), most2);
    slice[i] = c0 - i0;
    row[i] = c1 - i1;
    column[i] = c2 - i2;
    positions[i] = i0 * s0 + i1 * s1 + i2 * s2;
  }
}

/** The nearest voxels of columns from `first` on. */
function placeNearest(positions: Int32Array, first: number, count: number, base: Vector, step: Vector, shape: readonly number[], strides: Vector): void {
  const [b0, b1, b2] = base;
  const [d0, d1, d2] = step;
  const [s0, s1, s2] = strides;
  const [last0, last1, last2] = [shape[0] - 1, shape[1] - 1, shape[2] - 1];
  for (let i = 0; i < count; i += 1) {
    // The largest number below n - 0.5 may become n.
    const i0 = Math.min(Math.floor(b0 + (first + i) * d0 + 0.5), last0);
    const i1 = Math.min(Math.floor(b1 + (first + i) * d1 + 0.5), last1);
    const i2 = Math.min(Math.floor(b2 + (first + i) * d2 + 0.5), last2);
    positions[i] = i0 * s0 + i1 * s1 + i2 * s2;
  }
}

/** Nothing is lerped along axes with one index, so that infinite values stay what they are. */
function lerpAlongRowsAndSlices(
  { near, nearNext, far, farNext }: ColumnLerps,
  row: Float64Array,
  slice: Float64Array,
  count: number,
  [sliceStep, rowStep]: Vector,
  into: Float64Array,
): void {
  if (rowStep !== 0) {
    for (let i = 0; i < count; i += 1) near[i] += (nearNext[i] - near[i]) * row[i];
    for (let i = 0; i < count; i += 1) far[i] += (farNext[i] - far[i]) * row[i];
  }
  for (let i = 0; i < count; i += 1) into[i] = sliceStep === 0 ? near[i] : near[i] + (far[i] - near[i]) * slice[i];
}

/** Samples along rows; keeps the buffers from one row to the next. */
export class RowSampler {
  private readonly places = new Places();
  private readonly lerps: ColumnLerps = {
    near: new Float64Array(CHUNK),
    nearNext: new Float64Array(CHUNK),
    far: new Float64Array(CHUNK),
    farNext: new Float64Array(CHUNK),
  };
  private readonly strides: Vector;
  /** The steps to the next slice, row and column; 0 along axes with one index. */
  private readonly steps: readonly [number, number, number];
  private readonly lerpColumns: ReturnType<typeof lerpColumns>;
  private readonly readAt: ReturnType<typeof readAt>;

  constructor(
    private readonly volume: SampledVolume,
    private readonly method: SamplingMethod,
    /** Null if all slices are there. */
    private readonly check: SliceCheck | null,
  ) {
    const strides = stridesOf(volume);
    this.strides = strides;
    this.steps = [volume.shape[0] > 1 ? strides[0] : 0, volume.shape[1] > 1 ? strides[1] : 0, volume.shape[2] > 1 ? strides[2] : 0];
    this.lerpColumns = lerpColumns(volume.values);
    this.readAt = readAt(volume.values);
  }

  /** Finds the places of `count` columns, at most CHUNK, from `first` on; all lie inside the volume. */
  place(first: number, count: number, base: Vector, step: Vector): void {
    if (this.method === "linear") placeBetween(this.places, first, count, base, step, this.volume.shape, this.strides);
    else placeNearest(this.places.positions, first, count, base, step, this.volume.shape, this.strides);
  }

  /** The samples at the places found; `sample` is that of a colour. */
  sample(count: number, sample: number, into: Float64Array): void {
    const { values } = this.volume;
    const { positions, slice, row } = this.places;
    if (this.method === "nearest") {
      this.readAt(values, positions, count, sample, into);
    } else {
      this.lerpAlongColumns(count, sample);
      lerpAlongRowsAndSlices(this.lerps, row, slice, count, this.steps, into);
    }
    if (this.check) this.removeMissing(this.check, count, into);
  }

  private lerpAlongColumns(count: number, sample: number): void {
    const { values } = this.volume;
    const { positions, column } = this.places;
    const { near, nearNext, far, farNext } = this.lerps;
    const [slice, row, next] = this.steps;
    if (next !== 0) {
      this.lerpColumns(values, positions, column, count, sample, this.steps, this.lerps);
    } else {
      this.readAt(values, positions, count, sample, near);
      this.readAt(values, positions, count, sample + row, nearNext);
      this.readAt(values, positions, count, sample + slice, far);
      this.readAt(values, positions, count, sample + slice + row, farNext);
    }
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
