import { describe, expect, it } from "vitest";

import { FITTED, fromStage, type Layout, mirrored, pixelAt, scaleBar, stageTransform, stepLengths, toStage, turnedRight, zoomAbout } from "@/core/stageTransform";

const STAGE = { width: 800, height: 600 };
const ROTATIONS = [0, 90, 180, 270] as const;
const shapes = [
  { rows: 512, columns: 512, aspect: 1, lean: 0 },
  { rows: 35, columns: 512, aspect: 6.25, lean: 0 },
  { rows: 100, columns: 50, aspect: 2, lean: 0.5 },
  { rows: 100, columns: 50, aspect: 2, lean: -0.5 },
];
const layouts: Layout[] = ROTATIONS.flatMap((rotation) => [false, true].map((flipped) => ({ ...FITTED, rotation, flipped })));

describe.each(shapes)("a picture of $rows x $columns, aspect $aspect, lean $lean", (shape) => {
  it.each(layouts)("is whole and in the middle of the stage, turned by $rotation, flipped $flipped", (layout) => {
    const transform = stageTransform(shape, STAGE, layout);
    const corners = [[0, 0], [0, shape.columns], [shape.rows, 0], [shape.rows, shape.columns]].map(([row, column]) => toStage(transform, row, column));
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
    expect(box.left + box.right).toBeCloseTo(STAGE.width, 8);
    expect(box.top + box.bottom).toBeCloseTo(STAGE.height, 8);
    expect(Math.max((box.right - box.left) / STAGE.width, (box.bottom - box.top) / STAGE.height)).toBeCloseTo(1, 10);
  });

  it.each(layouts)("gives back each pixel under its own point, turned by $rotation, flipped $flipped", (layout) => {
    const transform = stageTransform(shape, STAGE, { ...layout, zoom: 1.7, x: 31, y: -12 });
    for (const [row, column] of [[0, 0], [shape.rows - 1, 0], [17, shape.columns - 1]]) {
      const point = toStage(transform, row + 0.5, column + 0.5);
      expect(pixelAt(point, transform, shape)).toEqual({ row, column });
      const back = fromStage(transform, point);
      expect([back.row, back.column].map((each) => each - 0.5)).toEqual([expect.closeTo(row, 8), expect.closeTo(column, 8)]);
    }
    expect(pixelAt(toStage(transform, -0.1, 3), transform, shape)).toBeNull();
  });
});

it("keeps true proportions by spacing", () => {
  const { row, column } = stepLengths(stageTransform({ rows: 35, columns: 512, aspect: 5 / 0.8, lean: 0 }, STAGE, FITTED));
  expect(row / column).toBeCloseTo(6.25, 10);
});

it.each(layouts)("zooms about the point under the pointer, turned by $rotation, flipped $flipped", (layout) => {
  const point = { x: 250, y: 130 };
  const before = fromStage(stageTransform(shapes[2], STAGE, layout), point);
  const after = fromStage(stageTransform(shapes[2], STAGE, zoomAbout(layout, 2.5, point, STAGE)), point);
  expect(after.row).toBeCloseTo(before.row, 8);
  expect(after.column).toBeCloseTo(before.column, 8);
});

it.each(layouts)("turns what is seen to the right, and mirrors what is seen, turned by $rotation, flipped $flipped", (layout) => {
  const square = { rows: 10, columns: 10, aspect: 1, lean: 0 };
  const stage = { width: 100, height: 100 };
  const moved = { ...layout, x: 7, y: -3, zoom: 2 };
  const at = (point: { x: number; y: number }, of: Layout) => fromStage(stageTransform(square, stage, of), point);
  const seen = at({ x: 50 + 10, y: 50 - 4 }, moved);
  const turned = at({ x: 50 + 4, y: 50 + 10 }, turnedRight(moved));
  const flipped = at({ x: 50 - 10, y: 50 - 4 }, mirrored(moved));
  for (const other of [turned, flipped]) expect([other.row, other.column]).toEqual([expect.closeTo(seen.row, 8), expect.closeTo(seen.column, 8)]);
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
