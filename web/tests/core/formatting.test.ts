import { describe, expect, it } from "vitest";

import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatKeyword,
  formatMillilitres,
  formatNumber,
  formatSeconds,
  formatShare,
  formatValue,
  formatVolume,
  plural,
} from "@/core/formatting";

it("writes counts and volumes with separators and three decimals", () => {
  expect(formatCount(50_080)).toBe("50,080");
  expect(formatVolume(143_280.029296875)).toBe("143,280.029 mm³");
  expect(formatMillilitres(143_280.029296875)).toBe("143.3 ml");
  expect(formatMillilitres(8)).toBe("0.008 ml");
});

it("writes how long something takes, without seconds that are none", () => {
  expect([0.94, 12.4, 119.7, 1200, 3725].map(formatSeconds)).toEqual(["0.9 s", "12 s", "2 min", "20 min", "1 h 2 min"]);
});

it("writes numbers plainly, with a true minus", () => {
  expect(formatNumber(-1024)).toBe("−1024");
  expect(formatNumber(0.9765625, 4)).toBe("0.9766");
  expect(formatNumber(0.000012345)).toBe("1.234e-5");
  expect(formatNumber(NaN)).toBe("–");
});

it.each([
  ["20031231", "31 Dec 2003"],
  ["2003-01-05", "5 Jan 2003"],
  ["", ""],
  [null, ""],
  ["200", "200"],
  ["20039931", "20039931"],
])("writes the date %s as %s", (date, expected) => {
  expect(formatDate(date)).toBe(expected);
});

it("says how long ago", () => {
  const now = Date.parse("2024-05-01T12:00:00Z");
  expect(formatAgo("2024-05-01T11:59:58Z", now)).toBe("just now");
  expect(formatAgo("2024-05-01T11:40:00Z", now)).toBe("20 min ago");
  expect(formatAgo("2024-04-20T11:40:00Z", now)).toBe("20 Apr 2024");
  expect(formatAgo(null, now)).toBe("");
});

it("writes sizes and plurals", () => {
  expect(formatBytes(999)).toBe("999 B");
  expect(formatBytes(18_350_080)).toBe("18.4 MB");
  expect(plural(1, "slice")).toBe("1 slice");
  expect(plural(1200, "study", "studies")).toBe("1,200 studies");
});

describe("metadata", () => {
  it("parts keywords into words", () => {
    expect(formatKeyword("PixelSpacing")).toBe("Pixel Spacing");
    expect(formatKeyword("SOPClassUID")).toBe("SOP Class UID");
  });

  it("writes any JSON value on a line", () => {
    expect(formatValue([0.5, 0.5])).toBe("0.5 \\ 0.5");
    expect(formatValue([{ CodeValue: "1" }, { CodeValue: "2" }])).toBe("{CodeValue: 1} {CodeValue: 2}");
    expect(formatValue(null)).toBe("");
    expect(formatValue(false)).toBe("false");
  });
});

it.each([
  [0, "0 %"],
  [1, "100 %"],
  [0.191, "19 %"],
  [0.0123, "1.2 %"],
  [0.000294, "0.029 %"],
  [1e-9, "< 0.001 %"],
])("tells the share %d as %s", (share, words) => {
  expect(formatShare(share)).toBe(words);
});
