import { describe, expect, it } from "vitest";

import type { BrushShape } from "@/core/editing/editCommand";
import { GridSheet } from "@/core/editing/gridSheet";
import { eachStrokeRow } from "@/core/editing/strokeRows";
import { type Affine, toPatient } from "@/core/geometry";
import { inverseAffine, toIndex } from "@/core/plane";
import { dot, moved, subtract, type Vector, vectorLength } from "@/core/vectors";

import { chanceOf, normalAcross, randomAffine, randomNormal, randomPoint } from "./draftExamples";

const SHAPE = [9, 12, 14] as const;

function strokeOf(affine: Affine, shape: BrushShape, radius: number, points: readonly Vector[]): Set<string> {
  const found = new Set<string>();
  eachStrokeRow({ affine, shape: SHAPE }, { shape, radius }, points, (slice, row, first, beyond) => {
    expect(first).toBeLessThan(beyond);
    for (let column = first; column < beyond; column += 1) found.add(`${slice} ${row} ${column}`);
  });
  return found;
}

/** Every voxel's distance from every part of the line, by its definition. */
function byDistance(affine: Affine, radius: number, points: readonly Vector[], normal: Vector | null, isInPlane: (voxel: Vector, from: Vector) => boolean): Set<string> {
  const flat = (vector: Vector): Vector => (normal ? moved(vector, normal, -dot(vector, normal)) : vector);
  const found = new Set<string>();
  for (let slice = 0; slice < SHAPE[0]; slice += 1) {
    for (let row = 0; row < SHAPE[1]; row += 1) {
      for (let column = 0; column < SHAPE[2]; column += 1) {
        const centre = toPatient(affine, [slice, row, column]);
        points.forEach((to, at) => {
          const from = points[Math.max(0, at - 1)];
          const [line, away] = [flat(subtract(to, from)), flat(subtract(centre, from))];
          const part = Math.min(1, Math.max(0, dot(away, line) / (dot(line, line) || 1)));
          if (vectorLength(moved(away, line, -part)) <= radius + 1e-6 && isInPlane([slice, row, column], from)) found.add(`${slice} ${row} ${column}`);
        });
      }
    }
  }
  return found;
}

describe("a brush's stroke", () => {
  it("has the voxels whose centres lie within the radius in millimetres, on every grid", () => {
    const chance = chanceOf(1);
    let voxels = 0;
    for (let i = 0; i < 120; i += 1) {
      const affine = randomAffine(chance);
      const points = Array.from({ length: 1 + (i % 3) }, () => randomPoint(affine, chance, SHAPE));
      const radius = 5 + chance() * 4;
      const found = strokeOf(affine, { kind: "ball" }, radius, points);
      expect(found).toEqual(byDistance(affine, radius, points, null, () => true));
      voxels += found.size;
    }
    expect(voxels).toBeGreaterThan(10_000);
  });

  it("is one voxel thick in a plane along any of the grid's three axes", () => {
    const chance = chanceOf(2);
    for (let i = 0; i < 90; i += 1) {
      const affine = randomAffine(chance);
      const axis = (i % 3) as 0 | 1 | 2;
      const normal = normalAcross(affine, axis);
      const start = randomPoint(affine, chance, SHAPE);
      // Moved within the plane.
      const points = [start, ...[1, 2].map(() => subtract(randomPoint(affine, chance, SHAPE), start)).map((step) => moved(moved(start, step, 1), normal, -dot(step, normal)))].slice(0, 1 + (i % 3));
      const index = Math.floor(toIndex(inverseAffine(affine), start)[axis] + 0.5);
      const radius = 5 + chance() * 3;
      const found = strokeOf(affine, { kind: "disc", normal }, radius, points);
      expect(found).toEqual(byDistance(affine, radius, points, normal, (voxel) => voxel[axis] === index));
    }
  });

  it("has all voxels that an oblique plane passes through, and no others", () => {
    const chance = chanceOf(3);
    for (let i = 0; i < 40; i += 1) {
      const affine = randomAffine(chance);
      const [normal, point] = [randomNormal(chance), randomPoint(affine, chance, SHAPE)];
      const sheet = new GridSheet({ affine, shape: SHAPE }, { point, normal });
      const passes = (voxel: Vector): boolean => {
        const corners = [-0.5, 0.5].flatMap((a) => [-0.5, 0.5].flatMap((b) => [-0.5, 0.5].map((c) => dot(subtract(toPatient(affine, [voxel[0] + a, voxel[1] + b, voxel[2] + c]), point), normal))));
        return Math.min(...corners) <= 1e-6 && Math.max(...corners) >= -1e-6;
      };
      expect(sheet.index).toBeNull();
      const found = strokeOf(affine, { kind: "disc", normal }, 6, [point]);
      expect(found).toEqual(byDistance(affine, 6, [point], normal, passes));
    }
  });

  it("paints the voxels under the pointer however small it is, without gaps between far points", () => {
    const chance = chanceOf(4);
    for (let i = 0; i < 60; i += 1) {
      const affine = randomAffine(chance);
      const normal = normalAcross(affine, (i % 3) as 0 | 1 | 2);
      const start = randomPoint(affine, chance, SHAPE);
      const step = subtract(randomPoint(affine, chance, SHAPE), start);
      const points = [start, moved(moved(start, step, 1), normal, -dot(step, normal))];
      const shape: BrushShape = i % 2 ? { kind: "ball" } : { kind: "disc", normal };
      const found = strokeOf(affine, shape, 0.01, points);
      for (const end of points) {
        const voxel = toIndex(inverseAffine(affine), end).map((c) => Math.floor(c + 0.5));
        if (voxel.every((at, axis) => at >= 0 && at < SHAPE[axis])) expect(found).toContain(voxel.join(" "));
      }
      // Each voxel of the line has another one beside it, corners included.
      const voxels = [...found].map((key) => key.split(" ").map(Number));
      const isBeside = (one: number[]) => voxels.some((other) => one !== other && one.every((at, axis) => Math.abs(at - other[axis]) <= 1));
      if (voxels.length > 1) expect(voxels.every(isBeside)).toBe(true);
    }
  });

  it("touches nothing beside the grid", () => {
    const chance = chanceOf(5);
    const affine = randomAffine(chance);
    const far = toPatient(affine, [500, 500, 500]);
    expect(strokeOf(affine, { kind: "ball" }, 3, [far]).size).toBe(0);
    expect(strokeOf(affine, { kind: "disc", normal: normalAcross(affine, 0) }, 0.1, [far]).size).toBe(0);
  });
});
