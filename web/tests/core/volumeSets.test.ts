import { describe, expect, it } from "vitest";

import { nextAlong, type SeparatedVolume, setWith, volumeAt, volumeSets } from "@/core/volumeSets";

const separator = (keyword: string, value: number | null, unit = "", text = `${value}`) => ({ keyword, name: keyword, value, text, unit });
const volume = (index: number, separators: SeparatedVolume["separators"], more: Partial<SeparatedVolume> = {}): SeparatedVolume => ({
  index,
  label: `v${index}`,
  grid: 0,
  separators,
  acquired_s: null,
  ...more,
});

describe("volumes of one grid", () => {
  it("are along an axis, in the order of its values", () => {
    const [set] = volumeSets([volume(0, [separator("EchoTime", 9.2, "ms")]), volume(1, [separator("EchoTime", 4.6, "ms")])]);
    expect(set.axes.map(({ name, values }) => [name, values.map(({ text }) => text)])).toEqual([["EchoTime", ["4.6 ms", "9.2 ms"]]]);
    expect(set.members).toEqual([
      { volume: 1, places: [0] },
      { volume: 0, places: [1] },
    ]);
  });

  it("are along several axes where each has all values of the others", () => {
    const volumes = [0, 1, 2, 3, 4, 5].map((i) => volume(i, [separator("EchoTime", i % 2), separator("Phase", Math.floor(i / 2))]));
    const [set] = volumeSets(volumes);
    expect(set.axes.map(({ values }) => values.length)).toEqual([2, 3]);
    expect(volumeAt(set, [1, 2])).toBe(5);
    expect(nextAlong(set, 0, 1, 1)).toBe(2);
    expect([nextAlong(set, 0, 1, -1), nextAlong(set, 0, 1, -1, true)]).toEqual([null, 4]);
  });

  it("are in the order of their list where their values give no full table", () => {
    const b0 = volume(0, [separator("b", 0)]);
    const others = [1, 2].map((i) => volume(i, [separator("b", 1000), separator("direction", null, "", `${i} 0 0`)]));
    const [set] = volumeSets([b0, ...others]);
    expect(set.axes).toEqual([{ keyword: "", name: "Volume", unit: "", values: ["v0", "v1", "v2"].map((text) => ({ value: null, text })) }]);
    expect(set.members.map(({ places }) => places)).toEqual([[0], [1], [2]]);
  });

  it("do not depend on the order in which they come", () => {
    const volumes = [3, 1, 2].map((n, i) => volume(i, [separator("t", n)]));
    expect(volumeSets([...volumes].reverse())).toEqual(volumeSets(volumes));
  });

  it("are apart from those of other grids, and alone without one", () => {
    const volumes = [volume(0, []), volume(1, [], { grid: 1 }), volume(2, [], { grid: 1 }), volume(3, [], { grid: null }), volume(4, [], { grid: null })];
    const sets = volumeSets(volumes);
    expect(sets.map(({ members }) => members.map((one) => one.volume))).toEqual([[1, 2]]);
    expect([setWith(sets, 2), setWith(sets, 0)]).toEqual([sets[0], null]);
  });

  it("have their times, and it is said if these are uneven", () => {
    const timed = (seconds: readonly (number | null)[]) => volumeSets(seconds.map((acquired_s, i) => volume(i, [separator("t", i)], { acquired_s })))[0];
    expect([timed([0, 521, 949]).seconds, timed([0, 521, 949]).uneven]).toEqual([[0, 521, 949], true]);
    expect(timed([0, 2, 4.01]).uneven).toBe(false);
    expect([timed([0, null, 4]).seconds, timed([0, null, 4]).uneven]).toEqual([null, false]);
  });
});
