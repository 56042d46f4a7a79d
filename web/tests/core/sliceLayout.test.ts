import { describe, expect, it } from "vitest";

import { FITTED, pixelAt, placeSlice, scaleBar, zoomAbout } from "@/core/sliceLayout";

const STAGE = { width: 800, height: 600 };

describe("place", () => {
  it("fits a square slice and centres it", () => {
    expect(placeSlice({ rows: 512, columns: 512, aspect: 1, lean: 0 }, STAGE, FITTED)).toEqual({ left: 100, top: 0, width: 600, height: 600, lean: 0 });
  });

  it("keeps true proportions by spacing", () => {
    const { width, height } = placeSlice({ rows: 35, columns: 512, aspect: 5 / 0.8, lean: 0 }, STAGE, FITTED);
    expect(width / height).toBeCloseTo((512 * 0.8) / (35 * 5), 10);
  });

  it.each([0.5, -0.5])("fits a leaning picture (%d columns a row) whole", (lean) => {
    const slice = { rows: 100, columns: 50, aspect: 2, lean };
    const { left, top, width, height, lean: over } = placeSlice(slice, STAGE, FITTED);
    expect([top, height]).toEqual([0, 600]);
    expect(height / width).toBeCloseTo((100 * 2) / 50, 10);
    expect(over / width).toBeCloseTo((lean * 99) / 50, 10);
    // Between the leftmost and the rightmost corner it stands in the middle.
    expect((Math.min(left, left + over) + Math.max(left, left + over) + width) / 2).toBeCloseTo(400, 10);
    for (const [row, column] of [[0, 0], [99, 0], [50, 49], [99, 49]]) {
      const point = { x: left + ((column + 0.5) / 50) * width + (over * row) / 99, y: top + ((row + 0.5) / 100) * height };
      expect(pixelAt(point, { left, top, width, height, lean: over }, slice)).toEqual({ row, column });
    }
  });
});

it("finds the pixel under a point", () => {
  const slice = { rows: 10, columns: 10 };
  const placement = placeSlice({ ...slice, aspect: 1, lean: 0 }, STAGE, FITTED);
  expect(pixelAt({ x: 101, y: 1 }, placement, slice)).toEqual({ row: 0, column: 0 });
  expect(pixelAt({ x: 699, y: 599 }, placement, slice)).toEqual({ row: 9, column: 9 });
  expect(pixelAt({ x: 99, y: 10 }, placement, slice)).toBeNull();
});

it("zooms about the point under the pointer", () => {
  const slice = { rows: 10, columns: 10, aspect: 1, lean: 0 };
  const point = { x: 250, y: 130 };
  const before = placeSlice(slice, STAGE, FITTED);
  const after = placeSlice(slice, STAGE, zoomAbout(FITTED, 2.5, point, STAGE));
  expect((point.x - after.left) / after.width).toBeCloseTo((point.x - before.left) / before.width, 10);
  expect((point.y - after.top) / after.height).toBeCloseTo((point.y - before.top) / before.height, 10);
});

describe("scaleBar", () => {
  it.each([
    [1, 160, 100, 100],
    [3, 160, 50, 150],
    [0.4, 160, 200, 80],
    [40, 100, 2, 80],
  ])("at %d pixels a millimetre and at most %d pixels is %d mm", (pixelsPerMm, most, mm, pixels) => {
    expect(scaleBar(pixelsPerMm, most)).toEqual({ mm, pixels });
  });

  it("is none without a scale", () => {
    expect(scaleBar(NaN, 100)).toBeNull();
    expect(scaleBar(0, 100)).toBeNull();
  });
});
