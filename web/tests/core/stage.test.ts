import { describe, expect, it } from "vitest";

import { FITTED, pixelAspect, pixelAt, place, scaleBar, zoomAbout } from "@/core/stage";

const STAGE = { width: 800, height: 600 };

describe("place", () => {
  it("fits a square slice and centres it", () => {
    expect(place({ rows: 512, columns: 512, aspect: 1 }, STAGE, FITTED)).toEqual({ left: 100, top: 0, width: 600, height: 600 });
  });

  it("keeps true proportions by spacing", () => {
    const { width, height } = place({ rows: 35, columns: 512, aspect: pixelAspect([5, 0.8]) }, STAGE, FITTED);
    expect(width / height).toBeCloseTo((512 * 0.8) / (35 * 5), 10);
  });

  it("takes pixels as square where a spacing is unknown", () => {
    expect(pixelAspect([null, 0.5])).toBe(1);
  });
});

it("finds the pixel under a point", () => {
  const slice = { rows: 10, columns: 10 };
  const placement = place({ ...slice, aspect: 1 }, STAGE, FITTED);
  expect(pixelAt({ x: 101, y: 1 }, placement, slice)).toEqual({ row: 0, column: 0 });
  expect(pixelAt({ x: 699, y: 599 }, placement, slice)).toEqual({ row: 9, column: 9 });
  expect(pixelAt({ x: 99, y: 10 }, placement, slice)).toBeNull();
});

it("zooms about the point under the pointer", () => {
  const slice = { rows: 10, columns: 10, aspect: 1 };
  const point = { x: 250, y: 130 };
  const before = place(slice, STAGE, FITTED);
  const after = place(slice, STAGE, zoomAbout(FITTED, 2.5, point, STAGE));
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
