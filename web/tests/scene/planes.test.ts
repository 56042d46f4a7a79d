import { describe, expect, it } from "vitest";

import { toIndex, inverseAffine } from "@/core/plane";
import { neededSlices, slabPlanes } from "@/scene/neededSlices";
import { pictureKey } from "@/scene/pictureKey";
import { gridSlabCut } from "@/scene/serverPicture";
import type { GridRequest, PlaneRequest } from "@/scene/volumeSource";
import { planePicture } from "@/scene/worker/planePictures";

/** A tilted stack with unequal spacings, whose slices ascend to inferior. */
const AFFINE = [
  [0.1, 0.02, 0.71, -20],
  [0.9, 0.69, -0.03, 12],
  [-2.4, 0.1, 0.05, 40],
  [0, 0, 0, 1],
];
const SHAPE = [6, 5, 4];
const VOLUME = { values: Int16Array.from({ length: 120 }, (_, i) => (i * 37) % 101), shape: SHAPE, samples: 1 };
const PLACED = { affine: AFFINE, shape: SHAPE };

const grid = (plane: GridRequest["plane"], index: number, planes?: number, mode: "max" | "min" | "mean" = "max"): GridRequest => ({
  kind: "grid",
  plane,
  index,
  ...(planes && { slab: { mode, planes } }),
});

describe("the slices that a plane needs", () => {
  it.each<[PlaneRequest, readonly [number, number] | null]>([
    [grid("acquired", 2), [2, 2]],
    [grid("axial", 0), [5, 5]],
    [grid("axial", 1, 3), [3, 5]],
    [grid("axial", 1, 4), [2, 5]],
    [grid("acquired", 1, 9), [0, 5]],
    [grid("acquired", 6), null],
    [grid("acquired", -1), null],
    [grid("sagittal", 2), [0, 5]],
  ])("of %o are %o", (request, range) => {
    expect(neededSlices(request, PLACED)).toEqual(range);
  });

  it("of a cut lie around its corners", () => {
    const at = (slice: number): readonly [number, number, number] => [AFFINE[0][0] * slice + AFFINE[0][3], AFFINE[1][0] * slice + AFFINE[1][3], AFFINE[2][0] * slice + AFFINE[2][3]];
    const step = [0.1, 0.9, -2.4] as const;
    const cut = { origin: at(2.5), right: [0.71, -0.03, 0.05] as const, down: [0.02, 0.69, 0.1] as const, rows: 5, columns: 4 };
    expect(neededSlices({ kind: "cut", cut, method: "linear" }, PLACED)).toEqual([2, 3]);
    expect(neededSlices({ kind: "cut", cut, method: "linear", slab: { mode: "max", depth: 3, step } }, PLACED)).toEqual([1, 4]);
    expect(neededSlices({ kind: "cut", cut: { ...cut, origin: at(20) }, method: "linear" }, PLACED)).toBeNull();
  });

  it("are all slices of a plane of which nothing is known", () => {
    expect(neededSlices(grid("sagittal", 0), { affine: null, shape: SHAPE })).toEqual([0, 5]);
    expect(neededSlices(grid("acquired", 4), { affine: null, shape: SHAPE })).toEqual([4, 4]);
  });
});

describe("a slab of grid planes", () => {
  it("is cut off at the ends", () => {
    expect([slabPlanes(4, 3, 10), slabPlanes(0, 5, 10), slabPlanes(9, 4, 10), slabPlanes(5, 1, 10)]).toEqual([
      [3, 5],
      [0, 2],
      [8, 9],
      [5, 5],
    ]);
  });

  it.each(
    (["acquired", "axial", "coronal", "sagittal"] as const).flatMap((plane) =>
      (["max", "min", "mean"] as const).flatMap((mode) => [2, 3, 4].map((planes) => grid(plane, 1, planes, mode))),
    ),
  )("has the server's numbers: $plane, $slab", (request) => {
    const asked = gridSlabCut(PLACED, request);
    if (!asked) throw new Error("no cut");
    const inTab = planePicture(VOLUME, AFFINE, request);
    const byServer = planePicture(VOLUME, AFFINE, { kind: "cut", cut: asked.cut, ...asked.sampling });
    expect([inTab.rows, inTab.columns]).toEqual([byServer.rows, byServer.columns]);
    expect([...inTab.values]).toEqual([...byServer.values]);
    // Far from where rounding could choose another voxel.
    const [slice, row, column] = toIndex(inverseAffine(AFFINE), asked.cut.origin);
    for (const at of [slice, row, column]) expect(Math.abs(at * 2 - Math.round(at * 2))).toBeLessThan(1e-9);
  });
});

describe("pictures", () => {
  it("have names of their own", () => {
    const cut = { origin: [0, 0, 0], right: [1, 0, 0], down: [0, 1, 0], rows: 2, columns: 2 } as const;
    const requests: PlaneRequest[] = [
      grid("acquired", 1),
      grid("axial", 1),
      grid("axial", 1, 3),
      grid("axial", 1, 3, "mean"),
      grid("axial", 11),
      { kind: "cut", cut, method: "linear" },
      { kind: "cut", cut, method: "nearest" },
      { kind: "cut", cut: { ...cut, origin: [0, 0, 1e-9] }, method: "linear" },
    ];
    expect(new Set(requests.map((request) => pictureKey("a", request))).size).toBe(requests.length);
    expect(pictureKey("a", grid("axial", 1, 1))).toBe(pictureKey("a", grid("axial", 1)));
  });

  it("are refused with words where there are none", () => {
    expect(() => planePicture(VOLUME, null, grid("axial", 0))).toThrow("unknown or irregular");
    expect(() => planePicture(VOLUME, AFFINE, grid("acquired", 6))).toThrow("no plane 7: there are 6");
  });
});
