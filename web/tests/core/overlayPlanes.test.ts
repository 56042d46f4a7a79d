import { describe, expect, it } from "vitest";

import { type Affine, planeAffine, toPatient } from "@/core/geometry";
import { overlayColour, overlayName, overlayOpacity, paintOverlay, type SliceOverlay, sliceInPlane } from "@/core/overlayPlanes";

const SHAPE = [4, 6, 5];
const overlay: SliceOverlay = { group: 0x6002, kind: "G", label: "", description: "", origin: [0, 0], rows: 2, columns: 5, bits: new Uint8Array([0b10000001, 0b10]) };

/** The volume with index axes along LPS directions. */
const affineOf = (slice: readonly number[], row: readonly number[], column: readonly number[]): Affine => [0, 1, 2].map((i) => [slice[i], row[i], column[i], 0]);

describe("the bits of an overlay", () => {
  it("are painted without gaps between rows, the lowest bit first", () => {
    const pixels = new Uint32Array(10).fill(7);
    paintOverlay(overlay, pixels);
    const [red, green, blue] = overlayColour(overlay);
    const word = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
    expect([...pixels]).toEqual([word, 0, 0, 0, 0, 0, 0, word, 0, word]);
  });

  it("have a name and a colour of their group; regions let through what is below", () => {
    expect([overlayName(overlay), overlayName({ group: 0x601e, kind: "" }), overlayName({ group: 0x6000, kind: "R" })]).toEqual(["overlay 6002 (graphics)", "overlay 601E", "overlay 6000 (region)"]);
    expect(overlayColour({ group: 0x6000 })).not.toEqual(overlayColour(overlay));
    expect([overlayOpacity({ kind: "G" }), overlayOpacity({ kind: "R" })]).toEqual([1, 0.45]);
  });
});

describe("a slice in the picture of a plane", () => {
  it.each([
    ["axial", affineOf([0, 0, 3], [0, 2, 0], [1, 0, 0])],
    ["axial, from the feet and mirrored", affineOf([0, 0, -3], [0, -2, 0], [-1, 0, 0])],
    ["axial, rows along the patient's left", affineOf([0, 0, 3], [2, 0, 0], [0, 1, 0])],
  ] as const)("lies where its voxels are: %s", (_, affine) => {
    for (let index = 0; index < SHAPE[0]; index += 1) {
      const found = sliceInPlane(affine, SHAPE, "axial", index);
      expect(found).not.toBeNull();
      if (!found) return;
      const { a, b, c, d, e, f } = found.transform;
      for (const [row, column] of [[0, 0], [5, 0], [2, 4]]) {
        const [x, y] = [a * (column + 0.5) + c * (row + 0.5) + e, b * (column + 0.5) + d * (row + 0.5) + f];
        const inPlane = toPatient(planeAffine(affine, SHAPE, "axial"), [index, y - 0.5, x - 0.5]);
        const inSlice = toPatient(affine, [found.slice, row, column]);
        inPlane.forEach((mm, i) => expect(mm).toBeCloseTo(inSlice[i]));
      }
    }
  });

  it("is itself as acquired, and nowhere where the plane crosses the slices", () => {
    const affine = affineOf([0, 0, 3], [0, 2, 0], [1, 0, 0]);
    expect(sliceInPlane(null, SHAPE, "acquired", 2)).toEqual({ slice: 2, transform: { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 } });
    expect(sliceInPlane(affine, SHAPE, "coronal", 2)).toBeNull();
    expect(sliceInPlane(null, SHAPE, "axial", 2)).toBeNull();
  });
});
