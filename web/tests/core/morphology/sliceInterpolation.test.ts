import { describe, expect, it } from "vitest";

import { islandAt, splitIslands } from "@/core/morphology/islands";
import { combined } from "@/core/morphology/combining";
import { type Mask, type MaskShape, stepsInMm } from "@/core/morphology/maskBox";
import { slicesInterpolated } from "@/core/morphology/sliceInterpolation";
import { finishWork } from "@/core/morphology/work";

import { countOf, gridOf, maskWhere } from "./masks";

const between = (mask: Mask, affine: number[][], axis: 0 | 1 | 2 = 0): Mask => finishWork(slicesInterpolated(mask, affine, axis));
const only = (mask: Mask, ...slices: number[]): Mask =>
  combined(mask, maskWhere(mask.shape, (slice) => slices.includes(slice)), "intersect");

describe("slices between two that are alike", () => {
  it.each([0, 1, 2] as const)("make a cylinder along axis %i, with uneven steps", (axis) => {
    const affine = gridOf(3, 0.7, 1.1);
    const steps = stepsInMm(affine);
    const inDisc = (...place: number[]): boolean => Math.hypot(...place.map((at, i) => (i === axis ? 0 : (at - 12) * steps[i]))) <= 6;
    const cylinder = maskWhere([25, 25, 25], (...place) => place[axis] >= 5 && place[axis] <= 16 && inDisc(...place));
    const drawn = maskWhere([25, 25, 25], (...place) => [5, 9, 10, 16].includes(place[axis]) && inDisc(...place));
    expect(between(drawn, affine, axis)).toEqual(cylinder);
    expect(between(cylinder, affine, axis)).toEqual(cylinder);
  });

  it("keep their width where they lie side by side, also far apart", () => {
    const affine = gridOf(2, 1, 0.5);
    const slanting: MaskShape = [11, 60, 60];
    // The middle moves by a voxel from slice to slice, farther in all than the disc is wide.
    const tube = maskWhere(slanting, (slice, row, column) => Math.hypot(row - 8 - 4 * slice, (column - 15 - 2 * slice) * 0.5) <= 5);
    const made = between(only(tube, 0, 10), affine);
    expect(made.data).toEqual(tube.data);
  });

  it("keep their holes", () => {
    const ring = maskWhere([7, 30, 30], (_, row, column) => Math.abs(Math.hypot(row - 15, column - 15) - 9) <= 3);
    expect(between(only(ring, 0, 6), gridOf(5, 1, 1))).toEqual(ring);
  });
});

describe("shapes of different size", () => {
  it("go over into each other as a cone does, with uneven steps in the plane", () => {
    const [sliceMm, rowMm, columnMm] = [2.5, 0.6, 0.9];
    const radius = (slice: number): number => 14 - 0.7 * slice;
    const away = (row: number, column: number): number => Math.hypot((row - 30) * rowMm, (column - 22) * columnMm);
    const shape: MaskShape = [13, 61, 45];
    const cone = maskWhere(shape, (slice, row, column) => away(row, column) <= radius(slice));
    const made = between(only(cone, 0, 12), gridOf(sliceMm, rowMm, columnMm));
    // Nowhere farther from the cone's surface than a pixel is long, and as much too large as too small.
    const wrong = maskWhere(shape, (slice, row, column) => {
      const at = (slice * shape[1] + row) * shape[2] + column;
      return made.data[at] !== cone.data[at] && Math.abs(away(row, column) - radius(slice)) > Math.max(rowMm, columnMm);
    });
    expect(countOf(wrong)).toBe(0);
    expect(Math.abs(countOf(made) / countOf(cone) - 1)).toBeLessThan(0.01);
  });

  it("branch into the pieces that they overlap", () => {
    const disc = (row: number, column: number, middle: number, radius: number): boolean => Math.hypot(row - 20, column - middle) <= radius;
    const drawn = maskWhere([9, 41, 61], (slice, row, column) =>
      slice === 0 ? disc(row, column, 30, 17) : slice === 8 && (disc(row, column, 20, 6) || disc(row, column, 41, 6)),
    );
    const made = between(drawn, gridOf(1, 1, 1));
    expect(finishWork(splitIslands(made)).sizes).toHaveLength(1);
    const islandsOf = (slice: number): number => finishWork(splitIslands(only(made, slice))).sizes.length;
    expect([1, 7].map(islandsOf)).toEqual([1, 2]);
    const counts = Array.from({ length: 9 }, (_, slice) => countOf(only(made, slice)));
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });
});

describe("several pieces", () => {
  const square = (row: number, column: number, top: number, left: number): boolean => row >= top && row < top + 6 && column >= left && column < left + 6;
  const affine = gridOf(4, 0.8, 0.8);

  it("each go on by themselves", () => {
    const two = maskWhere([6, 40, 40], (slice, row, column) => square(row, column, 4 + slice, 5) || square(row, column, 24 - slice, 28));
    expect(between(only(two, 0, 5), affine)).toEqual(two);
  });

  it("taper to a point where they go on nowhere, and build no bridge", () => {
    const drawn = maskWhere([9, 60, 60], (slice, row, column) =>
      slice === 0 ? square(row, column, 2, 2) || Math.hypot(row - 40, column - 40) <= 8 : slice === 8 && square(row, column, 2, 2),
    );
    const made = between(drawn, affine);
    const cone = finishWork(islandAt(made, [0, 40, 40]));
    const counts = Array.from({ length: 9 }, (_, slice) => countOf(only(cone, slice)));
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    expect(counts[7]).toBeGreaterThan(0);
    expect(counts[8]).toBe(0);
    // A third of the cylinder, about.
    expect(Math.abs(countOf(cone) / (counts[0] * 8) - 1 / 3)).toBeLessThan(0.12);
    expect(finishWork(splitIslands(made)).sizes).toHaveLength(2);
  });

  it("go over into a plane that is full", () => {
    const drawn = maskWhere([5, 20, 20], (slice, row, column) => slice === 4 || (slice === 0 && square(row, column, 1, 3)));
    const counts = Array.from({ length: 5 }, (_, slice) => countOf(only(between(drawn, affine), slice)));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts[1]).toBeGreaterThan(36);
  });

  it("are alike in mirrored and in turned drawings", () => {
    const blob = (row: number, column: number): boolean => (row - 14) ** 2 + (column - 10) ** 2 <= 50 || (row > 10 && row < 26 && column > 8 && column < 13);
    const drawn = maskWhere([7, 33, 33], (slice, row, column) => (slice === 0 ? blob(row, column) : slice === 6 && blob(row - 3, column - 5)));
    const up = maskWhere([7, 33, 33], (slice, row, column) => drawn.data[((6 - slice) * 33 + row) * 33 + column] === 1);
    const made = between(drawn, affine);
    expect(between(up, affine).data).toEqual(maskWhere([7, 33, 33], (slice, row, column) => made.data[((6 - slice) * 33 + row) * 33 + column] === 1).data);
  });
});

describe("nothing to do", () => {
  it.each([
    ["an empty mask", maskWhere([4, 5, 6], () => false)],
    ["one slice", maskWhere([4, 5, 6], (slice) => slice === 2)],
    ["neighbours", maskWhere([4, 5, 6], (slice, row) => slice < 2 && row === 1)],
  ])("leaves %s as it is", (_, mask) => {
    expect(between(mask, gridOf(1, 1, 1))).toEqual(mask);
  });

  it("leaves what was drawn as it was drawn", () => {
    const drawn = maskWhere([9, 20, 20], (slice, row, column) => slice % 4 === 0 && (row * 7 + column * 3 + slice) % 11 < 4);
    const made = between(drawn, gridOf(1, 1, 2));
    expect(only(made, 0, 4, 8)).toEqual(drawn);
  });
});
