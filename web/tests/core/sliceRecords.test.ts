import { describe, expect, it } from "vitest";

import { calibrationText, gapText, regionAt, regionsOf, sidesOf, sideText, type UltrasoundRegion, usualGap } from "@/core/sliceRecords";

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
  reference: null,
  reference_x: null,
  reference_y: null,
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

  it("say what a pixel is, from their reference", () => {
    const placed = region({ reference: [20, 0], reference_x: 0, reference_y: 1 });
    expect(calibrationText([placed], 15, 40)).toBe("2D tissue: x 0.2 cm, y 1.4 cm");
    expect(calibrationText([placed], 5, 25)).toBe("2D tissue: x −0.1 cm, y 1 cm");
    const doppler = { spatial_format: "spectral", data_type: "PW spectral Doppler", unit_x: "s", unit_y: "cm/s", delta_x: 0.005, delta_y: -0.8, pixel_spacing_mm: null };
    const spectrum = region({ ...doppler, reference: [0, 10], reference_x: 0, reference_y: 0 });
    expect(calibrationText([spectrum], 10, 30)).toBe("PW spectral Doppler: x 0.1 s, y 4 cm/s; no mm");
  });

  it("say what a pixel is worth where they have no reference, and that others are not calibrated", () => {
    expect(calibrationText(regions, 10, 11)).toBe("2D tissue: x 0.02 cm a pixel, y 0.04 cm a pixel");
    const mode = region({ spatial_format: "M-mode", unit_x: "s", delta_x: 0.004, pixel_spacing_mm: null });
    expect(calibrationText([mode], 10, 11)).toBe("M-mode tissue: x 0.004 s a pixel, y 0.04 cm a pixel; no mm");
    expect(calibrationText([region({ spatial_format: "", data_type: "", unit_x: "", pixel_spacing_mm: null })], 10, 11)).toBe("region: x has no unit, y 0.04 cm a pixel; no mm");
    expect(calibrationText(regions, 4, 11)).toBe("outside of the calibrated regions: no mm");
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
