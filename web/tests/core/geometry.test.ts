import { describe, expect, it } from "vitest";

import { acquiredAxis, edgeLetters, letters, patientAxes, planeAffine, toPatient } from "@/core/geometry";

// An axial stack: slices to superior, rows to posterior, columns to left.
const AXIAL = [
  [0, 0, 0.5, -100],
  [0, 0.5, 0, -120],
  [5, 0, 0, -40],
];
// A sagittal stack as scanners make them: slices to the right, rows to inferior, columns to posterior.
const SAGITTAL = [
  [-2, 0, 0, 60],
  [0, 0, 0.7, -90],
  [0, -0.7, 0, 80],
];
const SHAPE = [10, 20, 30];

describe("edge letters", () => {
  it("puts the patient's right on the left of an axial picture", () => {
    expect(edgeLetters(AXIAL)).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
  });

  it("follows the affine of a sagittal stack", () => {
    expect(edgeLetters(SAGITTAL)).toEqual({ left: "A", right: "P", top: "S", bottom: "I" });
  });

  it("names two directions of an oblique one, the stronger first", () => {
    expect(letters([0.5, 0.866, 0])).toBe("PL");
    expect(letters([-0.99, 0.1, 0])).toBe("R");
  });
});

describe("planes", () => {
  it("knows how the slices were acquired", () => {
    expect(acquiredAxis(AXIAL)).toBe("axial");
    expect(acquiredAxis(SAGITTAL)).toBe("sagittal");
    expect(patientAxes(SAGITTAL)).toEqual([
      { axis: 0, sign: -1 },
      { axis: 2, sign: 1 },
      { axis: 1, sign: -1 },
    ]);
  });

  it.each([
    ["axial", { left: "R", right: "L", top: "A", bottom: "P" }],
    ["coronal", { left: "R", right: "L", top: "S", bottom: "I" }],
    ["sagittal", { left: "A", right: "P", top: "S", bottom: "I" }],
  ] as const)("shows %s planes as radiologists look at them, however they were acquired", (plane, expected) => {
    expect(edgeLetters(planeAffine(AXIAL, SHAPE, plane))).toEqual(expected);
    expect(edgeLetters(planeAffine(SAGITTAL, SHAPE, plane))).toEqual(expected);
  });

  it("keeps each voxel's place", () => {
    // Plane 0 of the sagittal planes is the rightmost slice: the last one as acquired.
    const plane = planeAffine(SAGITTAL, SHAPE, "sagittal");
    expect(toPatient(plane, [0, 0, 0])).toEqual(toPatient(SAGITTAL, [9, 0, 0]));
    // The coronal plane 3 of the axial stack: row 3; its first row is the topmost slice.
    expect(toPatient(planeAffine(AXIAL, SHAPE, "coronal"), [3, 0, 4])).toEqual(toPatient(AXIAL, [9, 3, 4]));
    expect(planeAffine(AXIAL, SHAPE, "acquired")).toBe(AXIAL);
  });
});
