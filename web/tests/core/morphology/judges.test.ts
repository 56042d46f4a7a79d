import { describe, expect, it } from "vitest";

import { grownSegments } from "@/core/morphology/competingGrowth";
import { holesFilled } from "@/core/morphology/enclosed";
import { grownWithin } from "@/core/morphology/growing";
import { islandAt, islandsOfAtLeast, largestIsland, splitIslands } from "@/core/morphology/islands";
import { marginOf, nearByDistance, nearByRows } from "@/core/morphology/margin";
import { isRightAngled, type Mask, type MaskShape, voxelMm3 } from "@/core/morphology/maskBox";
import { slicesInterpolated } from "@/core/morphology/sliceInterpolation";
import { gaussianSmoothed, medianSmoothed } from "@/core/morphology/smoothing";
import { finishWork, type Work } from "@/core/morphology/work";

import examples from "../fixtures/morphology.json";
import { bytesOf, textOf, unpacked } from "./masks";

// JSON has no tuples.
const EXAMPLES = examples as unknown as readonly (Omit<(typeof examples)[number], "shape" | "voxel"> & { readonly shape: MaskShape; readonly voxel: MaskShape })[];

describe.each(EXAMPLES.map((example, i) => [i, example] as const))("example %i of scipy and SimpleITK", (_, example) => {
  const { shape, affine, mm, voxel } = example;
  const mask = unpacked(example.mask, shape);
  const before = textOf(mask.data);
  const is = (work: Work<Mask>, packed: string): void => {
    const made = finishWork(work);
    expect(made.shape).toEqual(shape);
    expect(textOf(made.data)).toBe(textOf(unpacked(packed, shape).data));
    expect(textOf(mask.data)).toBe(before);
  };
  const islandNumbers = bytesOf(example.islands);

  it("grows and shrinks by the same distance", () => {
    is(marginOf(mask, affine, mm), example.grown);
    is(marginOf(mask, affine, -mm), example.shrunk);
  });

  it("grows alike by distance and by rows of the ball", () => {
    is(nearByRows(mask, affine, mm), example.grown);
    if (isRightAngled(affine)) is(nearByDistance(mask, affine, mm), example.grown);
  });

  it("smooths by the same majority and the same weights", () => {
    is(medianSmoothed(mask, affine, mm), example.median);
    is(gaussianSmoothed(mask, affine, mm), example.gaussian);
  });

  it("has the same islands", () => {
    const { labels, sizes } = finishWork(splitIslands(mask));
    expect(textOf(labels)).toBe(textOf(islandNumbers));
    expect(sizes).toEqual(example.sizes);
    expect(finishWork(largestIsland(mask)).data).toEqual(islandNumbers.map((number) => (number === 1 ? 1 : 0)));
    is(islandAt(mask, voxel), example.at);
    const middle = sizes[Math.floor(sizes.length / 2)];
    const large = finishWork(islandsOfAtLeast(mask, affine, middle * voxelMm3(affine)));
    const least = sizes.lastIndexOf(middle) + 1;
    if (sizes.length < 254) expect(large.data).toEqual(islandNumbers.map((number) => (number >= 1 && number <= least ? 1 : 0)));
  });

  it("fills the same holes", () => {
    is(holesFilled(mask, { axis: null }), example.filled);
    for (const axis of [0, 1, 2] as const) is(holesFilled(mask, { axis }), example.filled_planes[axis]);
  });

  it("interpolates the same slices as the library", () => {
    const made = finishWork(slicesInterpolated(unpacked(example.painted, shape), affine, example.axis as 0 | 1 | 2));
    expect(textOf(made.data)).toBe(textOf(unpacked(example.interpolated, shape).data));
  });

  it("grows into the same voxels", () => {
    const seeds = bytesOf(example.seeds);
    const values = Int16Array.from(bytesOf(example.values));
    const [low, high] = example.limits;
    is(grownWithin({ data: seeds.map((label) => Math.min(1, label)), shape }, values, { low, high }), example.within);
    expect(finishWork(grownSegments(seeds, values, shape, affine, { valueUnit: 1 }))).toEqual(bytesOf(example.competing));
    expect(seeds).toEqual(bytesOf(example.seeds));
  });
});
