import { describe, expect, it } from "vitest";

import { followingSeries, nextSeries } from "@/core/seriesOrder";

const row = (id: number, count = 1, state = "succeeded") => ({ id, volume_count: count, state });
const ROWS = [row(1), row(2, 0), row(3), row(4, 0, "running"), row(5)];

describe("the next series", () => {
  it("is the next one with pictures, or with pictures to come", () => {
    expect([nextSeries(ROWS, 1, 1)?.id, nextSeries(ROWS, 3, 1)?.id, nextSeries(ROWS, 3, -1)?.id]).toEqual([3, 4, 1]);
  });

  it("goes around, and begins at the first or the last", () => {
    expect([nextSeries(ROWS, 5, 1)?.id, nextSeries(ROWS, 1, -1)?.id]).toEqual([1, 5]);
    expect([nextSeries(ROWS, null, 1)?.id, nextSeries(ROWS, null, -1)?.id]).toEqual([1, 5]);
  });

  it("is none where there is no other", () => {
    expect([nextSeries([row(1), row(2, 0)], 1, 1), nextSeries([], null, 1)]).toEqual([null, null]);
  });
});

it("gives the following series first, and none that is shown", () => {
  expect(followingSeries(ROWS, 3, [3, 5]).map(({ id }) => id)).toEqual([4, 1]);
});
