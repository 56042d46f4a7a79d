import { describe, expect, it } from "vitest";

import { autoWindow, percentile, percentileWindow } from "@/core/autoWindow";
import { voiChoices } from "@/core/voiChoices";

const histogram = (values: readonly number[], counts: readonly number[]) => ({ values, counts, min: values[0] ?? null, max: values.at(-1) ?? null, exact: true });
/** Each of the numbers 1 to 1000 once. */
const even = histogram(
  Array.from({ length: 1000 }, (_, i) => i + 1),
  new Array<number>(1000).fill(1),
);

describe("percentiles", () => {
  it.each([
    [0, 1],
    [0.001, 1],
    [0.0011, 2],
    [0.01, 10],
    [0.5, 500],
    [0.99, 990],
    [1, 1000],
  ])("%d of 1000 different values", (share, value) => {
    expect(percentile(even, share)).toBe(value);
  });

  it("count each value as often as it occurs", () => {
    const skewed = histogram([0, 7, 900], [970, 29, 1]);
    expect([0.5, 0.97, 0.971, 0.999, 1].map((share) => percentile(skewed, share))).toEqual([0, 0, 7, 7, 900]);
    expect(percentile(histogram([], []), 0.5)).toBeNull();
  });
});

describe("auto", () => {
  it("shows from the 1st to the 99th percentile", () => {
    expect(autoWindow(even)).toEqual({ name: "Auto", center: 500, width: 980, function: "LINEAR_EXACT" });
  });

  it("shows the whole range where nearly all values are one, and nothing without values", () => {
    expect(autoWindow(histogram([0, 80], [999, 1]))).toEqual({ name: "Auto", center: 40, width: 80, function: "LINEAR_EXACT" });
    expect(autoWindow(histogram([], []))).toBeNull();
  });

  it("has one definition for other shares", () => {
    expect(percentileWindow(even, 0, 0.5, "x")).toEqual({ name: "x", center: 250.5, width: 499, function: "LINEAR_EXACT" });
  });
});

describe("choices by unit and modality", () => {
  const view = { name: "", center: 50, width: 350, function: "LINEAR" } as const;
  const volume = { windows: [], tables: [], default_view: view, slice_views: null, unit: "", min: 1, max: 1000 };
  const names = (unit: string, modality: string) => voiChoices({ ...volume, unit }, { modality, histogram: even }).map(({ name }) => name);

  it("are SUV only where the unit is g/ml", () => {
    expect(names("GML", "PT")).toEqual(["Default", "SUV 0 to 5", "SUV 0 to 10", "SUV 0 to 20", "Auto", "0 to 99 %", "0 to 99.9 %", "Full range"]);
    expect(names("BQML", "PT")).toEqual(["Default", "Auto", "0 to 99 %", "0 to 99.9 %", "Full range"]);
  });

  it("are percentiles for MR, and HU presets with auto for CT", () => {
    expect(names("", "MR")).toEqual(["Default", "Auto", "0 to 95 %", "5 to 99.9 %", "Full range"]);
    expect(names("HU", "CT")).toEqual(["Default", "Lung", "Mediastinum", "Abdomen", "Bone", "Brain", "Auto", "Full range"]);
  });
});
