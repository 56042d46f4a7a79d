import { describe, expect, it, vi } from "vitest";

import type { Slice } from "@/api/slices";
import type { Plane } from "@/core/geometry";
import { type SliceCursor, SliceLoader } from "@/viewports/sliceLoader";

const at = (index: number, direction: -1 | 0 | 1 = 0): SliceCursor => ({ volume: 0, plane: "acquired", index, count: 100, direction });
const slice = (): Slice => ({ values: new Int16Array(50), rows: 5, columns: 10, samples: 1 });

/** A server whose answers come when the test says so. */
function server() {
  const asked = new Map<number, { give: (slice: Slice) => void; fail: (error: Error) => void; signal: AbortSignal }>();
  const order: number[] = [];
  const fetch = (_volume: number, _plane: Plane, index: number, signal: AbortSignal): Promise<Slice> =>
    new Promise((give, fail) => {
      order.push(index);
      asked.set(index, { give, fail, signal });
      signal.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
    });
  return { asked, order, fetch };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("SliceLoader", () => {
  it("asks for the slice first, then for its neighbours, a few at a time", async () => {
    const { asked, order, fetch } = server();
    const loader = new SliceLoader(fetch, vi.fn());
    loader.want(at(10));
    expect(order).toEqual([10, 11, 9, 12]);
    asked.get(10)?.give(slice());
    await settled();
    expect(order[4]).toBe(8);
    expect(loader.get(at(10))).toBeDefined();
  });

  it("drops requests that moving on has made useless, and asks for the new slice at once", () => {
    const { asked, order, fetch } = server();
    const loader = new SliceLoader(fetch, vi.fn());
    loader.want(at(10));
    loader.want(at(60, 1));
    expect([10, 11, 9, 12].every((index) => asked.get(index)?.signal.aborted)).toBe(true);
    expect(order[4]).toBe(60);
  });

  it("keeps requests that are still wanted", () => {
    const { asked, fetch } = server();
    const loader = new SliceLoader(fetch, vi.fn());
    loader.want(at(10));
    loader.want(at(11, 1));
    expect(asked.get(11)?.signal.aborted).toBe(false);
  });

  it("holds no more than its bytes", async () => {
    const fetch = () => Promise.resolve(slice());
    const loader = new SliceLoader(fetch, vi.fn(), 1000);
    for (let index = 0; index < 40; index += 1) {
      loader.want(at(index, 1));
      await settled();
    }
    const held = Array.from({ length: 100 }, (_, i) => loader.has(0, "acquired", i)).filter(Boolean).length;
    expect(held).toBeLessThanOrEqual(10);
    expect(loader.has(0, "acquired", 39)).toBe(true);
  });

  it("keeps a failure for the slice it belongs to, until it is tried again", async () => {
    const { asked, order, fetch } = server();
    const changed = vi.fn();
    const loader = new SliceLoader(fetch, changed);
    loader.want(at(10));
    asked.get(10)?.fail(new Error("gone"));
    await settled();
    expect(loader.failure(at(10))).toMatchObject({ message: "gone" });
    expect(changed).toHaveBeenCalledWith("0/acquired/10");
    loader.retry(at(10));
    expect(order.filter((index) => index === 10)).toHaveLength(2);
    expect(loader.failure(at(10))).toBeUndefined();
  });

  it("is settled about what has come and about what cannot be had, so that the cine never waits for ever", async () => {
    const { asked, fetch } = server();
    const loader = new SliceLoader(fetch, vi.fn());
    loader.want(at(10));
    asked.get(10)?.give(slice());
    asked.get(11)?.fail(new Error("gone"));
    await settled();
    expect([9, 10, 11].map((index) => loader.settled(0, "acquired", index))).toEqual([false, true, true]);
  });

  it("looks round the end while playing", () => {
    const { order, fetch } = server();
    new SliceLoader(fetch, vi.fn()).want({ ...at(99, 1), around: true });
    expect(order).toEqual([99, 0, 1, 98]);
  });
});
