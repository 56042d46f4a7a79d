import { describe, expect, it } from "vitest";

import { bars, countAbove, isAbove, thresholdOf, thresholdValue, volumeAbove } from "@/core/histogram";

const histogram = { values: [-10, 0, 3, 7, 10], counts: [5, 4, 3, 2, 1], min: -10, max: 10, exact: true };

describe("countAbove", () => {
  it("counts values whose normalised value is above, not at, the threshold", () => {
    expect(countAbove(histogram, 0)).toBe(10);
    expect(countAbove(histogram, 0.5)).toBe(6);
    expect(countAbove(histogram, 0.85)).toBe(1);
    expect(countAbove(histogram, 1)).toBe(0);
  });

  it("agrees with asking each value, for any threshold", () => {
    const values = Array.from({ length: 997 }, (_, i) => Math.sqrt(i) * 3.1 - 17);
    const counts = values.map((_, i) => (i * 7919) % 13);
    const random = { values, counts, min: values[0], max: values[996], exact: true };
    for (let i = 0; i <= 1000; i += 1) {
      const expected = counts.reduce((sum, count, j) => sum + (isAbove(values[j], random.min, random.max, i / 1000) ? count : 0), 0);
      expect(countAbove(random, i / 1000)).toBe(expected);
    }
  });

  it("is 0 for a constant image and for none, and unknown for bins that hold ranges", () => {
    expect(countAbove({ values: [4], counts: [9], min: 4, max: 4, exact: true }, 0)).toBe(0);
    expect(countAbove({ values: [], counts: [], min: null, max: null, exact: true }, 0.5)).toBe(0);
    expect(countAbove({ ...histogram, exact: false }, 0.5)).toBeNull();
  });
});

describe("volumes", () => {
  it("has the known figure for 50,080 pixels of 3 x 0.9765625 x 0.9765625 mm, to the last digit", () => {
    expect(volumeAbove(50_080, [3, 0.9765625, 0.9765625])).toBe(143_280.029296875);
  });

  it("is unknown without a spacing", () => {
    expect(volumeAbove(5, [null, 1, 1])).toBeNull();
    expect(volumeAbove(null, [1, 1, 1])).toBeNull();
  });
});

it("never counts padding, which lies outside of the range", () => {
  expect(isAbove(32_767, -1000, 2000, 0.5)).toBe(false);
  expect(isAbove(-2000, -1000, 2000, 0)).toBe(false);
});

it("tells what value a threshold stands for", () => {
  expect(thresholdValue(0.25, -1000, 3000)).toBe(0);
  expect(thresholdValue(0.5, null, null)).toBeNull();
});

it("draws bars on 0 to 1", () => {
  const heights = bars(histogram, 4);
  expect(Math.max(...heights)).toBe(1);
  expect(heights).toHaveLength(4);
  expect(bars({ values: [1], counts: [3], min: 1, max: 1, exact: true }, 3)).toEqual([0, 0, 0]);
});

it("goes from a threshold to its value and back", () => {
  expect(thresholdOf(476, -1024, 1976)).toBe(0.5);
  expect(thresholdValue(0.5, -1024, 1976)).toBe(476);
  expect([thresholdOf(-5000, -1024, 1976), thresholdOf(5000, -1024, 1976)]).toEqual([0, 1]);
  for (const none of [thresholdOf(NaN, 0, 1), thresholdOf(1, null, 1), thresholdOf(1, 3, 3)]) expect(none).toBeNull();
});
