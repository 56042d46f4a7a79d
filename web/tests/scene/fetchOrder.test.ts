import { describe, expect, it } from "vitest";

import { costFor, nextBlock, type Wish } from "@/scene/worker/fetchOrder";

const wish = (slice: number, more: Partial<Wish> = {}): Wish => ({ slice, direction: 0, around: false, crossing: false, ...more });

/** All blocks, one after the other, until everything is there. */
function blocks(wishes: readonly Wish[], count: number, most: number): (readonly [number, number])[] {
  const loaded = new Set<number>();
  const order: (readonly [number, number])[] = [];
  const aged = wishes.map((one, age) => ({ wish: one, age }));
  for (;;) {
    const next = nextBlock(aged, count, (slice) => !loaded.has(slice), most);
    if (!next) return order;
    order.push([next.first, next.last]);
    for (let slice = next.first; slice <= next.last; slice += 1) loaded.add(slice);
  }
}

const slicesOf = (order: readonly (readonly [number, number])[]): number[] =>
  order.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

describe("the order of slices", () => {
  it("begins with the slice that is looked at, alone, and grows away from it", () => {
    expect(blocks([wish(10)], 40, 8).slice(0, 7)).toEqual([
      [10, 10],
      [11, 11],
      [9, 9],
      [12, 13],
      [7, 8],
      [14, 17],
      [3, 6],
    ]);
  });

  it.each([
    ["at rest", [wish(10)]],
    ["stepping back", [wish(10, { direction: -1 })]],
    ["of a cine", [wish(38, { direction: 1, around: true })]],
    ["across the slices", [wish(10, { crossing: true })]],
    ["of several views", [wish(0), wish(39), wish(20, { crossing: true })]],
  ])("reaches every slice exactly once %s", (_, wishes) => {
    const slices = slicesOf(blocks(wishes, 40, 8));
    expect(slices).toHaveLength(40);
    expect(new Set(slices).size).toBe(40);
  });

  it("takes two slices ahead for each one behind while stepping", () => {
    const slices = slicesOf(blocks([wish(10, { direction: -1 })], 40, 1)).slice(0, 7);
    expect(slices).toEqual([10, 9, 8, 11, 7, 6, 12]);
  });

  it("goes on from the last slice to the first for a cine", () => {
    expect(slicesOf(blocks([wish(37, { direction: 1, around: true })], 40, 1)).slice(0, 6)).toEqual([37, 38, 39, 36, 0, 1]);
    expect(costFor(wish(37, { direction: 1, around: true }), 0, 0, 40)).toBe(3);
  });

  it("joins what all views need, what they look at first", () => {
    const slices = slicesOf(blocks([wish(5), wish(30)], 40, 1));
    expect(slices.slice(0, 2)).toEqual([5, 30]);
    expect(slices.indexOf(31)).toBeLessThan(slices.indexOf(10));
    expect(slices.indexOf(7)).toBeLessThan(slices.indexOf(32));
  });

  it("begins with the slice that costs least of all that are missing, whatever the wishes", () => {
    let seed = 7;
    const below = (most: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % most;
    const count = 30;
    for (let round = 0; round < 2000; round += 1) {
      const wishes = Array.from({ length: 1 + below(3) }, (_, age) => ({
        wish: wish(below(count), { direction: ([-1, 0, 1] as const)[below(3)], around: below(3) === 0, crossing: below(3) === 0 }),
        age,
      }));
      const there = new Set(Array.from({ length: below(40) }, () => below(count)));
      const cost = (slice: number): number => Math.min(...wishes.map((one) => costFor(one.wish, one.age, slice, count)));
      const missing = Array.from({ length: count }, (_, slice) => slice).filter((slice) => !there.has(slice));
      const least = missing.reduce<number | null>((best, slice) => (best === null || cost(slice) < cost(best) ? slice : best), null);
      const block = nextBlock(wishes, count, (slice) => !there.has(slice), 1);
      expect(block).toEqual(least === null ? null : { first: least, last: least, cost: cost(least) });
    }
  });

  it("looks at no more slices of thousands than of a hundred", () => {
    const looks = (count: number): number => {
      let looked = 0;
      const half = count / 2;
      const isMissing = (slice: number): boolean => {
        looked += 1;
        return Math.abs(slice - half) > 5;
      };
      expect(nextBlock([{ wish: wish(half), age: 0 }], count, isMissing, 8)?.first).toBe(half + 6);
      return looked;
    };
    expect(looks(4000)).toBe(looks(100));
  });

  it("is empty without wishes or when all is there", () => {
    expect(nextBlock([], 40, () => true, 8)).toBeNull();
    expect(nextBlock([{ wish: wish(3), age: 0 }], 40, () => false, 8)).toBeNull();
  });
});
