import { describe, expect, it } from "vitest";

import { datePresets, isFiltering, isoDay, NO_FILTER, sameFilter, toggled, whyNoDay } from "@/core/studyFilter";

describe("filters", () => {
  it("are the same whatever the order of their lists, and blanks around the words", () => {
    const one = { ...NO_FILTER, search: "doe ", modalities: ["CT", "MR"], projects: [2, 10] };
    expect(sameFilter(one, { ...one, search: "doe", modalities: ["MR", "CT"], projects: [10, 2] })).toBe(true);
    expect(sameFilter(one, { ...one, modalities: ["CT"] })).toBe(false);
    expect(sameFilter(one, { ...one, has_volume: false })).toBe(false);
  });

  it("ask for something, apart from a patient", () => {
    expect(isFiltering({ ...NO_FILTER, patient: 3 })).toBe(false);
    expect(isFiltering({ ...NO_FILTER, has_problem: false })).toBe(true);
    expect(isFiltering({ ...NO_FILTER, search: "  " })).toBe(false);
  });

  it("take an item in, and out again", () => {
    expect(toggled(["CT"], "MR")).toEqual(["CT", "MR"]);
    expect(toggled(["CT", "MR"], "CT")).toEqual(["MR"]);
  });
});

describe("dates", () => {
  it("of presets are days of the local calendar, over the ends of months and years", () => {
    const ranges = new Map(datePresets(new Date(2024, 2, 1, 23, 30)).map(({ name, date_from, date_to }) => [name, `${date_from} ${date_to}`]));
    expect(ranges.get("Today")).toBe("2024-03-01 2024-03-01");
    expect(ranges.get("Yesterday")).toBe("2024-02-29 2024-02-29");
    expect(ranges.get("Last 7 days")).toBe("2024-02-24 2024-03-01");
    expect(ranges.get("This year")).toBe("2024-01-01 2024-03-01");
    expect(ranges.get("Last year")).toBe("2023-01-01 2023-12-31");
    expect(isoDay(new Date(2024, 0, 5))).toBe("2024-01-05");
  });

  it("in the wrong order hold no day", () => {
    expect(whyNoDay({ date_from: "2024-03-02", date_to: "2024-03-01" })).toContain("after the last");
    expect(whyNoDay({ date_from: "2024-03-02", date_to: "" })).toBe("");
  });
});
