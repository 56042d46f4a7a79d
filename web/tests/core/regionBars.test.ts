import { describe, expect, it } from "vitest";

import { regionBars } from "@/core/regionBars";
import type { UltrasoundRegion } from "@/core/sliceRecords";
import { FITTED, type Layout, stageTransform, turnedRight } from "@/core/stageTransform";

const PICTURE = { rows: 200, columns: 400 };
const STAGE = { width: 800, height: 400 };
const at = (layout: Layout) => stageTransform({ ...PICTURE, aspect: 1, lean: 0 }, STAGE, layout);
const bars = (regions: readonly UltrasoundRegion[], layout = FITTED) => regionBars(regions, PICTURE, at(layout), STAGE, 160);

const region = (changes: Partial<UltrasoundRegion>): UltrasoundRegion => ({
  first_column: 0,
  first_row: 0,
  last_column: 399,
  last_row: 199,
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
const left = region({ last_column: 199 });
const spectrum = region({ first_column: 200, unit_x: "s", unit_y: "cm/s", pixel_spacing_mm: null });

describe("the scale bars of calibrated regions", () => {
  it("stand in the usual place where one region covers all that is seen", () => {
    // Two CSS pixels a column of 0.2 mm: 10 mm are 100 pixels.
    expect(bars([region({})])).toEqual([{ mm: 10, pixels: expect.closeTo(100) as number, at: null }]);
    // Zoomed into the left half, its region is all that is seen.
    expect(bars([left, spectrum], { ...FITTED, zoom: 4, x: 800, y: 0 })).toMatchObject([{ at: null }]);
  });

  it("stand within their region, and nowhere else", () => {
    const [bar, ...others] = bars([left, spectrum]);
    expect(others).toEqual([]);
    expect(bar.at).toEqual({ x: 200, y: 392 });
    expect(bar.pixels / bar.mm).toBeCloseTo(10);
    expect(bars([spectrum])).toEqual([]);
    expect(bars([left, spectrum], { ...FITTED, zoom: 4, x: -800, y: 0 })).toEqual([]);
  });

  it("are as long as the direction that lies across", () => {
    // Turned, a row of 0.4 mm lies across: the picture is 400 high, and a pixel one CSS pixel.
    const [bar] = bars([region({})], turnedRight(FITTED));
    expect(bar.pixels / bar.mm).toBeCloseTo(1 / 0.4);
  });

  it("leave out what another region lies over, and what is too small", () => {
    const over = region({ first_column: 50, last_column: 150, first_row: 150, pixel_spacing_mm: null, unit_x: "s" });
    expect(bars([over, left])).toEqual([]);
    expect(bars([region({ first_column: 390 })])).toEqual([]);
    expect(bars([region({ first_row: 190 })])).toEqual([]);
  });
});
