import { describe, expect, it } from "vitest";

import { type Anatomy, anatomyOf, edgeLetters, edgeLettersFromOrientation, letters } from "@/core/edgeLetters";

// Slices to superior, rows to posterior (of a quadruped: dorsal), columns to left.
const AXIAL = [
  [0, 0, 0.5, -100],
  [0, 0.5, 0, -120],
  [5, 0, 0, -40],
];

describe("letters of a quadruped", () => {
  it.each([
    ["biped", { left: "R", right: "L", top: "A", bottom: "P" }],
    ["trunk", { left: "RT", right: "LE", top: "V", bottom: "D" }],
    ["head", { left: "RT", right: "LE", top: "V", bottom: "D" }],
    ["limb", { left: "RT", right: "LE", top: "", bottom: "" }],
  ] as [Anatomy, object][])("from the place of the slice: %s", (anatomy, wanted) => {
    expect(edgeLetters(AXIAL, anatomy)).toEqual(wanted);
  });

  it.each([
    ["trunk", "CR", "CD"],
    ["head", "R", "CD"],
    ["limb", "PR", "DI"],
  ] as [Anatomy, string, string][])("along the body: %s", (anatomy, towards, back) => {
    expect([letters([0, 0, 1], anatomy), letters([0, 0, -2], anatomy)]).toEqual([towards, back]);
  });

  it("of an oblique direction are kept apart", () => {
    expect(letters([0.3, 0.6, -0.8], "trunk")).toBe("CD-D-LE");
  });

  it("never are those of a person", () => {
    for (const anatomy of ["trunk", "head", "limb"] as Anatomy[]) {
      for (const direction of [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]] as [number, number, number][]) {
        const named = letters(direction, anatomy);
        expect(["", "D", "V", ...(anatomy === "head" ? ["R"] : [])].includes(named) || named.length === 2).toBe(true);
      }
    }
  });

  it.each([
    [["LE", "CD"], "trunk", { left: "RT", right: "LE", top: "CR", bottom: "CD" }],
    [["CD", "V"], "trunk", { left: "CR", right: "CD", top: "D", bottom: "V" }],
    [["R", "V"], "head", { left: "CD", right: "R", top: "D", bottom: "V" }],
    [["CD", "D"], "head", { left: "R", right: "CD", top: "V", bottom: "D" }],
    [["M", "DI"], "limb", { left: "L", right: "M", top: "PR", bottom: "DI" }],
    [["PL", "DI"], "limb", { left: "D", right: "PL", top: "PR", bottom: "DI" }],
    [["D", "DI"], "limb", { left: "", right: "D", top: "PR", bottom: "DI" }],
    [["LECR", "D"], "trunk", { left: "RT-CD", right: "LE-CR", top: "V", bottom: "D" }],
  ] as [string[], Anatomy, object][])("from Patient Orientation %s of a %s", (values, anatomy, wanted) => {
    expect(edgeLettersFromOrientation(values, anatomy)).toEqual(wanted);
  });

  it("are not taken from a person's words, nor the other way round", () => {
    for (const none of [["A", "F"], ["P", "H"], ["LE", "LEFT"], ["LE"]]) expect(edgeLettersFromOrientation(none, "trunk")).toBeNull();
    for (const none of [["LE", "CD"], ["D", "V"], ["CR", "D"]]) expect(edgeLettersFromOrientation(none, "biped")).toBeNull();
  });
});

it("knows whose letters a volume gets", () => {
  expect(anatomyOf(false, "HEAD")).toBe("biped");
  expect([anatomyOf(true, ""), anatomyOf(true, "ABDOMEN"), anatomyOf(true, "head"), anatomyOf(true, "CARPUS")]).toEqual(["trunk", "trunk", "head", "limb"]);
});
