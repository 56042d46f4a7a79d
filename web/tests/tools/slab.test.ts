import { expect, it } from "vitest";

import { nextThickness, thickness } from "@/tools/slab/model";

it("keeps slabs within 1 and 100 mm", () => {
  expect([thickness(0.2), thickness(7.26), thickness(1000), thickness(NaN)]).toEqual([1, 7.3, 100, null]);
});

it("grows by a plane", () => {
  expect([nextThickness(10, 1, 2.5), nextThickness(10, -1, 0.4), nextThickness(10, 1, null), nextThickness(2, -1, 5)]).toEqual([12.5, 9, 11, 1]);
});
