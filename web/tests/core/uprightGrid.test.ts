import { describe, expect, it } from "vitest";

import { type Affine, toPatient, type Vector } from "@/core/geometry";
import { inverseAffine } from "@/core/plane";
import { isSheared, type SmallVolume, uprightGrid } from "@/core/uprightGrid";
import { cross, dot, moved } from "@/core/vectors";

const SHAPE: Vector = [6, 7, 8];
/** A value that says where it lies: linear in the patient, so that interpolation is exact. */
const valueAt = ([x, y, z]: Vector): number => 1000 + 3 * x - 2 * y + 5 * z;

function volumeOf(affine: Affine): SmallVolume {
  const values = new Float32Array(SHAPE[0] * SHAPE[1] * SHAPE[2]);
  for (let i = 0, p = 0; i < SHAPE[0]; i += 1) for (let j = 0; j < SHAPE[1]; j += 1) for (let k = 0; k < SHAPE[2]; k += 1, p += 1) values[p] = valueAt(toPatient(affine, [i, j, k]));
  return { values, shape: SHAPE, affine };
}

const STRAIGHT: Affine = [[0, 0, 0.8, -10], [0, 0.9, 0, 5], [1.2, 0, 0, 100]];
const GRIDS: readonly (readonly [string, Affine, boolean])[] = [
  ["straight", STRAIGHT, false],
  ["mirrored along the slices", [[0, 0, 0.8, -10], [0, 0.9, 0, 5], [-1.2, 0, 0, 100]], false],
  ["mirrored along the columns", [[0, 0, -0.8, -10], [0, 0.9, 0, 5], [1.2, 0, 0, 100]], false],
  ["coronal", [[0, 0, 0.8, -10], [1.2, 0, 0, 5], [0, -0.9, 0, 100]], false],
  ["oblique", [[0.2016, -0.2016, 0.768, -10], [-0.6912, 0.6912, 0.224, 5], [0.96, 0.54, 0, 100]], false],
  ["tilted", [[0, 0, 0.8, -10], [0.4, 0.9, 0, 5], [1.2, 0, 0, 100]], true],
  ["tilted and mirrored", [[0.1, 0, 0.8, -10], [-0.4, 0.9, 0, 5], [-1.2, 0, 0, 100]], true],
];

describe.each(GRIDS)("a grid that is %s", (_, affine, sheared) => {
  const grid = uprightGrid(volumeOf(affine), 1e6, -9999);

  it("becomes right-handed and perpendicular", () => {
    expect(isSheared(affine)).toBe(sheared);
    expect(grid.straightened).toBe(sheared);
    const [x, y, z] = grid.axes;
    expect(dot(cross(x, y), z)).toBeCloseTo(1, 6);
    expect(grid.values).toHaveLength(grid.size[0] * grid.size[1] * grid.size[2]);
  });

  it("has each value at its place in the patient", () => {
    const inverse = inverseAffine(affine);
    let inside = 0;
    for (let k = 0, p = 0; k < grid.size[2]; k += 1) {
      for (let j = 0; j < grid.size[1]; j += 1) {
        for (let i = 0; i < grid.size[0]; i += 1, p += 1) {
          const point = [i, j, k].reduce<Vector>((at, steps, axis) => moved(at, grid.axes[axis], steps * grid.spacing[axis]), grid.origin);
          const index = toPatient(inverse, point);
          const isIn = index.every((at, axis) => at >= -1e-6 && at <= SHAPE[axis] - 1 + 1e-6);
          const isOut = index.some((at, axis) => at < -0.5 - 1e-6 || at > SHAPE[axis] - 0.5 + 1e-6);
          if (isIn) {
            expect(Math.abs(grid.values[p] - valueAt(point))).toBeLessThan(2e-3);
            inside += 1;
          } else if (isOut) expect(grid.values[p]).toBe(-9999);
        }
      }
    }
    // A sheared stack leans out of the columns of its own slices.
    expect(inside).toBeGreaterThan(SHAPE[0] * SHAPE[1] * SHAPE[2] * (sheared ? 0.7 : 0.99));
  });
});

it("keeps a sheared stack within its bounds", () => {
  const { size } = uprightGrid(volumeOf(GRIDS[5][1]), 300, 0);
  expect(size[0] * size[1] * size[2]).toBeLessThanOrEqual(300);
});
