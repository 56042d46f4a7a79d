/** Which values count, and how many voxels have them: the rule of `docs/concepts/threshold.md`, with the server's figures. */

import type { Histogram } from "@/core/histogram";

/** Values from `low` up to `high` count, both included. */
export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** No value lies between them. */
export const NOTHING: Limits = { low: Infinity, high: -Infinity };

const LARGEST = Number.MAX_VALUE;

/** False for NaN and infinities, whatever the limits. */
export const countsWithin = (x: number, { low, high }: Limits): boolean => x >= low && x <= high && Math.abs(x) <= LARGEST;

/** `(x - min) / (max - min)` in float64; halved first where the range itself would be infinite, as the server does. */
export function normalised(x: number, min: number, max: number): number {
  return Number.isFinite(max - min) ? (x - min) / (max - min) : (x / 2 - min / 2) / (max / 2 - min / 2);
}

/** The limits in a volume's unit; one that is not given is no limit. */
export const limitsInUnit = (lower: number | null, upper: number | null): Limits => ({ low: lower ?? -LARGEST, high: upper ?? LARGEST });

/**
 * The limits of values whose place in the range from `min` to `max` lies above one fraction, and not above another.
 *
 * Rounding keeps the order of values, so there is a smallest number for which the definition holds: values are compared
 * with that one, as the library does.
 */
export function limitsOfRange(lower: number, upper: number | null, min: number | null, max: number | null): Limits {
  if (min === null || max === null || !(max > min)) return NOTHING;
  const low = firstAbove(lower, min, max);
  if (low === null) return NOTHING;
  const beyond = upper === null ? null : firstAbove(upper, min, max);
  return { low, high: beyond === null ? max : nextDown(beyond) };
}

/** The limits of values above one value, and up to another. */
export const limitsAbove = (level: number, upTo: number | null): Limits => ({ low: nextUp(level), high: upTo ?? LARGEST });

/** The smallest number from `min` to `max` whose normalised value lies above a threshold; null if there is none. */
function firstAbove(threshold: number, min: number, max: number): number | null {
  if (!(normalised(max, min, max) > threshold)) return null;
  let [first, last] = [rankOf(min), rankOf(max)];
  while (first < last) {
    const middle = floorHalf(first + last);
    if (normalised(numberAt(middle), min, max) > threshold) last = middle;
    else first = middle + 1n;
  }
  return numberAt(first);
}

const floorHalf = (sum: bigint): bigint => sum >> 1n;
const bits = new DataView(new ArrayBuffer(8));
const MAGNITUDE = 0x7fff_ffff_ffff_ffffn;

/** The rank of a number among all doubles; both zeros are 0. */
function rankOf(x: number): bigint {
  bits.setFloat64(0, x);
  const pattern = bits.getBigInt64(0);
  return pattern >= 0n ? pattern : -(pattern & MAGNITUDE);
}

function numberAt(rank: bigint): number {
  bits.setBigInt64(0, rank >= 0n ? rank : -rank);
  const size = bits.getFloat64(0);
  return rank >= 0n ? size : -size;
}

/** The smallest double above a number. */
export const nextUp = (x: number): number => numberAt(rankOf(x) + 1n);

/** The largest double below a number. */
export const nextDown = (x: number): number => numberAt(rankOf(x) - 1n);

/** The sums of an exact histogram's counts, so that the voxels between any two values are counted at once. */
export class CountedValues {
  private readonly sums: Float64Array;

  constructor(private readonly histogram: Histogram) {
    this.sums = new Float64Array(histogram.counts.length + 1);
    histogram.counts.forEach((count, i) => (this.sums[i + 1] = this.sums[i] + count));
  }

  /** How many voxels have a value. */
  get all(): number {
    return this.sums[this.sums.length - 1];
  }

  /** How many voxels count; null if only the server can say. */
  count({ low, high }: Limits): number | null {
    if (!this.histogram.exact) return null;
    const first = this.indexOf((value) => value >= low);
    const beyond = this.indexOf((value) => value > high);
    return Math.max(0, this.sums[beyond] - this.sums[first]);
  }

  /** The smallest value that occurs from a value on; null if there is none. */
  firstFrom(value: number): number | null {
    return this.histogram.values.at(this.indexOf((each) => each >= value)) ?? null;
  }

  /** The largest value that occurs up to a value; null if there is none. */
  lastUpTo(value: number): number | null {
    const beyond = this.indexOf((each) => each > value);
    return beyond > 0 ? this.histogram.values[beyond - 1] : null;
  }

  /** The largest value that occurs below a value; null if there is none. */
  lastBelow(value: number): number | null {
    const first = this.indexOf((each) => each >= value);
    return first > 0 ? this.histogram.values[first - 1] : null;
  }

  /** The index of the first value that lies beyond, the number of values if none does. */
  private indexOf(isBeyond: (value: number) => boolean): number {
    const { values } = this.histogram;
    let [first, last] = [0, values.length];
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (isBeyond(values[middle])) last = middle;
      else first = middle + 1;
    }
    return first;
  }
}
