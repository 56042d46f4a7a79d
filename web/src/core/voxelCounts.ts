/** Counts of the values of a volume's voxels in a region, and pieces of counted voxels that are connected. */

import type { Affine } from "@/core/geometry";
import type { Histogram } from "@/core/histogram";
import { countsWithin, type Limits } from "@/core/valueLimits";
import type { PaddingRange } from "@/core/paint";
import type { PixelArray } from "@/core/pixelArray";
import { boxAround, eachRun, type Region } from "@/core/regions";
import { type IndexBox, noVoxels, type VoxelBits } from "@/core/voxelBits";

/** Padding of each slice, or one for all of them; null for none. */
export type PaddingOfSlices = readonly (PaddingRange | null)[] | null;

export interface CountedVolume {
  /** In C order. */
  readonly values: PixelArray;
  /** Slices, rows, columns. */
  readonly shape: readonly number[];
  readonly padding: PaddingOfSlices;
}

/** How often each value occurs in a region. */
export interface RegionHistogram extends Histogram {
  /** All voxels of the region, padding included. */
  readonly total: number;
}

/** The most voxels of other than 8 and 16-bit integers whose values are sorted in the tab. */
export const MOST_SORTED = 2 ** 23;

/** The padding of a slice as numbers of the array's type: 32-bit floats only equal padding that is rounded to 32 bits. */
export function paddingOfSlice({ values, padding }: CountedVolume, slice: number): PaddingRange | null {
  const range = padding === null || padding.length === 0 ? null : padding[padding.length === 1 ? 0 : slice];
  return range && values instanceof Float32Array ? [Math.fround(range[0]), Math.fround(range[1])] : range;
}

/** A table of the counts of each integer; null for arrays of other types. */
function tableFor(values: PixelArray): { counts: Float64Array; low: number } | null {
  if (values instanceof Int16Array) return { counts: new Float64Array(65_536), low: -32_768 };
  if (values instanceof Uint16Array) return { counts: new Float64Array(65_536), low: 0 };
  if (values instanceof Int8Array) return { counts: new Float64Array(256), low: -128 };
  return values instanceof Uint8Array ? { counts: new Float64Array(256), low: 0 } : null;
}

/** The values of a region's voxels, without padding, NaN and infinities; null if there are too many to be sorted here. */
export function regionHistogram(volume: CountedVolume, affine: Affine, region: Region): RegionHistogram | null {
  const { values, shape } = volume;
  const [, rows, columns] = shape;
  const box = boxAround(region, affine, shape);
  const table = tableFor(values);
  let total = 0;
  if (!table) eachRun(region, affine, box, (_slice, _row, first, beyond) => (total += beyond - first));
  if (total > MOST_SORTED) return null;
  const kept = table ? null : new Float64Array(total);
  let count = 0;
  total = 0;
  let paddingSlice = -1;
  let [low, high] = [NaN, NaN];
  eachRun(region, affine, box, (slice, row, first, beyond) => {
    if (slice !== paddingSlice) [low, high] = paddingOfSlice(volume, slice) ?? [NaN, NaN];
    paddingSlice = slice;
    total += beyond - first;
    const start = (slice * rows + row) * columns;
    for (let at = start + first; at < start + beyond; at += 1) {
      const value = values[at];
      if (value >= low && value <= high) continue;
      if (table) table.counts[value - table.low] += 1;
      else if (kept && Number.isFinite(value)) kept[count++] = value;
    }
  });
  const found = table ? tabled(table.counts, table.low) : runs((kept ?? new Float64Array(0)).subarray(0, count).sort());
  const { values: distinct } = found;
  return { ...found, min: distinct.at(0) ?? null, max: distinct.at(-1) ?? null, exact: true, total };
}

function tabled(table: Float64Array, low: number): { values: number[]; counts: number[] } {
  const [values, counts]: [number[], number[]] = [[], []];
  table.forEach((count, i) => {
    if (count === 0) return;
    values.push(low + i);
    counts.push(count);
  });
  return { values, counts };
}

function runs(sorted: Float64Array): { values: number[]; counts: number[] } {
  const [values, counts]: [number[], number[]] = [[], []];
  for (let i = 0; i < sorted.length; ) {
    let beyond = i + 1;
    while (beyond < sorted.length && sorted[beyond] === sorted[i]) beyond += 1;
    values.push(sorted[i]);
    counts.push(beyond - i);
    i = beyond;
  }
  return { values, counts };
}

/** Connected voxels that count. */
export interface Piece extends VoxelBits {
  readonly count: number;
}

/** The piece of a voxel that does not count. */
export const NO_PIECE: Piece = { count: 0, ...noVoxels() };

const INSIDE = 1;
const TAKEN = 2;

/**
 * The voxels that count and are connected to one of them through faces, within a region if there is one.
 *
 * Null if that voxel does not count.
 */
export function pieceAt(volume: CountedVolume, affine: Affine | null, limits: Limits, region: Region | null, seed: readonly number[]): Piece | null {
  const box = region && affine ? boxAround(region, affine, volume.shape) : wholeOf(volume);
  const filling = new Filling(box);
  markCounted(volume, affine, limits, region, box, filling.state);
  return filling.takeAt(seed) ? filling.piece() : null;
}

/**
 * Hysteresis: of the voxels that count, those in pieces of the whole volume that hold a value within other limits.
 *
 * Of these the ones in a region if there is one, and only those connected to `seed` if there is one: null if that voxel
 * is none of them.
 */
export function piecesReaching(volume: CountedVolume, affine: Affine | null, limits: Limits, reach: Limits, region: Region | null, seed: readonly number[] | null): Piece | null {
  const { values } = volume;
  const whole = wholeOf(volume);
  const filling = new Filling(whole);
  markCounted(volume, null, limits, null, whole, filling.state);
  filling.takeAll((at) => countsWithin(values[at], reach));
  if (!seed && !region) return filling.piece();
  const within = filling.takenIn(region, affine, volume.shape);
  if (seed) return within.takeAt(seed) ? within.piece() : null;
  within.takeAll(() => true);
  return within.piece();
}

const wholeOf = ({ shape }: CountedVolume): IndexBox => [0, 1, 2].map((axis) => [0, shape[axis]] as const);

/** Marks the voxels of a box that count. */
function markCounted(volume: CountedVolume, affine: Affine | null, limits: Limits, region: Region | null, box: IndexBox, state: Uint8Array): void {
  const { values, shape } = volume;
  const [[firstSlice, beyondSlice], [firstRow, beyondRow], [firstColumn, beyondColumn]] = box;
  const [rows, columns] = [beyondRow - firstRow, beyondColumn - firstColumn];
  // Infinities lie beyond the largest numbers, and NaN nowhere.
  const [least, most] = [Math.max(limits.low, -Number.MAX_VALUE), Math.min(limits.high, Number.MAX_VALUE)];
  let paddingSlice = -1;
  let [low, high] = [NaN, NaN];
  const mark = (slice: number, row: number, first: number, beyond: number): void => {
    if (slice !== paddingSlice) [low, high] = paddingOfSlice(volume, slice) ?? [NaN, NaN];
    paddingSlice = slice;
    const from = (slice * shape[1] + row) * shape[2];
    const to = ((slice - firstSlice) * rows + (row - firstRow)) * columns - firstColumn;
    for (let column = first; column < beyond; column += 1) {
      const value = values[from + column];
      if (value >= least && value <= most && !(value >= low && value <= high)) state[to + column] = INSIDE;
    }
  };
  if (region && affine) eachRun(region, affine, box, mark);
  else for (let slice = firstSlice; slice < beyondSlice; slice += 1) for (let row = firstRow; row < beyondRow; row += 1) mark(slice, row, firstColumn, beyondColumn);
}

/** Voxels of a box, some of them inside; those that are connected through faces are taken together. */
class Filling {
  readonly state: Uint8Array;
  private readonly size: readonly number[];
  private stack = new Int32Array(1024);
  private depth = 0;
  private count = 0;
  private readonly low: number[];
  private readonly high = [-1, -1, -1];

  constructor(private readonly box: IndexBox) {
    this.size = box.map(([first, beyond]) => beyond - first);
    this.low = [...this.size];
    this.state = new Uint8Array(this.size.reduce((product, side) => product * side, 1));
  }

  /** Takes the piece of a voxel of the volume; false if that is not inside. */
  takeAt(seed: readonly number[]): boolean {
    const { box, size } = this;
    if (seed.some((at, axis) => at < box[axis][0] || at >= box[axis][1])) return false;
    const start = ((seed[0] - box[0][0]) * size[1] + (seed[1] - box[1][0])) * size[2] + (seed[2] - box[2][0]);
    if (this.state[start] !== INSIDE) return false;
    this.take(start);
    return true;
  }

  /** Takes each piece with a voxel that is meant, by its place in the box. */
  takeAll(isMeant: (at: number) => boolean): void {
    const { state } = this;
    for (let at = 0; at < state.length; at += 1) if (state[at] === INSIDE && isMeant(at)) this.take(at);
  }

  /** Line by line from a voxel; a line's neighbours above, below, before and behind are put on a stack. */
  private take(start: number): void {
    const { state } = this;
    const [slices, rows, columns] = this.size;
    const perSlice = rows * columns;
    this.push(start);
    while (this.depth > 0) {
      const at = this.stack[(this.depth -= 1)];
      if (state[at] !== INSIDE) continue;
      const line = Math.floor(at / columns) * columns;
      let [first, last] = [at, at];
      while (first > line && state[first - 1] === INSIDE) first -= 1;
      while (last < line + columns - 1 && state[last + 1] === INSIDE) last += 1;
      for (let each = first; each <= last; each += 1) state[each] = TAKEN;
      this.count += last - first + 1;
      const slice = Math.floor(line / perSlice);
      const row = (line - slice * perSlice) / columns;
      this.reach(0, slice, slice);
      this.reach(1, row, row);
      this.reach(2, first - line, last - line);
      if (row > 0) this.look(first - columns, last - columns);
      if (row < rows - 1) this.look(first + columns, last + columns);
      if (slice > 0) this.look(first - perSlice, last - perSlice);
      if (slice < slices - 1) this.look(first + perSlice, last + perSlice);
    }
  }

  private reach(axis: number, from: number, to: number): void {
    if (from < this.low[axis]) this.low[axis] = from;
    if (to > this.high[axis]) this.high[axis] = to;
  }

  private push(at: number): void {
    if (this.depth === this.stack.length) {
      const larger = new Int32Array(this.stack.length * 2);
      larger.set(this.stack);
      this.stack = larger;
    }
    this.stack[this.depth++] = at;
  }

  /** Puts the first voxel of each stretch of a neighbouring line on the stack. */
  private look(first: number, last: number): void {
    const { state } = this;
    for (let at = first; at <= last; at += 1) if (state[at] === INSIDE && (at === first || state[at - 1] !== INSIDE)) this.push(at);
  }

  /** What was taken, as what is inside in a region of the volume, or in all of this box. */
  takenIn(region: Region | null, affine: Affine | null, shape: readonly number[]): Filling {
    const { state, box, size } = this;
    const found = new Filling(region && affine ? boxAround(region, affine, shape) : box);
    const [[firstSlice], [firstRow], [firstColumn]] = found.box;
    if (!region || !affine) {
      for (let at = 0; at < state.length; at += 1) if (state[at] === TAKEN) found.state[at] = INSIDE;
      return found;
    }
    eachRun(region, affine, found.box, (slice, row, first, beyond) => {
      const from = ((slice - box[0][0]) * size[1] + (row - box[1][0])) * size[2] - box[2][0];
      const to = ((slice - firstSlice) * found.size[1] + (row - firstRow)) * found.size[2] - firstColumn;
      for (let column = first; column < beyond; column += 1) if (state[from + column] === TAKEN) found.state[to + column] = INSIDE;
    });
    return found;
  }

  /** All that was taken. */
  piece(): Piece {
    const { box, low, high } = this;
    if (this.count === 0) return NO_PIECE;
    const found: IndexBox = [0, 1, 2].map((axis) => [box[axis][0] + low[axis], box[axis][0] + high[axis] + 1] as const);
    return { count: this.count, box: found, bits: this.cropped() };
  }

  private cropped(): Uint8Array {
    const { state, low, high } = this;
    const [, rows, columns] = this.size;
    const [deep, tall, wide] = [0, 1, 2].map((axis) => high[axis] - low[axis] + 1);
    const bits = new Uint8Array(Math.ceil((deep * tall * wide) / 8));
    let to = 0;
    for (let slice = 0; slice < deep; slice += 1) {
      for (let row = 0; row < tall; row += 1) {
        const from = ((low[0] + slice) * rows + low[1] + row) * columns + low[2];
        for (let at = from; at < from + wide; at += 1, to += 1) if (state[at] === TAKEN) bits[to >> 3] |= 1 << (to & 7);
      }
    }
    return bits;
  }
}
