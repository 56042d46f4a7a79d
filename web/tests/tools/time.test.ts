import { describe, expect, it } from "vitest";

import { axisOf, nameInSet, othersOf, setOf, ticks, unevenWords } from "@/tools/time/model";

const separator = (keyword: string, text: string, value: number | null, unit = "") => ({ keyword, name: keyword, text, value, unit });
const volume = (index: number, separators: ReturnType<typeof separator>[], seconds: number | null = null, grid: number | null = 0) => ({
  index,
  grid,
  label: `v${index}`,
  separators,
  acquired_s: seconds,
  acquired_by: "",
  shape: [3, 4, 5],
  colour: false,
});
const PHASES = [0, 521, 949].map((seconds, i) => volume(i, [separator("InstanceNumber", `${i * 60 + 1}-${i * 60 + 60}`, null)], seconds));
const ECHOES = [11.5, 4.6].map((ms, i) => volume(i, [separator("EchoTime", String(ms), ms, "ms")], 0));

describe("the volumes of one grid", () => {
  it("are played by time, and others are chosen", () => {
    const other = volume(3, [], null, 1);
    expect(setOf([...PHASES, other], 1)).toEqual([0, 1, 2]);
    expect(othersOf([...PHASES, other], [0, 1, 2])).toEqual([3]);
    expect(setOf([PHASES[2], PHASES[0]], 0)).toEqual([1, 0]);
  });

  it("are played by a quantity that tells them apart", () => {
    expect(setOf(ECHOES, 0)).toEqual([1, 0]);
    expect(axisOf(ECHOES)).toEqual({ title: "EchoTime", unit: "ms", places: [11.5, 4.6] });
  });

  it("are numbered where nothing tells their places", () => {
    expect(axisOf([volume(0, []), volume(1, [])])).toEqual({ title: "Volume", unit: "", places: [1, 2] });
  });

  it("are alone without a grid", () => {
    expect(setOf([volume(0, [], null, null), volume(1, [], null, null)], 1)).toEqual([1]);
  });

  it("say when they were made, and that times are uneven", () => {
    const axis = axisOf(PHASES);
    expect(PHASES.map((each, i) => nameInSet(each, axis, i))).toEqual(["0 s", "521 s", "949 s"]);
    expect(unevenWords(axis)).toBe("The times are uneven: 428 to 521 s apart");
    expect(unevenWords({ title: "Time", unit: "s", places: [0, 10, 20] })).toBe("");
    expect(nameInSet(ECHOES[0], axisOf(ECHOES), 0)).toBe("EchoTime 11.5 ms");
  });
});

it("puts ticks at round numbers", () => {
  expect(ticks(0, 949, 6)).toEqual([0, 200, 400, 600, 800]);
  expect(ticks(2, 2, 5)).toEqual([2]);
});
