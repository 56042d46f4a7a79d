import { describe, expect, it } from "vitest";

import { edgeLetters, edgeLettersFromOrientation, letters } from "@/core/edgeLetters";
import { acquiredAxis, acquiredOrientation, patientAxes, planeAffine, sliceOfPlane, toPatient } from "@/core/geometry";

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

it("reads Patient Orientation, and leaves what is no person's", () => {
  expect(edgeLettersFromOrientation("L\\PF")).toEqual({ left: "R", right: "L", top: "AS", bottom: "PI" });
  for (const none of [undefined, "", "L", ["L", ""], ["LE", "D"], [1, 2], "L\\P\\H"]) expect(edgeLettersFromOrientation(none)).toBeNull();
});

describe("how slices lie, in words", () => {
  const turned = (angle: number, step: readonly number[]) => {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    return [
      [step[0], 0, 1, 0],
      [step[1], c, 0, 0],
      [step[2], s, 0, 0],
    ];
  };

  it.each([
    ["axial", turned(0, [0, 0, 5])],
    ["sagittal", SAGITTAL],
    ["oblique, 17° from axial", turned(17, [0, -Math.sin((17 * Math.PI) / 180), Math.cos((17 * Math.PI) / 180)])],
    ["axial, tilted by 4.5°", turned(0, [0, Math.tan((4.5 * Math.PI) / 180), 1])],
    ["oblique, 20° from axial, tilted by 20°", turned(20, [0, 0, 5])],
  ])("is %s", (words, affine) => {
    expect(acquiredOrientation(affine)).toBe(words);
  });

  it("a leaning picture's letters go straight down", () => {
    // Slices tilted by 30 degrees on a straight table: down the sagittal picture is across its columns.
    const plane = planeAffine(turned(30, [0, 0, 5]), SHAPE, "sagittal");
    expect(edgeLetters(plane)).toEqual({ left: "AI", right: "PS", top: "SA", bottom: "IP" });
  });
});

it("knows which slice a plane is", () => {
  expect(sliceOfPlane(SAGITTAL, SHAPE, "sagittal", 0)).toBe(9);
  expect(sliceOfPlane(AXIAL, SHAPE, "axial", 3)).toBe(3);
  expect(sliceOfPlane(AXIAL, SHAPE, "coronal", 3)).toBeNull();
  expect(sliceOfPlane(null, SHAPE, "acquired", 3)).toBe(3);
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
