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
import { formatPerson, nameOfInput, nameOfVolume, sizeOfSeries, volumesOfSeries, withoutName } from "@/core/names";

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
  ["DOE^JANE^M^DR", "DOE, JANE M"],
  ["Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"],
  ["=山田^太郎", "山田, 太郎"],
  ["PHANTOM", "PHANTOM"],
  ["^Jane", "Jane"],
  ["", ""],
])("writes the person name %s as %s", (name, expected) => {
  expect(formatPerson(name)).toBe(expected);
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

it("leaves out the name that stands beside a reason", () => {
  expect(withoutName("a.zip/b.dcm: the file is empty", "a.zip/b.dcm")).toBe("the file is empty");
  expect(withoutName("another reason", "b.dcm")).toBe("another reason");
});

it.each([
  [{ instance_count: 1, volume_count: 1, shape: [12, 64, 64] }, "12 slices"],
  [{ instance_count: 9, volume_count: 3, shape: [2, 64, 64] }, "9 instances"],
  [{ instance_count: 1, volume_count: 0, shape: null }, "1 instance"],
])("tells the size of %j as %s", (series, words) => {
  expect(sizeOfSeries(series)).toBe(words);
});

it("names the volumes of a series, the first few", () => {
  expect(volumesOfSeries({ volume_count: 1, volume_labels: [] })).toBe("");
  expect(volumesOfSeries({ volume_count: 3, volume_labels: ["axial", "coronal", "sagittal"] })).toBe("3 volumes: axial, coronal, sagittal");
  const many = ["1", "2", "3", "4", "5", "6"].map((time) => `time ${time}`);
  expect(volumesOfSeries({ volume_count: 200, volume_labels: many })).toBe("200 volumes: time 1, time 2, time 3, time 4, …");
  expect(volumesOfSeries({ volume_count: 2, volume_labels: [] })).toBe("2 volumes");
  expect(volumesOfSeries({ volume_count: 2, volume_labels: ["TemporalPositionIdentifier 1", "axial, FlipAngle 5"] })).toBe(
    "2 volumes: Temporal Position 1, axial, Flip Angle 5",
  );
  expect(nameOfVolume("SeriesType PhaseOne, order 2")).toBe("Series Type PhaseOne, order 2");
});

it("says what a step is done on", () => {
  expect(nameOfInput({ series: 4, description: "Localizer", volume: "axial" })).toBe("Localizer, axial");
  expect(nameOfInput({ series: 4, description: "", volume: "" })).toBe("Series 4");
});
