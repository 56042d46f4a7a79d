/**
 * Growth of several painted segments at once: each voxel goes to the segment with the cheapest way to it.
 *
 * A way leads through faces. A step costs the difference of the two values and a little for its length, in whole units:
 * the result is defined by the costs alone, and among equal costs the segment with the smallest label has the voxel. So
 * it depends on no order of work.
 */

import type { Affine } from "@/core/geometry";
import { type MaskShape, stepsInMm } from "@/core/morphology/maskBox";
import { partOfWork, type Work } from "@/core/morphology/work";
import type { PixelArray } from "@/core/pixelArray";
import { countsWithin, type Limits, limitsInUnit, NOTHING } from "@/core/valueLimits";

export interface GrowthOptions {
  /** 1 for voxels that may be taken; without it, all. Voxels whose value is no number are never taken. */
  readonly allowed?: Uint8Array;
  /** The difference of values that costs one unit; without it, a 4,000th of the values' spread in the box. */
  readonly valueUnit?: number;
  /** Units that a millimetre of way costs. */
  readonly unitsPerMm?: number;
}

/** Units of the spread of values: fine enough for 12 bits, and small enough for the table of costs. */
const UNITS_OF_SPREAD = 4000;
/** A difference of values costs no more units than this. */
const MOST_UNITS = 16_000;
/** The most that a step's length costs. */
const MOST_LENGTH_UNITS = 16_000;
/** Costs are kept modulo this; the ways at work at one time differ by less than half of it. */
const CYCLE = 65_535;
const UNTOUCHED = 65_535;
/** The level of voxels that no way leads into. */
const CLOSED = 65_535;
const CLOSED_STATE = (CLOSED << 16) | UNTOUCHED;
const PIECE = 1 << 15;
/** All finite values. */
const ANY = limitsInUnit(null, null);

/**
 * The labels of all voxels that a seed can reach.
 *
 * @param seeds the label of each painted voxel, 0 for free ones; painted voxels keep theirs
 * @param values of the same box
 */
export function* grownSegments(seeds: Uint8Array, values: PixelArray, shape: MaskShape, affine: Affine, options: GrowthOptions = {}): Work<Uint8Array> {
  const { allowed, unitsPerMm = 8 } = options;
  const range = yield* partOfWork(rangeOf(values), 0, 0.03);
  const unit = options.valueUnit ?? (yield* partOfWork(spreadOf(values, range), 0.03, 0.06)) / UNITS_OF_SPREAD;
  const mayGrow = (at: number): boolean => allowed === undefined || allowed[at] === 1 || seeds[at] !== 0;
  const levels = yield* partOfWork(valueLevels(values, range, unit > 0 ? unit : 1, mayGrow), 0.06, 0.1);
  const lengths = stepsInMm(affine).map((mm) => Math.min(MOST_LENGTH_UNITS, Math.max(1, Math.round(mm * unitsPerMm))));
  const flood = new Flood(seeds, levels, shape, lengths);
  yield* partOfWork(flood.run(), 0.1, 1);
  return flood.result();
}

/** The distance from the 1st to the 99th percentile of values, to a 65,536th of their range; of a few values, the range. */
function* spreadOf(values: PixelArray, { low, high }: Limits): Work<number> {
  if (!(high > low)) return 0;
  const bins = new Uint32Array(65_536);
  const scale = (bins.length - 1) / (high - low);
  let count = 0;
  for (let at = 0; at < values.length; at += 1) {
    if (at % PIECE === 0) yield at / values.length;
    const value = values[at];
    if (!countsWithin(value, ANY)) continue;
    bins[Math.round((value - low) * scale)] += 1;
    count += 1;
  }
  const at = (share: number): number => {
    let [bin, left] = [0, share * count];
    while (bin < bins.length - 1 && (left -= bins[bin]) > 0) bin += 1;
    return bin;
  };
  return (at(0.99) - at(0.01)) / scale || high - low;
}

/** The smallest and the largest value; infinite the wrong way round if there is none. */
function* rangeOf(values: PixelArray): Work<Limits> {
  let { low, high } = NOTHING;
  for (let at = 0; at < values.length; at += 1) {
    if (at % PIECE === 0) yield at / values.length;
    const value = values[at];
    if (!countsWithin(value, ANY)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** Values in whole units above the smallest; `CLOSED` where nothing may grow. */
function* valueLevels(values: PixelArray, { low, high }: Limits, unit: number, mayGrow: (at: number) => boolean): Work<Uint16Array> {
  // Where 16 bits do not hold the range, units are larger.
  const perUnit = 1 / Math.max(unit, (high - low) / (CLOSED - 1));
  const levels = new Uint16Array(values.length);
  for (let at = 0; at < levels.length; at += 1) {
    if (at % PIECE === 0) yield at / levels.length;
    levels[at] = countsWithin(values[at], ANY) && mayGrow(at) ? Math.round((values[at] - low) * perUnit) : CLOSED;
  }
  return levels;
}

/**
 * Dijkstra's search from all seeds at once, with a bucket for each cost (Dial, 1969).
 *
 * The box has a closed voxel around it on all sides, so that no step needs to ask whether it leaves the box.
 */
class Flood {
  private readonly labels: Uint8Array;
  /**
   * Of each voxel its level, in the upper half, and the cost of the best way so far modulo `CYCLE`: together, so that a
   * voxel far away in memory is fetched once. A settled voxel is closed.
   */
  private readonly states: Int32Array;
  private readonly buckets = new CostBuckets();
  private readonly padded: MaskShape;
  private cost = 0;

  constructor(
    seeds: Uint8Array,
    levels: Uint16Array,
    private readonly shape: MaskShape,
    private readonly lengths: readonly number[],
  ) {
    this.padded = [shape[0] + 2, shape[1] + 2, shape[2] + 2];
    const size = this.padded[0] * this.padded[1] * this.padded[2];
    this.labels = new Uint8Array(size);
    this.states = new Int32Array(size).fill(CLOSED_STATE);
    this.eachRow((inside, padded) => {
      this.labels.set(seeds.subarray(inside, inside + shape[2]), padded);
      for (let column = 0; column < shape[2]; column += 1) {
        const level = levels[inside + column];
        if (level === CLOSED) continue;
        const isSeed = seeds[inside + column] !== 0;
        this.states[padded + column] = (level << 16) | (isSeed ? 0 : UNTOUCHED);
        if (isSeed) this.buckets.put(0, padded + column);
      }
    });
  }

  *run(): Work<void> {
    for (let done = 0; this.settle(PIECE); done += PIECE) yield Math.min(1, done / this.labels.length);
  }

  /** The labels without the voxels around the box. */
  result(): Uint8Array {
    const labels = new Uint8Array(this.shape[0] * this.shape[1] * this.shape[2]);
    this.eachRow((inside, padded) => labels.set(this.labels.subarray(padded, padded + this.shape[2]), inside));
    return labels;
  }

  private eachRow(visit: (inside: number, padded: number) => void): void {
    const [slices, rows, columns] = this.shape;
    for (let slice = 0; slice < slices; slice += 1) {
      for (let row = 0; row < rows; row += 1) visit((slice * rows + row) * columns, ((slice + 1) * (rows + 2) + row + 1) * (columns + 2) + 1);
    }
  }

  /** Settles so many voxels, the cheapest first; false if none is left. */
  private settle(count: number): boolean {
    const { states, buckets, padded, lengths } = this;
    const [perSlice, perRow, perColumn] = lengths;
    const [sliceStride, rowStride] = [padded[1] * padded[2], padded[2]];
    for (let left = count; left > 0; ) {
      if (buckets.count === 0) return false;
      const at = buckets.take(this.cost);
      if (at < 0) {
        this.cost = this.cost === CYCLE - 1 ? 0 : this.cost + 1;
        continue;
      }
      const level = states[at] >>> 16;
      // A voxel that was reached again in a cheaper way is settled.
      if (level === CLOSED) continue;
      states[at] = CLOSED_STATE;
      left -= 1;
      this.reach(at, level, at - sliceStride, perSlice);
      this.reach(at, level, at + sliceStride, perSlice);
      this.reach(at, level, at - rowStride, perRow);
      this.reach(at, level, at + rowStride, perRow);
      this.reach(at, level, at - 1, perColumn);
      this.reach(at, level, at + 1, perColumn);
    }
    return true;
  }

  private reach(from: number, level: number, to: number, length: number): void {
    const state = this.states[to];
    const other = state >>> 16;
    if (other === CLOSED) return;
    const { labels } = this;
    const difference = other > level ? other - level : level - other;
    const step = length + (difference > MOST_UNITS ? MOST_UNITS : difference);
    const before = state & UNTOUCHED;
    if (before !== UNTOUCHED) {
      // Costs at work lie between the present one and it plus the dearest step.
      const left = before >= this.cost ? before - this.cost : before - this.cost + CYCLE;
      if (step > left) return;
      if (step === left) {
        if (labels[from] < labels[to]) labels[to] = labels[from];
        return;
      }
    }
    const cost = this.cost + step < CYCLE ? this.cost + step : this.cost + step - CYCLE;
    labels[to] = labels[from];
    this.states[to] = (other << 16) | cost;
    this.buckets.put(cost, to);
  }
}

/** Places of a block of `CostBuckets`: the place of the block before it, then voxels. */
const BLOCK = 32;

/** Voxels by cost, in linked blocks of one growing array, so that voxels of one cost lie together; freed blocks are used again. */
class CostBuckets {
  count = 0;
  /** The place of the last block of each cost; -1 for none. */
  private readonly last = new Int32Array(CYCLE).fill(-1);
  /** How many voxels the last block of each cost holds. */
  private readonly held = new Uint8Array(CYCLE);
  private entries = new Int32Array(1 << 14);
  private used = 0;
  private freed = -1;

  put(cost: number, voxel: number): void {
    let block = this.last[cost];
    let held = this.held[cost];
    if (block < 0 || held === BLOCK - 1) {
      const next = this.freeBlock();
      this.entries[next] = block;
      this.last[cost] = block = next;
      held = 0;
    }
    this.entries[block + held + 1] = voxel;
    this.held[cost] = held + 1;
    this.count += 1;
  }

  /** Takes a voxel of a cost; -1 if there is none. */
  take(cost: number): number {
    const block = this.last[cost];
    if (block < 0) return -1;
    const held = this.held[cost];
    const voxel = this.entries[block + held];
    if (held > 1) this.held[cost] = held - 1;
    else {
      this.last[cost] = this.entries[block];
      this.held[cost] = BLOCK - 1;
      this.entries[block] = this.freed;
      this.freed = block;
    }
    this.count -= 1;
    return voxel;
  }

  private freeBlock(): number {
    const block = this.freed;
    if (block >= 0) {
      this.freed = this.entries[block];
      return block;
    }
    if (this.used === this.entries.length) this.entries = longer(this.entries);
    this.used += BLOCK;
    return this.used - BLOCK;
  }
}

function longer(old: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * old.length);
  twice.set(old);
  return twice;
}
