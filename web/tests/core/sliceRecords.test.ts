import { describe, expect, it } from "vitest";

import { gapText, regionAt, regionDistance, regionsOf, sidesOf, sideText, type UltrasoundRegion, usualGap } from "@/core/sliceRecords";

const region = (changes: Partial<UltrasoundRegion>): UltrasoundRegion => ({
  first_column: 10,
  first_row: 5,
  last_column: 49,
  last_row: 30,
  spatial_format: "2D",
  data_type: "tissue",
  unit_x: "cm",
  unit_y: "cm",
  delta_x: 0.02,
  delta_y: 0.04,
  pixel_spacing_mm: [0.4, 0.2],
  ...changes,
});
const placesAt = (gaps: readonly (number | null)[]) => ({ slice_places: gaps.map((gap_mm) => ({ position: null, gap_mm })) });

describe("sides", () => {
  const words = [
    { patient_orientation: ["P", "F"], laterality: "R", view: "cranio-caudal" },
    { patient_orientation: [], laterality: "", view: "" },
  ];
  const volume = { slice_sides: { words, slices: [1, 0] } };

  it("are each slice's own", () => {
    expect([sidesOf(volume, 0), sidesOf(volume, 1), sidesOf(volume, 7)]).toEqual([words[1], words[0], null]);
    expect(sidesOf({ slice_sides: null }, 0)).toBeNull();
    expect(words.map(sideText)).toEqual(["right, cranio-caudal", ""]);
  });
});

describe("ultrasound regions", () => {
  const scan = region({});
  const doppler = region({ first_column: 30, data_type: "colour flow" });
  const spectrum = region({ first_row: 40, last_row: 80, pixel_spacing_mm: null });
  const regions = [doppler, scan, spectrum];

  it("are those of the slice", () => {
    const volume = { ultrasound: { regions: [[], regions], slices: [0, 1] } };
    expect([regionsOf(volume, 0), regionsOf(volume, 1), regionsOf({ ultrasound: null }, 0)]).toEqual([[], regions, []]);
  });

  it("hold the pixels up to their last one; of several the first", () => {
    expect(regionAt(regions, 5, 10)).toBe(scan);
    expect(regionAt(regions, 30.4, 49.4)).toBe(doppler);
    expect([regionAt(regions, 4.4, 10), regionAt(regions, 30.6, 49), regionAt(regions, 5, 9)]).toEqual([null, null, null]);
  });

  it("have millimetres only within one that is calibrated in cm", () => {
    expect(regionDistance(regions, { row: 10, column: 11 }, { row: 20, column: 26 })).toBeCloseTo(5);
    expect(regionDistance(regions, { row: 10, column: 11 }, { row: 20, column: 40 })).toBeNull();
    expect(regionDistance(regions, { row: 50, column: 11 }, { row: 60, column: 11 })).toBeNull();
    expect(regionDistance(regions, { row: 10, column: 11 }, { row: 0, column: 11 })).toBeNull();
  });
});

describe("gaps", () => {
  it("are said where they are not the usual one", () => {
    const volume = placesAt([null, 5, 5.004, 10, 5]);
    expect(usualGap(volume)).toBe(5);
    expect([0, 1, 2, 3, 4].map((slice) => gapText(volume, slice))).toEqual(["", "", "", "gap 10 mm", ""]);
  });

  it("are not said where none is known", () => {
    expect(usualGap({ slice_places: null })).toBeNull();
    expect(gapText(placesAt([null, null]), 1)).toBe("");
  });
});
