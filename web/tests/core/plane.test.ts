import { describe, expect, it } from "vitest";

import { type Affine, type Axis, PLANES, planeAffine, toPatient } from "@/core/geometry";
import {
  ascent,
  type Cut,
  cutThrough,
  describedFrame,
  extentAlong,
  type Frame,
  gridFrame,
  inverseAffine,
  lineOf,
  naturalStep,
  PATIENT_FRAMES,
  pixelOfCut,
  pointOfCut,
  scrollRange,
  stepAlong,
  toIndex,
} from "@/core/plane";
import { appliedToFrame, rotationAbout } from "@/core/rotation";
import { add, cross, dot, moved, scaled, subtract, unitVector, type Vector, vectorLength } from "@/core/vectors";

import fixture from "./fixtures/simpleitkPoints.json";

interface SimpleItkGrid {
  readonly name: string;
  readonly shape: readonly number[];
  readonly affine: Affine;
  readonly points: readonly { readonly index: Vector; readonly point: Vector }[];
}
// JSON has no tuples.
const GRIDS = fixture.grids as unknown as readonly SimpleItkGrid[];
const TURNS = fixture.turns as unknown as readonly { about: Vector; radians: number; before: Vector; after: Vector }[];
const named = (name: string) => GRIDS.find((grid) => grid.name === name) as SimpleItkGrid;
const AXES = Object.keys(PATIENT_FRAMES) as Axis[];

const POINT: Vector = [3, -20, 41];
/** A frame turned about an axis by the right-hand rule. */
const turned = (frame: Frame, about: Vector, radians: number): Frame => appliedToFrame(rotationAbout(unitVector(about), radians), frame);
const OBLIQUE = turned(turned(PATIENT_FRAMES.axial, [1, 0, 0], 0.3), [0.2, 1, -0.4], 1.1);

function expectNear(found: Vector, wanted: Vector, tolerance = 1e-9): void {
  expect(vectorLength(subtract(found, wanted)), `${found.join()} is not ${wanted.join()}`).toBeLessThan(tolerance);
}

function expectOrthonormal({ right, down, normal }: Frame): void {
  expectNear(cross(right, down), normal, 1e-12);
  for (const vector of [right, down, normal]) expect(vectorLength(vector)).toBeCloseTo(1, 12);
  expect(dot(right, down)).toBeCloseTo(0, 12);
}

describe.each(GRIDS)("a $name grid", ({ affine, shape, points }) => {
  const grid = { affine, shape };
  const inverse = inverseAffine(affine);

  it("has SimpleITK's points and indices", () => {
    for (const { index, point } of points) {
      expectNear(toPatient(affine, index), point);
      expectNear(toIndex(inverse, point), index);
    }
  });

  it("has an inverse that leads there and back", () => {
    inverseAffine(inverse).forEach((row, i) => row.forEach((number, j) => expect(number).toBeCloseTo(affine[i][j], 9)));
  });

  it.each(PLANES)("has a straight frame for its %s planes", (plane) => {
    const frame = gridFrame(affine, plane);
    expectOrthonormal(frame);
    const own = planeAffine(affine, shape, plane);
    const [down, right]: Vector[] = [1, 2].map((j) => [own[0][j], own[1][j], own[2][j]]);
    expectNear(frame.right, unitVector(right));
    expect(dot(frame.down, down)).toBeGreaterThan(0);
    // Both lie in the plane of the voxels.
    expect(dot(frame.normal, down)).toBeCloseTo(0, 9);
  });

  it.each([["oblique", OBLIQUE], ...AXES.map((axis) => [axis, PATIENT_FRAMES[axis]] as const)] as [string, Frame][])(
    "is held whole by cuts in %s planes",
    (_, frame) => {
      const cut = cutThrough(POINT, frame, grid, 0.7);
      expect(pixelOfCut(cut, POINT).distance).toBeCloseTo(0, 9);
      for (let corner = 0; corner < 8; corner += 1) {
        const index = shape.map((n, axis) => ((corner >> axis) & 1 ? n - 0.5 : -0.5)) as unknown as Vector;
        const { row, column } = pixelOfCut(cut, toPatient(affine, index));
        expect(row).toBeGreaterThan(-0.5 - 1e-5);
        expect(row).toBeLessThan(cut.rows - 0.5 + 1e-5);
        expect(column).toBeGreaterThan(-0.5 - 1e-5);
        expect(column).toBeLessThan(cut.columns - 0.5 + 1e-5);
      }
    },
  );

  it("is cut in the same rectangle wherever the point lies in the plane", () => {
    const { origin, ...cut } = cutThrough(POINT, OBLIQUE, grid, 0.7);
    const { origin: other, ...same } = cutThrough(moved(moved(POINT, OBLIQUE.right, 31.7), OBLIQUE.down, -8.3), OBLIQUE, grid, 0.7);
    expect(same).toEqual(cut);
    expectNear(other, origin);
    // Along the normal it moves straight.
    expectNear(cutThrough(moved(POINT, OBLIQUE.normal, 5), OBLIQUE, grid, 0.7).origin, moved(origin, OBLIQUE.normal, 5));
  });

  it("reaches along a normal as far as its corners do", () => {
    const corners = Array.from({ length: 8 }, (_, corner) =>
      dot(toPatient(affine, shape.map((n, axis) => ((corner >> axis) & 1 ? n - 0.5 : -0.5)) as unknown as Vector), OBLIQUE.normal),
    );
    const { low, high } = extentAlong(grid, OBLIQUE.normal);
    expect(low).toBeCloseTo(Math.min(...corners), 9);
    expect(high).toBeCloseTo(Math.max(...corners), 9);
  });

  it("has its own slices as planes to scroll through along its own normal", () => {
    const { normal } = gridFrame(affine, "acquired");
    const { first, step, count } = scrollRange(grid, normal);
    expect(count).toBe(shape[0]);
    const places = [0, shape[0] - 1].map((slice) => dot(toPatient(affine, [slice, 0, 0]), normal));
    expect(first).toBeCloseTo(Math.min(...places), 9);
    expect(first + step * (count - 1)).toBeCloseTo(Math.max(...places), 9);
  });

  it("is sampled without a voxel skipped", () => {
    for (const frame of [OBLIQUE, PATIENT_FRAMES.coronal]) {
      const step = naturalStep(affine, frame);
      const largest = Array.from({ length: 360 }, (_, degrees) => {
        const angle = (degrees * Math.PI) / 180;
        const direction = add(scaled(frame.right, step * Math.cos(angle)), scaled(frame.down, step * Math.sin(angle)));
        return Math.max(...subtract(toIndex(inverse, add(POINT, direction)), toIndex(inverse, POINT)).map(Math.abs));
      });
      expect(Math.max(...largest)).toBeLessThan(1 + 1e-9);
      expect(Math.max(...largest)).toBeGreaterThan(0.999);
    }
    const along = subtract(toIndex(inverse, moved(POINT, OBLIQUE.normal, stepAlong(affine, OBLIQUE.normal))), toIndex(inverse, POINT));
    expect(Math.max(...along.map(Math.abs))).toBeCloseTo(1, 9);
  });
});

describe("a frame", () => {
  it("is orthonormal for each patient plane, and its planes are numbered to superior, posterior and left", () => {
    AXES.map((axis) => PATIENT_FRAMES[axis]).forEach(expectOrthonormal);
    expect(AXES.map((axis) => ascent(PATIENT_FRAMES[axis]).map(Math.round))).toEqual([[0, 0, 1], [0, 1, 0], [1, -0, -0]]);
  });

  it("turns as SimpleITK turns vectors", () => {
    for (const { about, radians, before, after } of TURNS) {
      // `before` made the frame's direction to the right.
      const down = unitVector(cross(before, [0.3, 0.5, 0.7]));
      const right = unitVector(before);
      const frame = turned({ right, down, normal: cross(right, down) }, about, radians);
      expectOrthonormal(frame);
      expectNear(frame.right, unitVector(after));
    }
  });

  it("turns back, and stays orthonormal after many turns", () => {
    const back = turned(turned(OBLIQUE, [1, 2, 3], 0.7), [1, 2, 3], -0.7);
    expectNear(back.right, OBLIQUE.right);
    expectNear(back.normal, OBLIQUE.normal);
    let frame = OBLIQUE;
    for (let i = 0; i < 3600; i += 1) frame = turned(frame, [3, 1, 2], Math.PI / 1800);
    expectOrthonormal(frame);
    expectNear(frame.right, OBLIQUE.right);
  });

  it.each([
    ["axial", PATIENT_FRAMES.axial],
    ["coronal", PATIENT_FRAMES.coronal],
    ["sagittal", PATIENT_FRAMES.sagittal],
    ["axial", turned(PATIENT_FRAMES.axial, [0, 0, 1], 1)],
    ["axial", turned(PATIENT_FRAMES.axial, [1, 0, 0], 0.005)],
    ["oblique, 17° from axial", turned(PATIENT_FRAMES.axial, [1, 0, 0], (17 * Math.PI) / 180)],
    ["oblique, 7.5° from sagittal", turned(PATIENT_FRAMES.sagittal, [0, 0, 1], (-7.5 * Math.PI) / 180)],
    ["oblique, 30° from coronal", turned(PATIENT_FRAMES.axial, [1, 0, 0], (120 * Math.PI) / 180)],
  ])("is %s in words", (words, frame) => {
    expect(describedFrame(frame)).toBe(words);
  });
});

describe("a cut", () => {
  // Neither square nor rectangular pixels.
  const cut: Cut = { origin: [10, -20, 30], right: [0.5, 0.1, -0.2], down: [0.3, -0.1, 1.2], rows: 40, columns: 50 };

  it("has a point for each pixel and a pixel for each point", () => {
    const normal = unitVector(cross(cut.right, cut.down));
    for (const [row, column, distance] of [[0, 0, 0], [3, 7, 0], [12.25, -4.5, 2.5], [39, 49, -11]]) {
      const found = pixelOfCut(cut, moved(pointOfCut(cut, row, column), normal, distance));
      expect(found.row).toBeCloseTo(row, 9);
      expect(found.column).toBeCloseTo(column, 9);
      expect(found.distance).toBeCloseTo(distance, 9);
    }
    expect(pointOfCut(cut, 0, 0)).toEqual(cut.origin);
    expectNear(pointOfCut(cut, 2, 1), [10 + 2 * 0.3 + 0.5, -20 - 2 * 0.1 + 0.1, 30 + 2 * 1.2 - 0.2]);
  });

  it("has the voxels as pixels along the volume's own axes", () => {
    for (const name of ["straight", "flipped", "left-handed", "coronal", "sagittal", "oblique"]) {
      const { affine, shape } = named(name);
      for (const plane of PLANES) {
        const own = planeAffine(affine, shape, plane);
        const frame = gridFrame(affine, plane);
        const step = naturalStep(affine, frame);
        const { right, down, origin, ...size } = cutThrough(toPatient(own, [1, 0, 0]), frame, { affine, shape }, step);
        const lengths = [1, 2].map((j) => vectorLength([own[0][j], own[1][j], own[2][j]]));
        expect(step).toBeCloseTo(Math.min(...lengths), 9);
        expect(vectorLength(right)).toBeCloseTo(step, 9);
        expect(vectorLength(down)).toBeCloseTo(step, 9);
        // Along the axis with that spacing each pixel is a voxel.
        const along = lengths[0] < lengths[1] ? "rows" : "columns";
        const axis = [0, 1, 2].find((j) => Math.abs(Math.abs(dot(unitVector([affine[0][j], affine[1][j], affine[2][j]]), frame[along === "rows" ? "down" : "right"])) - 1) < 1e-9) as number;
        expect(size[along]).toBe(shape[axis]);
        const start = pixelOfCut({ origin, right, down, ...size }, toPatient(own, [1, 0, 0]));
        expect(along === "rows" ? start.row : start.column).toBeCloseTo(0, 6);
      }
    }
  });

  it("has larger pixels if there would be too many", () => {
    const { affine, shape } = named("oblique");
    const huge = cutThrough(POINT, OBLIQUE, { affine, shape }, 0.001);
    expect(huge.rows * huge.columns).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(huge.rows * huge.columns).toBeGreaterThan(0.99 * 4 * 1024 * 1024);
    expect(vectorLength(huge.right)).toBeCloseTo(vectorLength(huge.down), 12);
  });

  it("is crossed by other planes in lines of points that lie in both", () => {
    const { affine, shape } = named("tilted and oblique");
    for (const frame of [PATIENT_FRAMES.axial, OBLIQUE]) {
      const ofFrame = cutThrough(POINT, frame, { affine, shape }, 0.7);
      for (const other of [PATIENT_FRAMES.coronal, PATIENT_FRAMES.sagittal, turned(OBLIQUE, [0, 1, 0], 0.2)]) {
        for (const through of [POINT, add(POINT, [5, 6, -7])]) {
          const line = lineOf(ofFrame, other, through);
          expect(line).not.toBeNull();
          if (!line) continue;
          for (const steps of [0, 1, -25]) {
            const point = pointOfCut(ofFrame, line.row + steps * line.dRow, line.column + steps * line.dColumn);
            expect(dot(subtract(point, through), other.normal)).toBeCloseTo(0, 9);
          }
          expectNear(scaled(subtract(pointOfCut(ofFrame, line.dRow, line.dColumn), ofFrame.origin), 1), unitVector(cross(frame.normal, other.normal)));
        }
        // Through a point of the cut the line passes that point.
        const { row, column } = pixelOfCut(ofFrame, POINT);
        const line = lineOf(ofFrame, other, POINT);
        expect(line?.row).toBeCloseTo(row, 9);
        expect(line?.column).toBeCloseTo(column, 9);
      }
    }
  });

  it("is not crossed by parallel planes", () => {
    const { affine, shape } = named("straight");
    const axial = cutThrough(POINT, PATIENT_FRAMES.axial, { affine, shape }, 1);
    expect(lineOf(axial, PATIENT_FRAMES.axial, [0, 0, 9])).toBeNull();
    expect(lineOf(axial, turned(PATIENT_FRAMES.axial, [0, 0, 1], 0.4), POINT)).toBeNull();
  });
});

it("says how far the planes that cross the slices of a tilted stack are from the patient's", () => {
  const { affine } = named("tilted");
  const words = PLANES.map((plane) => describedFrame(gridFrame(affine, plane)));
  // The tilt leans the slices' stack in the sagittal plane.
  expect(words).toEqual(["axial", "axial", "oblique, 17° from coronal", "sagittal"]);
});
