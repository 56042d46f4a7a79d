import { describe, expect, it } from "vitest";

import { voiChoices } from "@/core/voiChoices";
import type { VoiTable, Window } from "@/core/windowing";

describe("voiChoices", () => {
  const first: Window = { name: "", center: 50, width: 350, function: "LINEAR" };
  const table: VoiTable = { name: "", first: 0, levels: Uint8Array.of(0, 9, 255) };
  const volume = { windows: [first], tables: [], default_view: first, slice_views: null, unit: "HU", min: -1000, max: 2000 };
  const names = (given: object) => voiChoices({ ...volume, ...given }).map(({ name }) => name);

  it("begins with the default and offers no window twice", () => {
    expect(names({})).toEqual(["From the file", "Lung", "Mediastinum", "Abdomen", "Bone", "Brain", "Full range"]);
  });

  it("offers Hounsfield presets only for Hounsfield units", () => {
    expect(names({ windows: [], unit: "", min: 0, max: 900 })).toEqual(["Default", "Full range"]);
  });

  it("begins with each slice's own where slices differ; the volume's is a choice among others", () => {
    const offered = voiChoices({ ...volume, unit: "", slice_views: { views: [first], slices: [0] } });
    expect(offered.map(({ name, voi }) => [name, voi === null])).toEqual([
      ["Each slice its own", true],
      ["Of the middle slice", false],
      ["Full range", false],
    ]);
  });

  it("offers the header's tables, and begins with one that is the default", () => {
    const other = { ...table, first: 7, name: "Bone detail" };
    expect(names({ windows: [], tables: [table, other], default_view: table, unit: "" })).toEqual(["From the file: table", "Bone detail", "Full range"]);
  });
});
