/**
 * Growth of several painted segments at once: each voxel goes to the segment with the cheapest way to it.
 *
 * A way leads through faces. A step costs the difference of the two values and a little for its length, in whole units:
 * the result is defined by the costs alone, and among equal costs the segment with the smallest label has the voxel. So
 * it depends on no order of work.
 */

import type { Affine } from "@/core/geometry";
import { type MaskShape, stepsInMm } from "@/core/morphology/maskBox";
import type { Work } from "@/core/morphology/work";
import type { PixelArray } from "@/core/pixelArray";

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
export const MOST_UNITS = 16_000;
/** The most that a step's length costs. */
const MOST_LENGTH_UNITS = 16_000;
/** Costs are kept modulo this; the ways at work at one time differ by less than half of it. */
const CYCLE = 65_535;
const SETTLED = 65_535;
const BARRIER = 65_535;
const PIECE = 1 << 16;

/**
 * The labels of all voxels that a seed can reach.
 *
 * @param seeds the label of each painted voxel, 0 for free ones; painted voxels keep theirs
 * @param values of the same box
 */
export function* grownSegments(seeds: Uint8Array, values: PixelArray, shape: MaskShape, affine: Affine, options: GrowthOptions = {}): Work<Uint8Array> {
  yield 0;
  const unit = options.valueUnit ?? spreadOf(values) / UNITS_OF_SPREAD;
  const levels = valueLevels(values, unit > 0 ? unit : 1, options.allowed, seeds);
  yield 0.05;
  const lengths = stepsInMm(affine).map((mm) => Math.min(MOST_LENGTH_UNITS, Math.max(1, Math.round(mm * (options.unitsPerMm ?? 8)))));
  const flood = new Flood(seeds, levels, shape, lengths);
  yield* flood.run();
  return flood.labels;
}

/** The distance from the 1st to the 99th percentile of the values, to a 65,536th of their range; of a few values, the range. */
export function spreadOf(values: PixelArray): number {
  let [low, high, count] = [Infinity, -Infinity, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count += 1;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high > low)) return 0;
  const bins = new Uint32Array(65_536);
  const scale = (bins.length - 1) / (high - low);
  for (const value of values) if (Number.isFinite(value)) bins[Math.round((value - low) * scale)] += 1;
  const at = (share: number): number => {
    let [bin, left] = [0, share * count];
    while (bin < bins.length - 1 && (left -= bins[bin]) > 0) bin += 1;
    return bin;
  };
  return (at(0.99) - at(0.01)) / scale || high - low;
}

/** Values in whole units above the smallest; `BARRIER` where nothing may grow. */
function valueLevels(values: PixelArray, unit: number, allowed: Uint8Array | undefined, seeds: Uint8Array): Uint16Array {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  // Where 16 bits do not hold the range, units are larger.
  const perUnit = 1 / Math.max(unit, (high - low) / (BARRIER - 1));
  const levels = new Uint16Array(values.length);
  for (let at = 0; at < levels.length; at += 1) {
    const closed = !Number.isFinite(values[at]) || (allowed !== undefined && allowed[at] !== 1 && seeds[at] === 0);
    levels[at] = closed ? BARRIER : Math.round((values[at] - low) * perUnit);
  }
  return levels;
}

/** Dijkstra's search from all seeds at once, with a bucket for each cost (Dial, 1969). */
class Flood {
  readonly labels: Uint8Array;
  /** The cost of the best way so far modulo `CYCLE`; `SETTLED` once it is the best of all. */
  private readonly costs: Uint16Array;
  private readonly buckets = new CostBuckets();
  private cost = 0;

  constructor(
    seeds: Uint8Array,
    private readonly levels: Uint16Array,
    private readonly shape: MaskShape,
    private readonly lengths: readonly number[],
  ) {
    this.labels = seeds.slice();
    this.costs = new Uint16Array(seeds.length);
    for (let at = 0; at < seeds.length; at += 1) if (seeds[at] !== 0) this.costs[at] = SETTLED;
  }

  *run(): Work<void> {
    const { labels, levels, costs, buckets } = this;
    const free = labels.length;
    let done = 0;
    for (let at = 0; at < labels.length; at += 1) {
      if (costs[at] === SETTLED && levels[at] !== BARRIER) this.spread(at);
      if ((at + 1) % PIECE === 0) yield 0.05;
    }
    while (buckets.count > 0) {
      const at = buckets.take(this.cost % CYCLE);
      if (at < 0) {
        this.cost += 1;
        continue;
      }
      // Voxels that were reached in a cheaper way meanwhile are settled.
      if (costs[at] === SETTLED) continue;
      costs[at] = SETTLED;
      this.spread(at);
      if ((done += 1) % PIECE === 0) yield 0.05 + (0.95 * done) / free;
    }
  }

  private spread(at: number): void {
    const [slices, rows, columns] = this.shape;
    const [perSlice, perRow, perColumn] = this.lengths;
    const column = at % columns;
    const line = (at - column) / columns;
    const row = line % rows;
    const slice = (line - row) / rows;
    if (slice > 0) this.reach(at, at - rows * columns, perSlice);
    if (slice < slices - 1) this.reach(at, at + rows * columns, perSlice);
    if (row > 0) this.reach(at, at - columns, perRow);
    if (row < rows - 1) this.reach(at, at + columns, perRow);
    if (column > 0) this.reach(at, at - 1, perColumn);
    if (column < columns - 1) this.reach(at, at + 1, perColumn);
  }

  private reach(from: number, to: number, length: number): void {
    const { labels, levels, costs } = this;
    if (costs[to] === SETTLED || levels[to] === BARRIER) return;
    const difference = Math.abs(levels[to] - levels[from]);
    const step = length + (difference > MOST_UNITS ? MOST_UNITS : difference);
    if (labels[to] !== 0) {
      // Costs at work lie between the present one and it plus the dearest step.
      const left = (costs[to] - (this.cost % CYCLE) + CYCLE) % CYCLE;
      if (step > left) return;
      if (step === left) {
        if (labels[from] < labels[to]) labels[to] = labels[from];
        return;
      }
    }
    labels[to] = labels[from];
    costs[to] = (this.cost + step) % CYCLE;
    this.buckets.put(costs[to], to);
  }
}

/** Voxels by cost, in linked lists of one growing array whose freed places are used again. */
class CostBuckets {
  count = 0;
  private readonly first = new Int32Array(CYCLE).fill(-1);
  private voxels = new Int32Array(1 << 12);
  private next = new Int32Array(1 << 12);
  private used = 0;
  private freed = -1;

  put(cost: number, voxel: number): void {
    let place = this.freed;
    if (place >= 0) this.freed = this.next[place];
    else {
      if (this.used === this.voxels.length) [this.voxels, this.next] = [longer(this.voxels), longer(this.next)];
      place = this.used;
      this.used += 1;
    }
    this.voxels[place] = voxel;
    this.next[place] = this.first[cost];
    this.first[cost] = place;
    this.count += 1;
  }

  /** Takes a voxel of a cost; -1 if there is none. */
  take(cost: number): number {
    const place = this.first[cost];
    if (place < 0) return -1;
    this.first[cost] = this.next[place];
    this.next[place] = this.freed;
    this.freed = place;
    this.count -= 1;
    return this.voxels[place];
  }
}

function longer(old: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * old.length);
  twice.set(old);
  return twice;
}
