import { describe, expect, it } from "vitest";

import { type Affine, gridTurn, type Plane, PLANES, planeAffine, toPatient } from "@/core/geometry";
import { inverseAffine, toIndex } from "@/core/plane";
import { gridPlane, gridSlab } from "@/core/sampling/gridPlanes";
import type { SampledVolume } from "@/core/sampling/sampledVolume";
import type { Vector } from "@/core/vectors";

import { ARRAYS, randomAffine, randomNumbers, randomVolume } from "./randomVolumes";

const turnOf = (affine: Affine, plane: Plane) => {
  const turn = gridTurn(affine, plane);
  if (!turn) throw new Error("no turn");
  return turn;
};

/** The values of a plane's voxel by its place in the patient. */
function voxels({ values, shape, samples }: SampledVolume, affine: Affine, plane: Plane, place: Vector): number[] {
  const [slice, row, column] = toIndex(inverseAffine(affine), toPatient(planeAffine(affine, shape, plane), place)).map(Math.round);
  const first = ((slice * shape[1] + row) * shape[2] + column) * samples;
  return Array.from(values.slice(first, first + samples));
}

const sizesOf = (shape: readonly number[], affine: Affine, plane: Plane) => turnOf(affine, plane).axes.map((axis) => shape[axis]);
const SHAPE = [4, 5, 6];

describe.each(PLANES)("%s planes", (plane) => {
  it.each(ARRAYS.map((Type) => [Type.name, Type] as const))("are the voxels that lie there, as %s", (_, Type) => {
    const random = randomNumbers(Type.BYTES_PER_ELEMENT);
    for (const samples of [1, 3]) {
      const affine = randomAffine(random);
      const volume = randomVolume(random, SHAPE, samples, Type);
      const [planes, rows, columns] = sizesOf(SHAPE, affine, plane);
      for (let index = 0; index < planes; index += 1) {
        const found = gridPlane(volume, turnOf(affine, plane), index);
        const wanted = Array.from({ length: rows * columns }, (_, i) => voxels(volume, affine, plane, [index, Math.floor(i / columns), i % columns])).flat();
        expect(found).toEqual({ values: Type.from(wanted), rows, columns, samples, missing: 0 });
        expect(found.values.buffer).not.toBe(volume.values.buffer);
      }
    }
  });

  it.each(["max", "min", "mean"] as const)("are projected to the %s of their voxels", (mode) => {
    const random = randomNumbers(5);
    for (const Type of ARRAYS) {
      for (const samples of [1, 3]) {
        const affine = randomAffine(random);
        const volume = randomVolume(random, SHAPE, samples, Type);
        const [planes, rows, columns] = sizesOf(SHAPE, affine, plane);
        const found = gridSlab(volume, turnOf(affine, plane), [1, planes], mode);
        const wanted = Array.from({ length: rows * columns * samples }, (_, i) => {
          const pixel = Math.floor(i / samples);
          const place = (index: number): Vector => [index, Math.floor(pixel / columns), pixel % columns];
          const values = Array.from({ length: planes - 1 }, (_, k) => voxels(volume, affine, plane, place(k + 1))[i % samples]);
          if (mode === "mean") return values.reduce((sum, value) => sum + value) / values.length;
          return mode === "max" ? Math.max(...values) : Math.min(...values);
        });
        const small = Type.BYTES_PER_ELEMENT <= 2 || Type === Float32Array;
        const Result = mode !== "mean" ? Type : small ? Float32Array : Float64Array;
        expect(found).toEqual({ values: Result.from(wanted), rows, columns, samples, missing: 0 });
      }
    }
  });

  it("are filled where slices are not there", () => {
    const random = randomNumbers(9);
    const affine = randomAffine(random);
    const loaded = Uint8Array.of(1, 0, 1, 0);
    const volume = { ...randomVolume(random, SHAPE, 1, Int16Array), loaded };
    const full = { ...volume, loaded: undefined };
    const turn = turnOf(affine, plane);
    const [planes, rows, columns] = sizesOf(SHAPE, affine, plane);
    const sliceAt = (place: Vector) => Math.round(toIndex(inverseAffine(affine), toPatient(planeAffine(affine, SHAPE, plane), place))[0]);
    for (let index = 0; index < planes; index += 1) {
      const [found, whole] = [gridPlane(volume, turn, index, -99), gridPlane(full, turn, index)];
      const absent = new Set<number>();
      const wanted = whole.values.map((value, i) => {
        const slice = sliceAt([index, Math.floor(i / columns), i % columns]);
        if (!loaded[slice]) absent.add(slice);
        return loaded[slice] ? value : -99;
      });
      expect(found.values).toEqual(wanted);
      expect(found.missing).toBe(absent.size);
    }
    const slab = gridSlab(volume, turn, [0, planes], "max", -99);
    expect(slab.missing).toBe(2);
    if (turn.axes[0] === 0) {
      const present = loaded.reduce<number[]>((list, there, slice) => (there ? [...list, slice] : list), []);
      const picked = { ...full, shape: [2, 5, 6], values: Int16Array.from(present.flatMap((slice) => Array.from(volume.values.slice(slice * 30, slice * 30 + 30)))) };
      expect(slab.values).toEqual(gridSlab(picked, turn, [0, 2], "max").values);
    } else {
      const whole = gridSlab(full, turn, [0, planes], "max").values;
      expect(slab.values).toEqual(whole.map((value, i) => (loaded[sliceAt([0, Math.floor(i / columns), i % columns])] ? value : -99)));
    }
    const none = { ...volume, loaded: new Uint8Array(4) };
    expect(gridSlab(none, turn, [0, 2], "min", 3).values).toEqual(new Int16Array(rows * columns).fill(3));
  });
});

it("a mean and the extremes leave NaN out", () => {
  const volume = { values: Float32Array.of(1, NaN, NaN, NaN, 3, -2), shape: [3, 1, 2], samples: 1 };
  const turn = turnOf([], "acquired");
  expect(Array.from(gridSlab(volume, turn, [0, 3], "mean").values)).toEqual([2, -2]);
  expect(Array.from(gridSlab(volume, turn, [0, 2], "max").values)).toEqual([1, NaN]);
});
