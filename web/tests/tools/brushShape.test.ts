import { describe, expect, it } from "vitest";

import type { Cut } from "@/core/plane";
import { dot, subtract, type Vector, vectorLength } from "@/core/vectors";
import { brushOutline, normalOf, type PlacedBrush, radiusOf, RADII, steppedRadius } from "@/tools/edit/brushShape";

const axial = (z: number): Cut => ({ origin: [-50, -50, z], right: [0.7, 0, 0], down: [0, 0.9, 0], rows: 101, columns: 101 });
const coronal = (y: number): Cut => ({ origin: [-50, y, 50], right: [1, 0, 0], down: [0, 0, -2], rows: 51, columns: 101 });
const oblique: Cut = { origin: [0, 0, 0], right: [1, 0, 0], down: [0, Math.SQRT1_2, Math.SQRT1_2], rows: 10, columns: 10 };
const brush = (changes: Partial<PlacedBrush> = {}): PlacedBrush => ({ at: [4, -3, 12], radiusMm: 5, shape: "ball", normal: normalOf(axial(12)), planeStep: 2, ...changes });

describe("the outline of a ball", () => {
  it.each([axial(12), axial(15.5), coronal(-1), oblique])("lies on its surface and in the plane", (cut) => {
    const at: Vector = cut === oblique ? [1, 2, 3] : [4, -3, 12];
    const outline = brushOutline(brush({ at }), cut);
    expect(outline.length).toBeGreaterThan(30);
    for (const point of outline) {
      expect(vectorLength(subtract(point, at))).toBeCloseTo(5, 9);
      expect(dot(subtract(point, cut.origin), normalOf(cut))).toBeCloseTo(0, 9);
    }
  });

  it("is nothing beyond its radius", () => {
    expect(brushOutline(brush(), axial(17.01))).toEqual([]);
  });
});

describe("the outline of a disc", () => {
  it("is a circle in its own plane, and nothing in the next one", () => {
    expect(brushOutline(brush({ shape: "disc" }), axial(12)).map((point) => vectorLength(subtract(point, [4, -3, 12])))).toSatisfy((sizes: number[]) => sizes.every((size) => Math.abs(size - 5) < 1e-9));
    expect(brushOutline(brush({ shape: "disc" }), axial(14))).toEqual([]);
  });

  it("is its chord in a plane that crosses it", () => {
    const chord = brushOutline(brush({ shape: "disc" }), coronal(0));
    expect(chord).toHaveLength(2);
    for (const [x, y, z] of chord) {
      expect([y, z]).toEqual([0, 12]);
      expect(Math.abs(x - 4)).toBeCloseTo(4, 9);
    }
    expect(brushOutline(brush({ shape: "disc" }), coronal(2.1))).toEqual([]);
  });
});

it("radii are stepped through, within their bounds", () => {
  expect([steppedRadius(4, 1), steppedRadius(4.4, 1), steppedRadius(4.4, -1), steppedRadius(4, 3), steppedRadius(0.5, -1), steppedRadius(100, 1)]).toEqual([5, 5, 4, 7, 0.5, 100]);
  expect([...RADII].sort((a, b) => a - b)).toEqual(RADII);
  expect(["7,25", "0", "-3", "1e9", "", "wide"].map(radiusOf)).toEqual([7.3, 0.1, 0.1, 150, null, null]);
});
