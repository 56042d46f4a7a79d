import { describe, expect, it } from "vitest";

import { countAbove, type Histogram, isAbove } from "@/core/histogram";
import { CountedValues, countsWithin, type Limits, limitsAbove, limitsInUnit, limitsOfRange, nextDown, nextUp, normalised, NOTHING } from "@/core/valueLimits";

/** Reproducible numbers from 0 to 1 (Park and Miller). */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function someHistogram(random: () => number, scale: number): Histogram {
  const values = [...new Set(Array.from({ length: 60 }, () => (random() - 0.4) * scale))].sort((a, b) => a - b);
  return { values, counts: values.map(() => 1 + Math.floor(random() * 9)), min: values[0], max: values[values.length - 1], exact: true };
}

const oneByOne = ({ values, counts }: Histogram, counted: (x: number) => boolean): number => values.reduce((sum, value, i) => sum + (counted(value) ? counts[i] : 0), 0);

describe("limits of fractions of the range", () => {
  it("count what the definition counts, to the last voxel", () => {
    const random = chance(7);
    for (const scale of [1e-310, 3, 4000, 1e300]) {
      const histogram = someHistogram(random, scale);
      const [min, max] = [histogram.min ?? NaN, histogram.max ?? NaN];
      const counted = new CountedValues(histogram);
      // The places of the values themselves are where a last digit decides.
      const fractions = [0, 0.5, 1, ...Array.from({ length: 20 }, random), ...histogram.values.slice(0, 30).map((value) => normalised(value, min, max))];
      for (const lower of fractions) {
        expect(counted.count(limitsOfRange(lower, null, min, max))).toBe(countAbove(histogram, lower));
        const upper = lower + (1 - lower) * random();
        const both = oneByOne(histogram, (x) => isAbove(x, min, max, lower) && !isAbove(x, min, max, upper));
        expect(counted.count(limitsOfRange(lower, upper, min, max))).toBe(both);
      }
    }
  });

  it("count nothing in a range of one value, or of none", () => {
    for (const limits of [limitsOfRange(0, null, 5, 5), limitsOfRange(0, 1, null, null), limitsOfRange(1, null, 0, 9)]) expect(limits).toBe(NOTHING);
  });

  it("hold where the range itself is infinite", () => {
    const limits = limitsOfRange(0.5, null, -1.5e308, 1.5e308);
    expect([-1e300, 0, 1e300].map((x) => countsWithin(x, limits))).toEqual([false, false, true]);
  });
});

describe("limits in the unit", () => {
  const histogram: Histogram = { values: [-1000, 0, 40, 41, 3000], counts: [1, 2, 4, 8, 16], min: -1000, max: 3000, exact: true };
  const counted = new CountedValues(histogram);

  it("are both included; one that is missing is none", () => {
    const cases: [number | null, number | null, number][] = [[0, 40, 6], [0.5, 40.5, 4], [null, 40, 7], [41, null, 24], [null, null, 31], [41, 40, 0], [5000, null, 0], [null, -5000, 0]];
    for (const [lower, upper, count] of cases) expect(counted.count(limitsInUnit(lower, upper))).toBe(count);
  });

  it("leave infinities and NaN out", () => {
    const all: Limits = limitsInUnit(null, null);
    expect([NaN, Infinity, -Infinity, 0].map((x) => countsWithin(x, all))).toEqual([false, false, false, true]);
  });

  it("are left to the server where the histogram is not exact", () => {
    expect(new CountedValues({ ...histogram, exact: false }).count(limitsInUnit(0, null))).toBeNull();
  });

  it("lie above what a method found, up to the next", () => {
    expect([counted.count(limitsAbove(40, null)), counted.count(limitsAbove(0, 41))]).toEqual([24, 12]);
  });

  it("find the values beside a limit", () => {
    expect([counted.firstFrom(1), counted.firstFrom(40), counted.firstFrom(3001), counted.lastUpTo(39), counted.lastUpTo(-1001)]).toEqual([40, 40, null, 0, null]);
  });
});

it("steps to the neighbouring doubles", () => {
  expect([nextUp(0), nextDown(0), nextUp(1), nextDown(1), nextUp(-1)]).toEqual([Number.MIN_VALUE, -Number.MIN_VALUE, 1 + Number.EPSILON, 1 - Number.EPSILON / 2, -1 + Number.EPSILON / 2]);
});
