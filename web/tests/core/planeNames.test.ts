import { describe, expect, it } from "vitest";

import type { Anatomy } from "@/core/edgeLetters";
import { acquiredOrientation, type Axis } from "@/core/geometry";
import { axisWord, planeTitle } from "@/core/planeNames";

const AXES: readonly Axis[] = ["axial", "coronal", "sagittal"];

describe("planes are called", () => {
  it.each<[Anatomy, string[]]>([
    ["biped", ["axial", "coronal", "sagittal"]],
    ["trunk", ["transverse", "dorsal", "sagittal"]],
    ["head", ["transverse", "dorsal", "sagittal"]],
    ["limb", ["across PR–DI", "along LE–RT and PR–DI", "across LE–RT"]],
  ])("of a %s %j", (anatomy, words) => {
    expect(AXES.map((axis) => axisWord(axis, anatomy))).toEqual(words);
  });

  it("by titles", () => {
    expect([planeTitle("acquired", "head"), planeTitle("coronal", "biped"), planeTitle("coronal", "trunk"), planeTitle("axial", "limb")]).toEqual(["As acquired", "Coronal", "Dorsal", "Across PR–DI"]);
  });

  it("with the angle to the nearest one", () => {
    const [cos, sin] = [Math.cos(0.3), Math.sin(0.3)];
    const affine = [[0, 0, 1, 0], [-3 * sin, cos, 0, 0], [3 * cos, sin, 0, 0]];
    expect(acquiredOrientation(affine, (axis) => axisWord(axis, "trunk"))).toBe("oblique, 17° from transverse");
  });
});
