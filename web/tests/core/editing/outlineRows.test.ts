import { describe, expect, it } from "vitest";

import { eachOutlineRow, coveredPixels, type PixelPoint } from "@/core/editing/outlineRows";
import { GridSheet } from "@/core/editing/gridSheet";
import { toPatient } from "@/core/geometry";
import { cross, dot, moved, subtract, unitVector, type Vector } from "@/core/vectors";

import { chanceOf, normalAcross, randomAffine, randomNormal, randomPoint } from "./draftExamples";

const SHAPE = [6, 9, 11] as const;

/** Whether a ray from a point leaves an outline through an odd number of edges. */
function isInside([y, x]: PixelPoint, outline: readonly PixelPoint[]): boolean {
  let odd = false;
  outline.forEach(([y1, x1], at) => {
    const [y2, x2] = outline[(at + 1) % outline.length];
    if (y1 <= y !== y2 <= y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) odd = !odd;
  });
  return odd;
}

const textOf = (outline: readonly PixelPoint[], size: readonly [number, number]): string[] => {
  const { row, column, rows, columns, bits } = coveredPixels(outline, size);
  const is = (y: number, x: number): boolean => y >= row && x >= column && y < row + rows && x < column + columns && bits[(y - row) * columns + x - column] === 1;
  return Array.from({ length: size[0] }, (_, y) => Array.from({ length: size[1] }, (__, x) => (is(y, x) ? "#" : ".")).join(""));
};

describe("pixels of an outline", () => {
  it("have their centre inside, or on the line, as the library has it", () => {
    // A square through pixels' centres holds those on its line.
    expect(textOf([[1, 1], [1, 4], [3, 4], [3, 1]], [5, 6])).toEqual(["......", ".####.", ".####.", ".####.", "......"]);
    expect(textOf([[0.9, 1.1], [0.9, 4.1], [3.1, 4.1], [3.1, 1.1]], [5, 6])).toEqual(["......", "..###.", "..###.", "..###.", "......"]);
    // A figure of eight is inside by the even-odd rule; what the path goes around twice lies outside.
    expect(textOf([[0.4, 0.4], [0.4, 4.6], [4.6, 4.6], [4.6, 0.4], [0.4, 0.4], [1.4, 1.4], [3.6, 1.4], [3.6, 3.6], [1.4, 3.6], [1.4, 1.4]], [5, 5])).toEqual([".....", ".####", ".#..#", ".#..#", ".####"]);
    expect(textOf([[-3, -3], [-3, 9], [9, 9], [9, -3]], [2, 3])).toEqual(["###", "###"]);
    expect(textOf([[20, 20], [20, 30], [30, 25]], [5, 5])).toEqual([".....", ".....", ".....", ".....", "....."]);
  });

  it("are those of a ray from each centre, for outlines that cross themselves too", () => {
    const chance = chanceOf(1);
    for (let i = 0; i < 200; i += 1) {
      const outline = Array.from({ length: 3 + (i % 7) }, (): PixelPoint => [chance() * 14 - 2, chance() * 14 - 2]);
      const text = Array.from({ length: 10 }, (_, y) => Array.from({ length: 11 }, (__, x) => (isInside([y, x], outline) ? "#" : ".")).join(""));
      expect(textOf(outline, [10, 11])).toEqual(text);
    }
  });
});

describe("voxels of an outline", () => {
  it("are those whose centres are seen inside along the normal: of the plane, or of the whole grid", () => {
    const chance = chanceOf(2);
    let voxels = 0;
    for (let i = 0; i < 120; i += 1) {
      const affine = randomAffine(chance);
      const [point, normal] = [randomPoint(affine, chance, SHAPE), i % 4 === 3 ? randomNormal(chance) : normalAcross(affine, (i % 4) as 0 | 1 | 2)];
      const points = Array.from({ length: 3 + (i % 5) }, () => randomPoint(affine, chance, SHAPE));
      const through = chance() < 0.5;
      const found = new Set<string>();
      eachOutlineRow({ affine, shape: SHAPE }, { point, normal }, points, through, (slice, row, first, beyond) => {
        for (let column = first; column < beyond; column += 1) found.add(`${slice} ${row} ${column}`);
      });
      // In two directions of the plane.
      const right = unitVector(cross(normal, Math.abs(normal[0]) < 0.8 ? [1, 0, 0] : [0, 1, 0]));
      const down = cross(normal, right);
      const seen = (at: Vector): PixelPoint => [dot(subtract(at, point), down), dot(subtract(at, point), right)];
      const outline = points.map(seen);
      const sheet = new GridSheet({ affine, shape: SHAPE }, { point, normal });
      const expected = new Set<string>();
      for (let slice = 0; slice < SHAPE[0]; slice += 1) for (let row = 0; row < SHAPE[1]; row += 1) for (let column = 0; column < SHAPE[2]; column += 1) {
        const centre = toPatient(affine, [slice, row, column]);
        if (isInside(seen(centre), outline) && (through || sheet.has(slice, row, column))) expected.add(`${slice} ${row} ${column}`);
      }
      expect(found).toEqual(expected);
      voxels += found.size;
    }
    expect(voxels).toBeGreaterThan(2000);
  });

  it("stay where they are when the outline's points lie before or behind the plane", () => {
    const affine = randomAffine(chanceOf(3));
    const normal = normalAcross(affine, 1);
    const plane = { point: toPatient(affine, [3, 4, 5]), normal };
    const points = [[1, 4, 2], [4, 4, 3], [3, 4, 9]].map((index) => toPatient(affine, index as unknown as Vector));
    const rowsOf = (outline: readonly Vector[]): string[] => {
      const rows: string[] = [];
      eachOutlineRow({ affine, shape: SHAPE }, plane, outline, false, (...row) => rows.push(row.join(" ")));
      return rows;
    };
    expect(rowsOf(points).length).toBeGreaterThan(1);
    expect(rowsOf(points.map((at, i) => moved(at, normal, i - 1)))).toEqual(rowsOf(points));
  });
});
