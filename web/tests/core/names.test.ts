import { expect, it } from "vitest";

import { formatPerson, nameOfInput, nameOfVolume, sizeOfSeries, volumesOfSeries, withoutName } from "@/core/names";

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
