import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import {
  asWindow,
  dragWindow,
  greyTable,
  isTable,
  sameVoi,
  toDisplay,
  type Voi,
  type VoiTable,
  type Window,
  type WindowFunction,
  withPermittedFunction,
} from "@/core/windowing";

interface Case {
  readonly window?: { center: number; width: number; function: WindowFunction };
  readonly table?: { first: number };
  readonly grey?: readonly number[];
  readonly levels: readonly number[];
}

// What the library shows for the same values is held against the same file.
const CONTRACT = JSON.parse(readFileSync(new URL("../../../contract/display.json", import.meta.url), "ascii")) as {
  values: (number | string)[];
  cases: Case[];
};
const VALUES = CONTRACT.values.map(Number);
const VOI: [string, Voi, readonly number[]][] = CONTRACT.cases.map(({ window, table, grey, levels }) => [
  window ? `${window.function} ${window.center} ${window.width}` : `table from ${table?.first}`,
  window ? { name: "", ...window } : { name: "", first: table?.first ?? 0, levels: grey ?? [] },
  levels,
]);
const window = (kind: WindowFunction, center: number, width: number): Window => ({ name: "", center, width, function: kind });

describe("toDisplay", () => {
  it.each(VOI)("%s gives the library's grey levels", (_, voi, expected) => {
    expect([...toDisplay(VALUES, voi)]).toEqual(expected);
  });

  it("never falls as the value rises through a window", () => {
    const rising = Array.from({ length: 4000 }, (_, i) => i - 2000);
    for (const [, voi] of VOI) {
      const grey = toDisplay(rising, voi);
      expect(isTable(voi) || grey.every((level, i) => i === 0 || level >= grey[i - 1])).toBe(true);
    }
  });

  it("inverts for MONOCHROME1", () => {
    expect([...toDisplay([-160, 40, 240], window("LINEAR", 40, 400), true)]).toEqual([255, 127, 0]);
  });

  it("gives a table of whole numbers", () => {
    expect([...greyTable(-1, 1, window("LINEAR_EXACT", 0, 2))]).toEqual([0, 128, 255]);
  });

  it("gives a table in which each number has the level that it has alone", () => {
    const all = Float64Array.from({ length: 4001 }, (_, i) => i - 2000);
    const centers = [-40_000, -2001.5, -2000, -300.25, 0, 40, 0.1, 1999, 2000.5, 1e9];
    const wrong: string[] = [];
    const widths = [0.001, 0.5, 1, 1.5, 2, 80.3, 400, 3999, 5000, 1e7];
    for (const kind of ["LINEAR", "LINEAR_EXACT", "SIGMOID"] as const)
      for (const center of centers)
        for (const width of widths)
          for (const inverted of [false, true]) {
            const voi = window(kind, center, width);
            const wanted = toDisplay(all, voi, inverted);
            if (greyTable(-2000, 2000, voi, inverted).some((level, i) => level !== wanted[i])) wrong.push(`${kind} ${center} ${width} ${inverted}`);
          }
    expect(wrong).toEqual([]);
  });
});

describe("dragging", () => {
  it("widens to the right and raises the centre downwards", () => {
    const start = window("LINEAR", 40, 400);
    expect(dragWindow(start, 100, 0, 4000).width).toBeGreaterThan(400);
    expect(dragWindow(start, -100, 0, 4000).width).toBeLessThan(400);
    expect(dragWindow(start, 0, 50, 4000).center).toBeGreaterThan(40);
  });

  it("stays within what LINEAR allows", () => {
    const narrow = dragWindow(window("LINEAR", 0.5, 1), -400, 0, 1);
    expect(narrow.width).toBeGreaterThan(0);
    expect(narrow.function).toBe("LINEAR_EXACT");
    expect(withPermittedFunction(window("LINEAR", 0, 1)).function).toBe("LINEAR");
  });
});

it("knows two that show the same", () => {
  const table: VoiTable = { name: "a", first: 0, levels: Uint8Array.of(0, 9) };
  expect(sameVoi(table, { ...table, name: "b", levels: [0, 9] })).toBe(true);
  expect(sameVoi(table, { ...table, levels: [0, 8] })).toBe(false);
  expect(sameVoi(table, window("LINEAR", 1, 2))).toBe(false);
  expect(asWindow(table)).toMatchObject({ center: 0.5, width: 1, function: "LINEAR_EXACT" });
});
