import { describe, expect, it } from "vitest";

import { layerCut, layerSlab } from "@/core/layerCut";
import { pointOfCut } from "@/core/plane";

const affine = (mm: number) => [
  [0, 0, mm, 0],
  [0, mm, 0, 0],
  [mm, 0, 0, 0],
  [0, 0, 0, 1],
];
/** Rows that lean: any parallelogram. */
const BASE = { origin: [1, 2, 3], right: [1, 0, 0], down: [0.5, 4, 0], rows: 3, columns: 5 } as const;

describe("samples of an upper image", () => {
  it("are the pixels below where it is no finer", () => {
    expect(layerCut({ ...BASE, down: [0, 1, 0] }, affine(4.7), [0, 0, 0])).toMatchObject({ perRow: 1, perColumn: 1, cut: { origin: [1, 2, 3], rows: 3, columns: 5 } });
  });

  it("divide the pixels where it is finer, around their centres, and are moved by the offset", () => {
    const { cut, perRow, perColumn } = layerCut(BASE, affine(1), [10, 0, 0]);
    expect([perColumn, cut.columns, cut.rows]).toEqual([1, 5, 3 * perRow]);
    expect(perRow).toBeGreaterThan(3);
    // The middle of a pixel's samples is the pixel's centre.
    const [row, column] = [2, 3];
    const middle = pointOfCut(cut, row * perRow + (perRow - 1) / 2, column);
    const centre = pointOfCut(BASE, row, column);
    middle.forEach((mm, i) => expect(mm).toBeCloseTo(centre[i] + [10, 0, 0][i], 9));
  });

  it("are as dense across a slab, over the same thickness", () => {
    const { depth, step } = layerSlab({ depth: 4, step: [0, 0, 5], shift: [0, 0, 0] }, affine(2));
    expect([depth, depth * step[2]]).toEqual([12, 20]);
  });
});
