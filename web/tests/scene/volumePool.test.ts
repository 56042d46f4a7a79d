import { describe, expect, it, vi } from "vitest";

import { seriesFrom, type Volume } from "@/api/series";
import { type PooledSource, budgetFor, VolumePool } from "@/scene/volumePool";

import { SERIES } from "../examples";

const [EXAMPLE] = seriesFrom(structuredClone(SERIES) as never).volumes;

/** A volume of so many slices of 1 KiB. */
const volume = (slices: number, more: Partial<Volume> = {}): Volume => ({ ...EXAMPLE, dtype: "uint8", shape: [slices, 32, 32], ...more });
const KIB = 1024;

function poolOf() {
  const closed: string[] = [];
  const make = (inTab: boolean) => (key: string) => ({ key, inTab, close: () => closed.push(key), retry: () => closed.push(`again ${key}`) }) as unknown as PooledSource;
  const makers = { tab: vi.fn(make(true)), server: vi.fn(make(false)) };
  return { pool: new VolumePool({ oneVolume: 10 * KIB, allVolumes: 20 * KIB }, makers), makers, closed };
}

describe("the pool of volumes", () => {
  it("keeps one source of a volume for all who hold it, and after them", () => {
    const { pool, makers, closed } = poolOf();
    const source = pool.hold(1, volume(4));
    expect(pool.hold(1, volume(4))).toBe(source);
    pool.release(source);
    pool.release(source);
    pool.release(source);
    expect(pool.hold(1, volume(4))).toBe(source);
    expect(makers.tab).toHaveBeenCalledTimes(1);
    expect(closed).toEqual([]);
  });

  it("tells series, volumes and versions apart", () => {
    const { pool } = poolOf();
    const keys = [pool.hold(1, volume(2)), pool.hold(2, volume(2)), pool.hold(1, volume(2, { index: 1 })), pool.hold(1, volume(2, { version: "2" }))].map(({ key }) => key);
    expect(keys).toEqual(["1/0/1", "2/0/1", "1/1/1", "1/0/2"]);
  });

  it("has the server cut what is too large, or what has no room beside what is shown", () => {
    const { pool } = poolOf();
    expect(pool.hold(1, volume(11)).inTab).toBe(false);
    expect(pool.hold(2, volume(4, { dtype: "complex64" })).inTab).toBe(false);
    expect([3, 4].map((series) => pool.hold(series, volume(10)).inTab)).toEqual([true, true]);
    expect(pool.hold(5, volume(1)).inTab).toBe(false);
  });

  it("drops what nobody shows when its room is needed, what was shown least recently first", () => {
    const { pool, closed } = poolOf();
    const sources = [1, 2, 3].map((series) => pool.hold(series, volume(6)));
    for (const source of sources) pool.release(source);
    pool.release(pool.hold(1, volume(6)));
    expect(pool.hold(4, volume(6)).inTab).toBe(true);
    expect(closed).toEqual(["2/0/1"]);
    expect(pool.hold(5, volume(10)).inTab).toBe(true);
    expect(closed).toEqual(["2/0/1", "3/0/1", "1/0/1"]);
  });

  it("drops an older version, and what the server cuts, as soon as nobody shows it", () => {
    const { pool, closed } = poolOf();
    pool.release(pool.hold(1, volume(2)));
    pool.hold(1, volume(2, { version: "2" }));
    expect(closed).toEqual(["1/0/1"]);
    pool.release(pool.hold(2, volume(11)));
    expect(closed).toEqual(["1/0/1", "2/0/1"]);
  });

  it("takes less of a small device", () => {
    expect(budgetFor(8)).toEqual(budgetFor(undefined));
    expect(budgetFor(4).oneVolume).toBeLessThan(budgetFor(8).oneVolume);
    expect(budgetFor(2).allVolumes).toBeLessThan(budgetFor(8).allVolumes);
  });
});
