import { describe, expect, it } from "vitest";

import { blockAffine, BlockMeans, blockPlan, emptyCopy, firstCentre, stepsOfAffine } from "@/core/blockMeans";
import { type Affine, toPatient, type Vector } from "@/core/geometry";

/** Oblique, mirrored and sheared. */
const AFFINE: Affine = [
  [0.3, -0.2, 0.9, -40],
  [0.5, 0.8, 0.1, 12],
  [-2.1, 0.3, 0.2, 300],
];

describe("the plan of a copy", () => {
  it("leaves a small volume as it is", () => {
    expect(blockPlan([10, 20, 30], [2, 1, 1], { perAxis: 256, voxels: 6000 })).toEqual({ every: [1, 1, 1], shape: [10, 20, 30] });
  });

  it.each([
    [[300, 512, 512], [1.5, 0.7, 0.7]],
    [[4000, 512, 512], [0.2, 0.9, 0.9]],
    [[3, 5000, 40], [5, 0.1, 0.1]],
    [[257, 257, 257], [1, 1, 1]],
  ] as const)("keeps within its bounds: %s", (shape, spacing) => {
    const bounds = { perAxis: 256, voxels: 8 * 2 ** 20 };
    for (const even of [false, true]) {
      const plan = blockPlan(shape, spacing, bounds, even);
      expect(Math.max(...plan.shape)).toBeLessThanOrEqual(bounds.perAxis);
      expect(plan.shape[0] * plan.shape[1] * plan.shape[2]).toBeLessThanOrEqual(bounds.voxels);
      expect(plan.shape).toEqual(plan.every.map((every, axis) => Math.ceil(shape[axis] / every)));
      if (even) expect(plan.every[1]).toBe(plan.every[2]);
    }
  });

  it("makes voxels as near to cubes as they can be", () => {
    expect(blockPlan([100, 200, 200], [5, 1, 1], { perAxis: 256, voxels: 1_000_000 }).every).toEqual([1, 2, 2]);
  });
});

it("says exactly where the voxels of the copy lie", () => {
  const every: Vector = [2, 3, 4];
  const copy = blockAffine(AFFINE, every, firstCentre(every));
  // The mean of the places of a block's voxels.
  const sum = [0, 0, 0];
  for (let i = 2; i < 4; i += 1) for (let j = 3; j < 6; j += 1) for (let k = 8; k < 12; k += 1) toPatient(AFFINE, [i, j, k]).forEach((mm, axis) => (sum[axis] += mm / 24));
  toPatient(copy, [1, 1, 2]).forEach((mm, axis) => expect(mm).toBeCloseTo(sum[axis], 9));
  expect(stepsOfAffine(copy)[2]).toBeCloseTo(stepsOfAffine(AFFINE)[2] * 4, 9);
});

describe("means", () => {
  const plan = { every: [1, 2, 2] as Vector, shape: [1, 2, 2] as Vector };

  function copyOf(values: number[], padding: readonly [number, number] | null, dtype = "int16"): number[] {
    const means = new BlockMeans(plan, [3, 3]);
    const copy = emptyCopy(dtype, { min: -1000, max: 3000 }, 4);
    means.begin();
    means.add(dtype === "int16" ? Int16Array.from(values) : Float32Array.from(values), padding);
    means.write(copy, 0, -1000);
    return [...copy];
  }

  it("are those of all voxels of a block, also of one that is cut off", () => {
    expect(copyOf([1, 3, 10, 5, 7, 20, 100, 200, 9], null)).toEqual([4, 15, 150, 9]);
  });

  it("leave padding and NaN out", () => {
    expect(copyOf([-2000, 3, 10, 5, -2000, 20, -2000, -2000, 9], [-2000, -2000])).toEqual([4, 15, -1000, 9]);
    expect(copyOf([NaN, 0.5, 10, NaN, 1.5, NaN, NaN, NaN, Infinity], null, "float32")).toEqual([1, 10, -1000, -1000]);
  });
});

it("takes short integers where they hold all values", () => {
  expect(emptyCopy("int16", { min: -1024, max: 3071 }, 1)).toBeInstanceOf(Int16Array);
  expect(emptyCopy("uint16", { min: 0, max: 4095 }, 1)).toBeInstanceOf(Int16Array);
  expect(emptyCopy("uint16", { min: 0, max: 65535 }, 1)).toBeInstanceOf(Float32Array);
  expect(emptyCopy("float32", { min: 0, max: 1 }, 1)).toBeInstanceOf(Float32Array);
});
