import { expect, it } from "vitest";

import { curvePixels, curveRange, curveThrough } from "@/core/curves";

it("a curve has its points in the order of time, without volumes whose value is not known", () => {
  expect(curveThrough([30, 0, 15, 45], [3, 1, null, NaN])).toEqual([
    { at: 0, value: 1 },
    { at: 30, value: 3 },
  ]);
});

it("a curve of volumes without times has their numbers", () => {
  expect(curveThrough([0, null, 20], [5, 6, 7]).map(({ at }) => at)).toEqual([1, 2, 3]);
  expect(curveThrough([], [5, 6]).map(({ at }) => at)).toEqual([1, 2]);
});

it("curves are drawn in one range, large values at the top", () => {
  const [first, second] = [curveThrough([0, 10], [-5, 5]), curveThrough([5, 20], [0, 15])];
  const range = curveRange([first, second]);
  expect(range).toEqual({ from: 0, to: 20, low: -5, high: 15 });
  if (range) expect(curvePixels(first, range, 200, 100)).toEqual([{ x: 0, y: 100 }, { x: 100, y: 50 }]);
  expect(curveRange([[], []])).toBeNull();
  expect(curveRange([[{ at: 3, value: 7 }]])).toEqual({ from: 2.5, to: 3.5, low: 6.5, high: 7.5 });
});
