import { describe, expect, it } from "vitest";

import { prefetchOrder } from "@/core/prefetch";

describe("prefetchOrder", () => {
  it("goes outwards in both directions", () => {
    expect(prefetchOrder(5, 20, 0, 5)).toEqual([5, 6, 4, 7, 3]);
  });

  it("looks further ahead while stepping", () => {
    expect(prefetchOrder(5, 20, 1, 7)).toEqual([5, 6, 7, 4, 8, 9, 3]);
    expect(prefetchOrder(5, 20, -1, 4)).toEqual([5, 4, 3, 6]);
  });

  it("goes on from the last slice to the first where it plays round", () => {
    expect(prefetchOrder(19, 20, 1, 4, true)).toEqual([19, 0, 1, 18]);
    for (let index = 0; index < 9; index += 1) {
      expect([...prefetchOrder(index, 9, 1, 100, true)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it("holds each slice once, and all of them if there is room", () => {
    for (const direction of [-1, 0, 1] as const) {
      for (let index = 0; index < 9; index += 1) {
        const order = prefetchOrder(index, 9, direction, 100);
        expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
        expect(order[0]).toBe(index);
      }
    }
  });
});
