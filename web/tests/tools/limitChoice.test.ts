import { describe, expect, it } from "vitest";

import type { Histogram } from "@/core/histogram";
import { CountedValues, nextUp } from "@/core/valueLimits";
import { afterKey, asHysteresis, askedLimits, type Choice, choiceWords, limitsOf, movedTo, onScale, otherScale, placeOf, reachOf, recipeOf, typedLimit, unitStep, type ValueRange, withLimit } from "@/tools/measure/choice";

const CT: ValueRange = { min: -1000, max: 3000, whole: true };
const half: Choice = { scale: "range", lower: 0.5, upper: null };
const soft: Choice = { scale: "unit", lower: 0, upper: 80 };

describe("a limit's handle", () => {
  it("lies where the limit is", () => {
    expect([placeOf(half, "lower", CT), placeOf(half, "upper", CT), placeOf(soft, "lower", CT), placeOf(soft, "upper", CT)]).toEqual([0.5, 1, 0.25, 0.27]);
    expect(placeOf({ scale: "unit", lower: null, upper: 9000 }, "lower", CT)).toBe(0);
    expect(placeOf({ scale: "unit", lower: null, upper: 9000 }, "upper", CT)).toBe(1);
  });

  it("moves in steps, to the other one and no further", () => {
    expect(movedTo(half, "lower", 0.12345, CT)).toEqual({ ...half, lower: 0.123 });
    expect(movedTo(half, "upper", 0.2, CT)).toEqual({ ...half, upper: 0.5 });
    expect(movedTo(soft, "lower", 0.26001, CT)).toEqual({ ...soft, lower: 40 });
    expect(movedTo(soft, "lower", 0.9, CT)).toEqual({ ...soft, lower: 80 });
    expect(movedTo(soft, "upper", -3, CT)).toEqual({ ...soft, upper: 0 });
  });

  it("is none at the upper end", () => {
    expect(movedTo(soft, "upper", 1.2, CT)).toEqual({ ...soft, upper: null });
  });

  it("has steps of an integer, or of a power of ten", () => {
    expect([unitStep(CT), unitStep({ min: 0, max: 7, whole: true }), unitStep({ min: 0, max: 0.52, whole: false }), unitStep({ min: 0, max: 50_000, whole: true })]).toEqual([1, 1, 0.0001, 10]);
    expect(movedTo({ scale: "unit", lower: 0, upper: null }, "lower", 0.1234567, { min: 0, max: 0.5, whole: false })).toMatchObject({ lower: 0.0617 });
  });

  it("moves by keys", () => {
    expect(["ArrowRight", "ArrowDown", "PageUp", "Home", "End"].map((key) => afterKey(half, "lower", key, CT)?.lower)).toEqual([0.501, 0.499, 0.52, 0, 1]);
    expect(["ArrowRight", "ArrowDown", "PageUp", "Home", "End"].map((key) => afterKey(soft, "upper", key, CT)?.upper)).toEqual([81, 79, 100, 0, null]);
    expect(afterKey(soft, "upper", "x", CT)).toBeNull();
  });
});

describe("a typed limit", () => {
  it("is taken as it is, with the other one out of its way", () => {
    expect(typedLimit(soft, "lower", " 12.5 ")).toEqual({ ...soft, lower: 12.5 });
    expect(typedLimit(soft, "lower", "−200")).toEqual({ ...soft, lower: -200 });
    expect(typedLimit(soft, "lower", "0,25")).toEqual({ ...soft, lower: 0.25 });
    expect(typedLimit(soft, "lower", "100")).toEqual({ ...soft, lower: 100, upper: 100 });
    expect(typedLimit(soft, "upper", "-5")).toEqual({ ...soft, lower: -5, upper: -5 });
  });

  it("is none if the field is empty, and refused if it is no number", () => {
    expect(typedLimit(soft, "lower", "")).toEqual({ ...soft, lower: null });
    expect(typedLimit(half, "lower", "")).toEqual({ ...half, lower: 0 });
    expect(typedLimit({ ...half, upper: 0.9 }, "upper", " ")).toEqual(half);
    expect(typedLimit(soft, "upper", "high")).toBeNull();
  });

  it("stays on [0, 1]", () => {
    expect([typedLimit(half, "lower", "7"), typedLimit(half, "lower", "-1")]).toMatchObject([{ lower: 1 }, { lower: 0 }]);
  });
});

describe("the other scale", () => {
  const values = [-1000, -990, 0, 40, 41, 3000];
  const histogram: Histogram = { values, counts: [1, 2, 4, 8, 16, 32], min: -1000, max: 3000, exact: true };
  const counted = new CountedValues(histogram);
  const count = (choice: Choice): number | null => counted.count(limitsOf(choice, CT));

  it("counts the same voxels", () => {
    for (const lower of [0.001, 0.25, 0.2599, 0.5]) {
      for (const upper of [null, 0.26, 0.2602, 0.9]) {
        const there = onScale({ scale: "range", lower, upper: upper === null ? null : Math.max(lower, upper) }, "unit", CT, counted);
        expect(count(there)).toBe(count({ scale: "range", lower, upper: upper === null ? null : Math.max(lower, upper) }));
        if (count(there)) expect(count(onScale(there, "range", CT, counted))).toBe(count(there));
      }
    }
  });

  it("shows both", () => {
    expect([otherScale(half, "lower", CT), otherScale(half, "upper", CT), otherScale(soft, "lower", CT)]).toEqual([1000, null, 0.25]);
  });

  it("stays where it is", () => {
    expect(onScale(soft, "unit", CT, null)).toBe(soft);
    expect(onScale({ ...soft, lower: null, upper: null }, "range", CT, counted)).toEqual({ scale: "range", lower: 0, upper: null });
  });
});

it("is said in words", () => {
  expect([half, { ...half, upper: 0.75 }, soft, { ...soft, upper: null }, { ...soft, lower: null }, { ...soft, lower: null, upper: null }].map((choice) => choiceWords(choice, "HU"))).toEqual([
    "above 0.5 of the range",
    "above 0.5, up to 0.75 of the range",
    "from 0 to 80 HU",
    "from 0 HU",
    "up to 80 HU",
    "all values",
  ]);
});

it("is asked of the server by its own words, or exactly in the unit", () => {
  expect([askedLimits(half, CT), askedLimits(soft, CT), askedLimits({ ...soft, lower: null }, CT), askedLimits({ ...soft, lower: null, upper: null }, CT)]).toEqual([{ threshold: 0.5 }, { lower: 0, upper: 80 }, { upper: 80 }, { lower: -1000 }]);
  const both = askedLimits({ ...half, upper: 0.75 }, CT);
  const { low, high } = limitsOf({ ...half, upper: 0.75 }, CT);
  expect([both.lower, both.upper]).toEqual([low, high]);
  expect(askedLimits({ ...half, lower: 1, upper: 1 }, CT)).toEqual({ threshold: 1 });
});

it("is saved as the recipe that the step takes", () => {
  const found: Choice = { scale: "unit", lower: 42, upper: null, found: { method: "otsu" } };
  expect([recipeOf(half, CT), recipeOf(soft, CT), recipeOf(found, CT), recipeOf({ ...found, found: { method: "percentile", percentile: 95 } }, CT)]).toEqual([
    { method: "fixed", threshold: 0.5 },
    { method: "units", lower: 0, upper: 80 },
    { method: "otsu" },
    { method: "percentile", percentile: 95 },
  ]);
  expect(choiceWords(found, "HU")).toBe("from 42 HU on (Otsu)");
});

it("never crosses", () => {
  expect(withLimit(soft, "lower", 90)).toEqual({ scale: "unit", lower: 90, upper: 90 });
});

const hysteresis: Choice = { scale: "unit", lower: 100, upper: 300, hysteresis: true };

it("counts by hysteresis above one value, where a piece reaches above another one", () => {
  expect(limitsOf(hysteresis, CT)).toEqual({ low: nextUp(100), high: Number.MAX_VALUE });
  expect([reachOf(hysteresis)?.low, reachOf({ scale: "unit", lower: 100, upper: 300 })]).toEqual([nextUp(300), null]);
  expect(askedLimits(hysteresis, CT)).toEqual({ method: "hysteresis", lower: 100, upper: 300 });
  expect(recipeOf(hysteresis, CT)).toEqual({ method: "hysteresis", lower: 100, upper: 300 });
  expect(choiceWords(hysteresis, "HU")).toBe("above 100 HU in pieces that reach above 300 HU");
});

it("always has both limits of hysteresis", () => {
  expect(movedTo(hysteresis, "upper", 1, CT)).toEqual({ ...hysteresis, upper: CT.max });
  expect([typedLimit(hysteresis, "lower", ""), typedLimit(hysteresis, "upper", "250")]).toEqual([null, { ...hysteresis, upper: 250 }]);
  expect(asHysteresis({ scale: "unit", lower: 100, upper: 300 }, CT)).toEqual(hysteresis);
  for (const choice of [{ scale: "range", lower: 0.5, upper: null }, { scale: "unit", lower: null, upper: null }, { scale: "unit", lower: CT.max + 5, upper: null }] as const) {
    const { lower, upper } = asHysteresis(choice, CT);
    expect(lower).toBeGreaterThanOrEqual(CT.min);
    expect(upper).toBeGreaterThanOrEqual(lower);
    expect(upper).toBeLessThanOrEqual(CT.max);
  }
});

it("tells which class multi-Otsu found", () => {
  const words = (lower: number | null, upper: number | null, number?: number): string => choiceWords({ scale: "unit", lower, upper, found: { method: "multi_otsu", classes: 3, ...(number === undefined ? {} : { class_number: number }) } }, "HU");
  expect([words(null, 40, 0), words(41, 200, 1), words(41, null)]).toEqual([
    "up to 40 HU (Multi-Otsu, class 0 of 3)",
    "from 41 to 200 HU (Multi-Otsu, class 1 of 3)",
    "from 41 HU on (Multi-Otsu, all but the lowest of 3 classes)",
  ]);
});
