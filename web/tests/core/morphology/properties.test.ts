import { describe, expect, it } from "vitest";

import { ballRows, ballSize } from "@/core/morphology/ball";
import { combined, inverted } from "@/core/morphology/combining";
import { grownSegments } from "@/core/morphology/competingGrowth";
import { holesFilled } from "@/core/morphology/enclosed";
import { grownWithin } from "@/core/morphology/growing";
import { islandAt, islandsOfAtLeast, largestIsland, splitIslands } from "@/core/morphology/islands";
import { marginOf } from "@/core/morphology/margin";
import { emptyMask, type Mask, type MaskShape, reachInVoxels } from "@/core/morphology/maskBox";
import { gaussianSmoothed, gaussianWeights, medianSmoothed } from "@/core/morphology/smoothing";
import { finishWork } from "@/core/morphology/work";

import { countOf, gridOf, maskWhere, randomNumbers } from "./masks";

const SHAPE: MaskShape = [7, 9, 11];
const random = randomNumbers(18);
const MASKS = Array.from({ length: 8 }, () => {
  const share = random();
  return maskWhere(SHAPE, () => random() < share);
});
const GRID = gridOf(2.5, 0.7, 0.8);
const holds = (large: Mask, small: Mask): boolean => small.data.every((value, at) => value <= large.data[at]);

describe.each(MASKS.map((mask, i) => [i, mask] as const))("mask %i", (_, mask) => {
  it("lies in what it grows to, and holds what it shrinks to", () => {
    for (const mm of [0.5, 0.7, 2.5, 4]) {
      expect(holds(finishWork(marginOf(mask, GRID, mm)), mask)).toBe(true);
      expect(holds(mask, finishWork(marginOf(mask, GRID, -mm)))).toBe(true);
    }
    expect(finishWork(marginOf(mask, GRID, 0.69))).toEqual(mask);
  });

  it("grows the less, the smaller the margin", () => {
    const grown = [0, 0.8, 1.2, 3, 100].map((mm) => finishWork(marginOf(mask, GRID, mm)));
    grown.slice(1).forEach((larger, i) => expect(holds(larger, grown[i])).toBe(true));
    expect(countOf(grown[4])).toBe(countOf(mask) === 0 ? 0 : mask.data.length);
  });

  it("has the same islands and holes the second time", () => {
    for (const operation of [largestIsland, (one: Mask) => islandsOfAtLeast(one, GRID, 4), (one: Mask) => holesFilled(one, { axis: null }), (one: Mask) => holesFilled(one, { axis: 1 })]) {
      const once = finishWork(operation(mask));
      expect(finishWork(operation(once))).toEqual(once);
    }
  });

  it("is the sum of its islands", () => {
    const { labels, sizes } = finishWork(splitIslands(mask));
    expect(labels.map((label) => Math.min(label, 1))).toEqual(mask.data);
    expect(sizes).toEqual(sizes.map((__, i) => labels.filter((label) => label === i + 1).length));
  });

  it("follows the laws of sets", () => {
    const [other] = MASKS;
    const nothing = emptyMask(SHAPE);
    expect(inverted(inverted(mask))).toEqual(mask);
    expect(combined(mask, inverted(mask), "intersect")).toEqual(nothing);
    expect(combined(mask, mask, "subtract")).toEqual(nothing);
    expect(combined(combined(mask, other, "subtract"), combined(mask, other, "intersect"), "union")).toEqual(mask);
    expect(inverted(combined(mask, other, "union"))).toEqual(combined(inverted(mask), inverted(other), "intersect"));
  });
});

describe("an empty mask", () => {
  const empty = emptyMask(SHAPE);
  it("stays empty", () => {
    for (const work of [
      marginOf(empty, GRID, 5),
      marginOf(empty, GRID, -5),
      medianSmoothed(empty, GRID, 2),
      gaussianSmoothed(empty, GRID, 2),
      largestIsland(empty),
      islandsOfAtLeast(empty, GRID, 1),
      islandAt(empty, [1, 1, 1]),
      holesFilled(empty, { axis: null }),
      grownWithin(empty, new Int16Array(empty.data.length), { low: 0, high: 0 }),
    ]) expect(finishWork(work)).toEqual(empty);
    expect(finishWork(splitIslands(empty)).sizes).toEqual([]);
  });
});

describe("margins on known bodies", () => {
  const alone = maskWhere([31, 31, 31], (slice, row, column) => slice === 15 && row === 15 && column === 15);

  it("make balls in millimetres of one voxel, on a sheared grid too", () => {
    const sheared = [[0.2, 0, 1.1], [0.9, 0.8, 0], [1.4, 0, 0.1]];
    for (const affine of [gridOf(2, 0.9, 0.7), sheared]) {
      const length = (...steps: number[]): number => Math.hypot(...affine.map((line) => steps.reduce((sum, step, i) => sum + step * line[i], 0)));
      const ball = maskWhere([31, 31, 31], (slice, row, column) => length(slice - 15, row - 15, column - 15) <= 6.5);
      expect(finishWork(marginOf(alone, affine, 6.5))).toEqual(ball);
      expect(ballSize(ballRows(affine, 6.5))).toBe(countOf(ball));
      const reach = reachInVoxels(affine, 6.5);
      const farthest = [0, 0, 0];
      ball.data.forEach((value, at) => {
        if (value === 0) return;
        [Math.floor(at / 961), Math.floor(at / 31) % 31, at % 31].forEach((place, axis) => (farthest[axis] = Math.max(farthest[axis], Math.abs(place - 15))));
      });
      farthest.forEach((far, axis) => expect(far).toBeLessThanOrEqual(reach[axis]));
    }
  });

  it("count a voxel whose distance is the margin but for rounding", () => {
    // 0.1 * 3 > 0.3 in doubles.
    expect(countOf(finishWork(marginOf(alone, gridOf(5, 0.1, 5), 0.3)))).toBe(7);
  });

  it("do not shrink what the box cuts off", () => {
    const half = maskWhere([5, 5, 8], (_, __, column) => column < 5);
    expect(finishWork(marginOf(half, gridOf(1, 1, 1), -2))).toEqual(maskWhere([5, 5, 8], (_, __, column) => column < 3));
    const all = inverted(emptyMask([3, 4, 5]));
    expect(finishWork(marginOf(all, gridOf(1, 1, 1), -2))).toEqual(all);
  });
});

describe("smoothing", () => {
  const grid = gridOf(1.5, 0.8, 0.8);
  const shape: MaskShape = [25, 45, 45];
  const away = (slice: number, row: number, column: number): number => Math.hypot((slice - 12) * 1.5, (row - 22) * 0.8, (column - 22) * 0.8);
  const ball = maskWhere(shape, (...place) => away(...place) <= 13);
  const speckled = maskWhere(shape, (...place) => (away(...place) <= 13) !== (random() < 0.03));

  it.each([
    ["median", medianSmoothed],
    ["Gaussian", gaussianSmoothed],
  ] as const)("by %s keeps the volume of a ball, and removes speckles", (_, smooth) => {
    const smoothed = finishWork(smooth(ball, grid, 2));
    expect(Math.abs(countOf(smoothed) / countOf(ball) - 1)).toBeLessThan(0.08);
    const clean = finishWork(smooth(speckled, grid, 2));
    const wrong = countOf(combined(clean, smoothed, "subtract")) + countOf(combined(smoothed, clean, "subtract"));
    expect(wrong / countOf(ball)).toBeLessThan(0.03);
    expect(finishWork(splitIslands(clean)).sizes).toHaveLength(1);
  });

  it.each([
    ["median", medianSmoothed],
    ["Gaussian", gaussianSmoothed],
  ] as const)("by %s leaves flat surfaces where they are, at the box's edge too", (_, smooth) => {
    const wall = maskWhere([5, 9, 12], (__, ___, column) => column >= 4);
    expect(finishWork(smooth(wall, grid, 2.5))).toEqual(wall);
    const layer = maskWhere([6, 7, 8], (slice) => slice === 0);
    expect(finishWork(smooth(layer, grid, 2.5))).toEqual(layer);
  });

  it("changes nothing by a radius in which no other voxel lies", () => {
    for (const mask of MASKS) {
      expect(finishWork(medianSmoothed(mask, GRID, 0.5))).toEqual(mask);
      expect(finishWork(gaussianSmoothed(mask, GRID, 0.05))).toEqual(mask);
    }
  });

  it("weighs by numbers whose sum is 1", () => {
    for (const sigma of [0, 0.05, 0.4, 3, 7.7]) expect(gaussianWeights(sigma).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });
});

describe("growth", () => {
  const shape: MaskShape = [9, 20, 30];
  const size = shape[0] * shape[1] * shape[2];
  const values = Int16Array.from(maskWhere(shape, (_, __, column) => column >= 17).data, (bright) => (bright ? 300 : 40) + Math.round(20 * random()));
  const at = (slice: number, row: number, column: number): number => (slice * shape[1] + row) * shape[2] + column;
  const seeds = new Uint8Array(size);
  seeds[at(4, 10, 3)] = 7;
  seeds[at(1, 2, 25)] = 3;

  it("of two segments meets where the values change, though one began farther away", () => {
    const grown = finishWork(grownSegments(seeds, values, shape, gridOf(3, 0.7, 0.7)));
    expect(grown).toEqual(maskWhere(shape, (_, __, column) => column >= 17).data.map((bright) => (bright ? 3 : 7)));
  });

  it("of two segments meets halfway where all values are alike", () => {
    const line: MaskShape = [1, 1, 9];
    const ends = Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(Array.from(finishWork(grownSegments(ends, new Float32Array(9), line, gridOf(1, 1, 1))))).toEqual([2, 2, 2, 2, 1, 1, 1, 1, 1]);
  });

  it("keeps what was painted, and stops at what may not be taken and at what has no value", () => {
    const wall = maskWhere(shape, (_, __, column) => column !== 10 && column !== 20).data;
    const holed = Float64Array.from(values);
    for (let slice = 0; slice < shape[0]; slice += 1) for (let row = 0; row < shape[1]; row += 1) holed[at(slice, row, 6)] = NaN;
    const grown = finishWork(grownSegments(seeds, holed, shape, gridOf(3, 0.7, 0.7), { allowed: wall }));
    expect(grown).toEqual(maskWhere(shape, (_, __, column) => column < 6 || column > 20).data.map((reached, i) => (reached === 0 ? 0 : i % shape[2] < 6 ? 7 : 3)));
  });

  it("is the same for values that are larger by a factor", () => {
    const noisy = Float32Array.from(values, (value) => value + 150 * random());
    const scaled = noisy.map((value) => value * 4);
    expect(finishWork(grownSegments(seeds, scaled, shape, GRID))).toEqual(finishWork(grownSegments(seeds, noisy, shape, GRID)));
  });

  it("within limits keeps seeds outside of them, and grows from none of these", () => {
    const seed = maskWhere(shape, (slice, row, column) => slice === 4 && row === 10 && column === 3);
    const bright = finishWork(grownWithin(seed, values, { low: 200, high: 400 }));
    expect(bright).toEqual(seed);
    const dark = finishWork(grownWithin(seed, values, { low: 0, high: 100 }, maskWhere(shape, (slice) => slice > 2).data));
    expect(dark).toEqual(maskWhere(shape, (slice, _, column) => slice > 2 && column < 17));
  });
});
