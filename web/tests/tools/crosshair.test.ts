import { describe, expect, it } from "vitest";

import type { Affine, Plane } from "@/core/geometry";
import { planeAffine } from "@/core/geometry";
import { type Cut, gridFrame, inverseAffine, pointOfCut, toIndex } from "@/core/plane";
import { rotationAbout, turnedPlane, UNTURNED } from "@/core/rotation";
import { FITTED, fromStage, stageTransform } from "@/core/stageTransform";
import { cross, dot, subtract, unitVector, type Vector } from "@/core/vectors";
import { angleAbout, crosshairOf, frameOfCut, isAlongPatient, lastInside, lineShift, type OtherPlane, partAt } from "@/tools/crosshair/model";

/** A stack with a gantry tilt of 20 degrees: slices are shifted in their plane from one to the next. */
const TILT = (20 * Math.PI) / 180;
const STRAIGHT: Affine = [
  [0, 0, 1, -50],
  [0, 1, 0, -40],
  [2, 0, 0, 10],
  [0, 0, 0, 1],
];
const TILTED: Affine = [
  [0, 0, 1, -50],
  [0, Math.cos(TILT), 0, -40],
  [2, Math.sin(TILT), 0, 10],
  [0, 0, 0, 1],
];
const SHAPE = [30, 80, 100];
const STAGE = { width: 400, height: 300 };

function cutOf(affine: Affine, plane: Plane, index: number): Cut {
  const own = planeAffine(affine, SHAPE, plane);
  const column = (j: number): Vector => [own[0][j], own[1][j], own[2][j]];
  const sizes = { acquired: [80, 100], axial: [80, 100], coronal: [30, 100], sagittal: [30, 80] }[plane];
  return { origin: [0, 1, 2].map((i) => own[i][0] * index + own[i][3]) as unknown as Vector, right: column(2), down: column(1), rows: sizes[0], columns: sizes[1] };
}

const other = (affine: Affine, plane: Plane, index: number, slab: OtherPlane["slab"] = null): OtherPlane => ({ view: plane, plane, cut: cutOf(affine, plane, index), slab });
const plain = (cut: Cut) => {
  const lean = dot(cut.down, cut.right) / dot(cut.right, cut.right);
  const height = Math.hypot(...subtract(cut.down, [cut.right[0] * lean, cut.right[1] * lean, cut.right[2] * lean]));
  return { rows: cut.rows, columns: cut.columns, aspect: height / Math.hypot(...cut.right), lean };
};

describe.each([
  ["straight", STRAIGHT],
  ["tilted", TILTED],
])("the crosshair of a %s stack", (_, affine) => {
  it.each([FITTED, { ...FITTED, zoom: 1.7, x: 12, y: -9, rotation: 90 as const, flipped: true }])("lies where the other planes are", (layout) => {
    const cut = cutOf(affine, "sagittal", 40);
    const transform = stageTransform(plain(cut), STAGE, layout);
    const others = [other(affine, "axial", 12), other(affine, "coronal", 33)];
    const { centre, lines } = crosshairOf(cut, transform, STAGE, { x: 0, y: 0 }, others);
    expect(lines.map(({ plane }) => plane)).toEqual(["axial", "coronal"]);
    const inverse = inverseAffine(affine);
    const indexAt = (point: { x: number; y: number }) => {
      const { row, column } = fromStage(transform, point);
      return toIndex(inverse, pointOfCut(cut, row - 0.5, column - 0.5));
    };
    for (const { from, to } of lines[0].segments) for (const end of [from, to]) expect(indexAt(end)[0]).toBeCloseTo(12, 6);
    for (const { from, to } of lines[1].segments) for (const end of [from, to]) expect(indexAt(end)[1]).toBeCloseTo(33, 6);
    expect(indexAt(centre)[0]).toBeCloseTo(12, 6);
    expect(indexAt(centre)[1]).toBeCloseTo(33, 6);
    expect(indexAt(centre)[2]).toBeCloseTo(40, 6);
  });

  it("moves one plane and leaves the third where it is", () => {
    const [sagittal, axial, coronal] = (["sagittal", "axial", "coronal"] as const).map((plane) => gridFrame(affine, plane).normal);
    const by = lineShift(sagittal, coronal, axial, [3, 7, 4]);
    expect(dot(by, coronal)).toBeCloseTo(dot([3, 7, 4], coronal), 9);
    expect(dot(by, axial)).toBeCloseTo(0, 9);
    expect(dot(by, sagittal)).toBeCloseTo(0, 9);
  });
});

it("draws no line for a parallel plane, and one for planes that coincide", () => {
  const cut = cutOf(STRAIGHT, "sagittal", 40);
  const transform = stageTransform(plain(cut), STAGE, FITTED);
  const { lines } = crosshairOf(cut, transform, STAGE, { x: 200, y: 150 }, [other(STRAIGHT, "sagittal", 3), other(STRAIGHT, "axial", 12), other(STRAIGHT, "acquired", 12)]);
  expect(lines.map(({ plane }) => plane)).toEqual(["axial"]);
});

it("draws the faces of a slab where it begins and ends", () => {
  const cut = cutOf(STRAIGHT, "coronal", 40);
  const transform = stageTransform(plain(cut), STAGE, FITTED);
  const { lines } = crosshairOf(cut, transform, STAGE, { x: 200, y: 150 }, [other(STRAIGHT, "axial", 12, [-3, 5])]);
  const heights = lines[0].faces.map(({ from }) => pointOfCut(cut, fromStage(transform, from).row - 0.5, 0)[2]);
  expect(heights[0]).toBeCloseTo(10 + 24 - 3, 6);
  expect(heights[1]).toBeCloseTo(10 + 24 + 5, 6);
});

describe("what is under the pointer", () => {
  const cut = cutOf(STRAIGHT, "axial", 12);
  const shown = crosshairOf(cut, stageTransform(plain(cut), STAGE, FITTED), STAGE, { x: 0, y: 0 }, [other(STRAIGHT, "coronal", 40), other(STRAIGHT, "sagittal", 50)]);
  const { centre, lines } = shown;

  it("is the middle, a handle, a line or nothing", () => {
    expect(partAt(shown, { x: centre.x + 5, y: centre.y + 5 }, "mouse")).toEqual({ kind: "centre" });
    expect(partAt(shown, lines[0].handles[0], "mouse")).toEqual({ kind: "handle", line: lines[0] });
    expect(partAt(shown, { x: centre.x + 40, y: centre.y + 4 }, "mouse")).toEqual({ kind: "line", line: lines[0] });
    expect(partAt(shown, { x: centre.x + 3, y: centre.y + 50 }, "mouse")).toEqual({ kind: "line", line: lines[1] });
    expect(partAt(shown, { x: centre.x + 40, y: centre.y + 12 }, "mouse")).toBeNull();
  });

  it("is found farther from a finger", () => {
    expect(partAt(shown, { x: centre.x + 40, y: centre.y + 12 }, "touch")).toEqual({ kind: "line", line: lines[0] });
  });
});

describe("turning", () => {
  it("counts angles by the right-hand rule, within the plane", () => {
    expect(angleAbout([0, 0, 1], [1, 1, 5], [2, 1, 7], [1, 3, 7])).toBeCloseTo(Math.PI / 2, 12);
    expect(angleAbout([0, 0, -1], [1, 1, 5], [2, 1, 7], [1, 3, 7])).toBeCloseTo(-Math.PI / 2, 12);
  });

  it("leaves a plane as it is if it turns about its normal, and turns the others by that angle", () => {
    const about = gridFrame(TILTED, "sagittal").normal;
    const turn = rotationAbout(about, 0.4);
    const [sagittal, axial] = [gridFrame(TILTED, "sagittal"), gridFrame(TILTED, "axial")];
    expect(turnedPlane(turn, sagittal)).toBe(sagittal);
    const turned = turnedPlane(turn, axial);
    expect(dot(turned.normal, axial.normal)).toBeCloseTo(Math.cos(0.4), 12);
    expect(cross(turned.right, turned.down).map((part, i) => part - turned.normal[i]).every((part) => Math.abs(part) < 1e-12)).toBe(true);
  });

  it("has a half turn for the opposite normal", () => {
    const axial = gridFrame(STRAIGHT, "axial");
    expect(turnedPlane(rotationAbout(axial.right, Math.PI), axial).normal[2]).toBeCloseTo(-1, 12);
    expect(turnedPlane(UNTURNED, axial)).toBe(axial);
  });
});

it("stops at the volume's edge", () => {
  const index = ([x, y, z]: Vector): Vector => [z, y, x];
  expect(lastInside([1, 1, 1], [21, 1, 6], index, [10, 10, 11])).toEqual([10, 1, 1 + (9 / 20) * 5]);
  expect(lastInside([1, 1, 1], [3, 2, 4], index, [10, 10, 11])).toEqual([3, 2, 4]);
  // From outside it may come nearer, and go along.
  expect(lastInside([12, 1, 1], [11, 1, 1], index, [10, 10, 11])).toEqual([11, 1, 1]);
  expect(lastInside([12, 1, 1], [12, 3, 1], index, [10, 10, 11])).toEqual([12, 3, 1]);
});

it("knows stacks along the patient's axes", () => {
  expect([isAlongPatient(STRAIGHT), isAlongPatient(TILTED)]).toEqual([true, false]);
  const cut = cutOf(TILTED, "sagittal", 3);
  expect(unitVector(frameOfCut(cut).down)[1]).toBeLessThan(0.5);
});
