import { describe, expect, it } from "vitest";

import { rowsBetween, whyNeverRunnable, whyNotYetRunnable } from "@/core/runnable";

const READY = { state: "succeeded", volume_count: 1, regular: true } as const;

describe("what stands in the way of a step", () => {
  it("is told in words, and nothing is where a volume is regular or may be", () => {
    expect(whyNeverRunnable(READY)).toBe("");
    expect(whyNeverRunnable({ ...READY, regular: false })).toBe("it has no regular volume");
    expect(whyNeverRunnable({ ...READY, volume_count: 0, regular: null })).toBe("it has no images");
    expect(whyNeverRunnable({ ...READY, state: "failed", volume_count: 0, regular: null })).toBe("its volumes were not built");
    // Which of several is irregular only the server knows.
    expect(whyNeverRunnable({ ...READY, volume_count: 3, regular: false })).toBe("");
  });

  it("is a matter of time while volumes are built", () => {
    const building = { state: "running", volume_count: 0, regular: null } as const;
    expect(whyNeverRunnable(building)).toBe("");
    expect(whyNotYetRunnable(building)).toContain("still being built");
    // Built again: the volumes that it has can be used.
    expect(whyNotYetRunnable({ ...READY, state: "queued" })).toBe("");
    expect(whyNotYetRunnable(READY)).toBe("");
  });
});

it("a range lies between two, whichever is first", () => {
  const rows = [1, 5, 3, 9].map((id) => ({ id }));
  const ids = (from: number | null, to: number): number[] => rowsBetween(rows, from, to).map(({ id }) => id);
  expect(ids(5, 9)).toEqual([5, 3, 9]);
  expect(ids(9, 5)).toEqual([5, 3, 9]);
  expect(ids(3, 3)).toEqual([3]);
  expect(ids(null, 3)).toEqual([3]);
  expect(ids(77, 3)).toEqual([3]);
  expect(ids(3, 77)).toEqual([]);
});
