import { describe, expect, it } from "vitest";

import { fieldsFromSchema, initialValues } from "@/tools/run/formFields";
import { activeFields, checkField, collectParams, errorsByField, fieldHint, rangeText } from "@/tools/run/formValues";
import { groupSteps } from "@/tools/run/stepGroups";
import { whyInapplicable } from "@/tools/run/stepNeeds";

/** As pydantic writes it. */
const SCHEMA = {
  $defs: { Method: { enum: ["linear", "cubic"], title: "Method", type: "string" } },
  additionalProperties: false,
  properties: {
    sigma: {
      anyOf: [
        { exclusiveMinimum: 0, type: "number" },
        { maxItems: 3, minItems: 3, prefixItems: [{ exclusiveMinimum: 0, type: "number" }, { type: "number" }, { type: "number" }], type: "array" },
      ],
      default: 1,
      description: "Standard deviation.",
      title: "Sigma",
      unit: "mm",
    },
    level: { maximum: 1, minimum: 0, title: "Level", type: "number", description: "Where to cut." },
    count: { default: 3, exclusiveMaximum: 10, minimum: 1, title: "Count", type: "integer" },
    method: { $ref: "#/$defs/Method", default: "linear", description: "How to interpolate." },
    flat: { default: true, title: "Flat", type: "boolean" },
    percentiles: { default: [1, 99], items: { maximum: 100, minimum: 0, type: "number" }, type: "array", title: "Percentiles" },
    limit: { anyOf: [{ minimum: 5, type: "integer" }, { type: "null" }], default: null, title: "Limit" },
    label: { default: "", title: "Label", type: "string" },
    nested: { type: "object", title: "Nested" },
  },
  required: ["level"],
  title: "Params",
  type: "object",
};
const fields = fieldsFromSchema(SCHEMA);
const named = (name: string) => {
  const found = fields.find((field) => field.name === name);
  if (!found) throw new Error(name);
  return found;
};

describe("fields of a schema", () => {
  it("have their kind, unit, range, default and words", () => {
    expect(Object.fromEntries(fields.map(({ name, kind }) => [name, kind]))).toEqual({
      sigma: "numbers",
      level: "number",
      count: "whole",
      method: "choice",
      flat: "truth",
      percentiles: "numbers",
      limit: "whole",
      label: "text",
      nested: "json",
    });
    expect(named("sigma").unit).toBe("mm");
    expect(named("level").required).toBe(true);
    expect(named("method").choices.map(({ label }) => label)).toEqual(["Linear", "Cubic"]);
    expect(rangeText(named("level"))).toBe("0 to 1");
    expect(rangeText(named("sigma"))).toBe("above 0");
    expect(rangeText(named("count"))).toBe("at least 1, below 10");
    expect(fieldHint(named("sigma"))).toBe("Standard deviation; commas between several; above 0");
    expect(initialValues(fields)).toEqual({
      sigma: "1", level: "", count: "3", method: "linear", flat: true, percentiles: "1, 99", limit: "", label: "", nested: "",
    });
  });

  it("are none where there is no schema", () => {
    expect(fieldsFromSchema(null)).toEqual([]);
    expect(fieldsFromSchema({ type: "object" })).toEqual([]);
    expect(fieldsFromSchema({ properties: { odd: 3, lost: { $ref: "#/nowhere/at/all" } } }).map(({ kind }) => kind)).toEqual(["json"]);
  });
});

describe("what is typed", () => {
  it("becomes parameters, without what was left empty", () => {
    const values = { ...initialValues(fields), level: " 0.5 ", sigma: "1, 2 3", limit: "7", nested: '{"a": 1}' };
    expect(collectParams(fields, values)).toEqual({
      params: { sigma: [1, 2, 3], level: 0.5, count: 3, method: "linear", flat: true, percentiles: [1, 99], limit: 7, nested: { a: 1 } },
      errors: {},
    });
    expect(checkField(named("sigma"), "2")).toEqual({ value: 2 });
    expect(checkField(named("limit"), "")).toBeNull();
  });

  it("is refused in words, at its field, and at every edge of its range", () => {
    const wrong = { ...initialValues(fields), sigma: "1, 2", count: "2.5", limit: "4", percentiles: "101", nested: "{" };
    expect(Object.keys(collectParams(fields, wrong).errors).sort()).toEqual(["count", "level", "limit", "nested", "percentiles", "sigma"]);
    expect(checkField(named("sigma"), "0")).toHaveProperty("error");
    expect(checkField(named("level"), "0")).toEqual({ value: 0 });
    expect(checkField(named("level"), "1")).toEqual({ value: 1 });
    expect(checkField(named("level"), "1.0001")).toEqual({ error: "It must be 0 to 1." });
    expect(checkField(named("count"), "10")).toHaveProperty("error");
    expect(checkField(named("level"), "abc")).toEqual({ error: "A number is needed." });
    expect(checkField(named("method"), "nearest")).toHaveProperty("error");
  });

  it("takes the server's errors to their fields", () => {
    const told = [
      { loc: ["body", "params", "sigma"], msg: "must be above 0" },
      { loc: ["body", "params", "sigma", "1"], msg: "is no number" },
      { loc: ["body", "params", "else"], msg: "is not permitted" },
      { loc: ["body", "series"], msg: "is missing" },
    ];
    expect(errorsByField(fields, told)).toEqual({
      sigma: "must be above 0 is no number",
      "": "else: is not permitted series: is missing",
    });
  });
});

describe("steps in groups", () => {
  const steps = [
    { name: "otsu", title: "Threshold", description: "A mask of what is bright.", group: "mask" },
    { name: "gaussian", title: "Gaussian blur", description: "Smooths.", group: "filter" },
    { name: "own", title: "Ours", description: "A plug-in's.", group: "home_made" },
  ];

  it("are found by each of the words, in the order of the groups", () => {
    expect(groupSteps(steps, "").map(({ title }) => title)).toEqual(["Filters", "Masks", "Home made"]);
    expect(groupSteps(steps, "mask BRIGHT").map(({ steps: found }) => found.map(({ name }) => name))).toEqual([["otsu"]]);
    expect(groupSteps(steps, "nothing")).toEqual([]);
  });
});

it("shows and sends only what the chosen method uses", () => {
  const fields = fieldsFromSchema({
    properties: {
      method: { enum: ["fixed", "otsu"], default: "fixed", type: "string" },
      threshold: { type: "number", default: 0.5, when: { method: ["fixed"] } },
      invert: { type: "boolean", default: false },
    },
  });
  const names = (values: Record<string, string>) => activeFields(fields, values).map(({ name }) => name);
  expect(names({})).toEqual(["method", "threshold", "invert"]);
  expect(names({ method: "otsu" })).toEqual(["method", "invert"]);
  const otsu = { ...initialValues(fields), method: "otsu" };
  expect(collectParams(activeFields(fields, otsu), otsu).params).toEqual({ method: "otsu", invert: false });
});

it("says why a step does not apply", () => {
  const volume = { colour: false, affine: [[0, 0, 1, 0], [0, 1, 0, 0], [5, 0, 0, 0]], spacing_mm: [5, 1, 1] };
  const needs = ["grey", "millimetres", "place", "straight"];
  expect(whyInapplicable({ needs }, volume)).toBe("");
  expect(whyInapplicable({ needs }, { ...volume, colour: true })).toContain("colour");
  expect(whyInapplicable({ needs }, { ...volume, affine: null })).toContain("place");
  expect(whyInapplicable({ needs }, { ...volume, spacing_mm: [null, 1, 1] })).toContain("millimetres");
  expect(whyInapplicable({ needs }, { ...volume, affine: [[0, 0, 1, 0], [1, 1, 0, 0], [5, 0, 0, 0]] })).toContain("rectify");
  expect(whyInapplicable({ needs: [] }, { ...volume, colour: true })).toBe("");
});
