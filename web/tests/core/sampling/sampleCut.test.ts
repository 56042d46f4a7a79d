import { describe, expect, it } from "vitest";

import { type Affine, toPatient } from "@/core/geometry";
import { centreOf, type Cut, inverseAffine } from "@/core/plane";
import { type CutOptions, sampleCut } from "@/core/sampling/sampleCut";
import type { SampledVolume } from "@/core/sampling/sampledVolume";
import type { SlabMode } from "@/core/slabs";
import type { Vector } from "@/core/vectors";

import { ARRAYS, randomAffine, randomCut, randomNumbers, randomVolume } from "./randomVolumes";

const IDENTITY: Affine = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
];

/** The formula, sample by sample, with nothing shared with the code. */
function sampleAt({ values, shape, samples, loaded }: SampledVolume, c: readonly number[], method: string, sample: number, needed: Set<number>): number {
  if (!c.every((x, axis) => x >= -0.5 && x < shape[axis] - 0.5)) return NaN;
  const absent: number[] = [];
  const voxel = (slice: number, row: number, column: number): number => values[((slice * shape[1] + row) * shape[2] + column) * samples + sample];
  const need = (slice: number) => {
    needed.add(slice);
    if (loaded && !loaded[slice]) absent.push(slice);
  };
  if (method === "nearest") {
    const [slice, row, column] = c.map((x, axis) => Math.min(Math.floor(x + 0.5), shape[axis] - 1));
    need(slice);
    return absent.length > 0 ? NaN : voxel(slice, row, column);
  }
  const clamped = c.map((x, axis) => Math.min(Math.max(x, 0), shape[axis] - 1));
  const low = clamped.map((x, axis) => Math.min(Math.floor(x), Math.max(0, shape[axis] - 2)));
  const t = clamped.map((x, axis) => x - low[axis]);
  need(low[0]);
  if (t[0] !== 0) need(low[0] + 1);
  if (absent.length > 0) return NaN;
  const lerp = (axis: number, a: () => number, b: () => number): number => (shape[axis] === 1 ? a() : a() + (b() - a()) * t[axis]);
  const alongColumn = (slice: number, row: number) => lerp(2, () => voxel(slice, row, low[2]), () => voxel(slice, row, low[2] + 1));
  const alongRow = (slice: number) => lerp(1, () => alongColumn(slice, low[1]), () => alongColumn(slice, low[1] + 1));
  return lerp(0, () => alongRow(low[0]), () => alongRow(low[0] + 1));
}

function reference(volume: SampledVolume, inverse: Affine, cut: Cut, { method, slab }: CutOptions): { values: number[]; needed: Set<number> } {
  const turnedBy = ([p, q, r]: readonly number[], [x, y, z]: Vector) => p * x + q * y + r * z;
  const values: number[] = [];
  const needed = new Set<number>();
  const depth = slab?.depth ?? 1;
  for (let row = 0; row < cut.rows; row += 1) {
    for (let column = 0; column < cut.columns; column += 1) {
      for (let sample = 0; sample < volume.samples; sample += 1) {
        const found: number[] = [];
        for (let k = 0; k < depth; k += 1) {
          const away = k - (depth - 1) / 2;
          const origin = cut.origin.map((x, i) => (slab ? x + away * slab.step[i] : x)) as unknown as Vector;
          const c = inverse.map((line) => turnedBy(line, origin) + line[3] + row * turnedBy(line, cut.down) + column * turnedBy(line, cut.right));
          found.push(sampleAt(volume, c, method, sample, needed));
        }
        const inside = found.filter((value) => !Number.isNaN(value));
        if (inside.length === 0) values.push(NaN);
        else if (slab?.mode === "max") values.push(Math.max(...inside));
        else if (slab?.mode === "min") values.push(Math.min(...inside));
        else values.push(inside.reduce((sum, value) => sum + value) / inside.length);
      }
    }
  }
  return { values, needed };
}

const isSmall = ({ values }: SampledVolume) => values.BYTES_PER_ELEMENT <= 2 || values instanceof Float32Array;
const rounded = (volume: SampledVolume, values: readonly number[]) => (isSmall(volume) ? Float32Array.from(values) : Float64Array.from(values));

const SHAPES = [[3, 4, 5], [5, 6, 7], [1, 6, 7], [5, 1, 7], [5, 6, 1], [1, 1, 1], [2, 2, 2]];
const OPTIONS: CutOptions[] = (["linear", "nearest"] as const).flatMap((method) => [
  { method },
  ...(["max", "min", "mean"] satisfies SlabMode[]).flatMap((mode) =>
    [1, 4].map((depth) => ({ method, slab: { mode, depth, step: [0.7, -0.4, 1.1] as Vector } })),
  ),
]);

describe.each(OPTIONS)("$method with $slab.mode of $slab.depth", (options) => {
  it.each(ARRAYS.map((Type) => [Type.name, Type] as const))("has the formula's bits in a volume of %s", (_, Type) => {
    const random = randomNumbers(Type.BYTES_PER_ELEMENT * 31 + (options.slab?.depth ?? 0));
    for (const shape of SHAPES) {
      const samples = shape === SHAPES[0] ? 3 : 1;
      const affine = randomAffine(random);
      const inverse = inverseAffine(affine);
      const volume = randomVolume(random, shape, samples, Type);
      const cut = randomCut(random, centreOf({ affine, shape }), 7, 9);
      const found = sampleCut(volume, inverse, cut, options);
      expect(found).toEqual({ values: rounded(volume, reference(volume, inverse, cut, options).values), rows: 7, columns: 9, samples, missing: 0 });
    }
  });

  it("has no samples of slices that are not there, and counts these", () => {
    const random = randomNumbers(options.slab?.depth ?? 7);
    for (const shape of [[9, 6, 7], [1, 6, 7], [2, 6, 7]]) {
      const affine = randomAffine(random);
      const inverse = inverseAffine(affine);
      const cut = randomCut(random, centreOf({ affine, shape }), 7, 9);
      const loaded = Uint8Array.from({ length: shape[0] }, () => Math.floor(random() * 2));
      const volume = { ...randomVolume(random, shape, 1, Int16Array), loaded };
      const { values, needed } = reference(volume, inverse, cut, options);
      const found = sampleCut(volume, inverse, cut, options);
      expect(found.values).toEqual(rounded(volume, values));
      expect(found.missing).toBe([...needed].filter((slice) => !loaded[slice]).length);
      const all = { ...volume, loaded: loaded.map(() => 1) };
      expect(sampleCut(all, inverse, cut, options)).toEqual(sampleCut({ ...volume, loaded: undefined }, inverse, cut, options));
    }
  });
});

describe("the edges of a volume", () => {
  const volume: SampledVolume = { values: Int16Array.of(10, 20, 30), shape: [1, 1, 3], samples: 1 };
  /** Samples along the column axis. */
  const along = (start: number, step: number, columns: number, method: "linear" | "nearest") =>
    Array.from(sampleCut(volume, IDENTITY, { origin: [0, 0, start], right: [0, 0, step], down: [0, 0, 0], rows: 1, columns }, { method }).values);

  it("include half a voxel before the first one, and exclude half a voxel behind the last one", () => {
    expect(along(-0.5, 0.5, 8, "nearest")).toEqual([10, 10, 20, 20, 30, 30, NaN, NaN]);
    expect(along(-0.5, 0.5, 8, "linear")).toEqual([10, 10, 15, 20, 25, 30, NaN, NaN]);
    expect(along(2.5, -0.5, 8, "linear")).toEqual([NaN, 30, 25, 20, 15, 10, 10, NaN]);
    const below = 2.5 - 2 ** -51;
    expect(along(below, 0, 1, "nearest")).toEqual([30]);
    expect(along(-0.5 - 2 ** -53, 0, 1, "linear")).toEqual([NaN]);
  });

  it("count the largest number below one half as inside of a single voxel", () => {
    const one = { values: Int16Array.of(7), shape: [1, 1, 1], samples: 1 };
    const cut = { origin: [0, 0.5 - 2 ** -54, -0.5] as Vector, right: [0, 0, 0] as Vector, down: [0, 0, 0] as Vector, rows: 1, columns: 1 };
    expect(Array.from(sampleCut(one, IDENTITY, cut, { method: "nearest" }).values)).toEqual([7]);
    expect(Array.from(sampleCut(one, IDENTITY, cut, { method: "linear" }).values)).toEqual([7]);
  });

  it("are those of one slice, half its step to each side", () => {
    const slice: SampledVolume = { values: Uint8Array.of(1, 2, 3, 4), shape: [1, 2, 2], samples: 1 };
    const affine: Affine = [
      [0, 0, 1, 0],
      [0, 1, 0, 0],
      [5, 0, 0, 0],
    ];
    const at = (z: number) => Array.from(sampleCut(slice, inverseAffine(affine), { origin: [0, 0, z], right: [1, 0, 0], down: [0, 1, 0], rows: 2, columns: 2 }, { method: "linear" }).values);
    expect(at(2.4)).toEqual([1, 2, 3, 4]);
    expect(at(-2.5)).toEqual([1, 2, 3, 4]);
    expect(at(2.5)).toEqual([NaN, NaN, NaN, NaN]);
  });
});

it("gives infinite values of a volume with one slice as they are", () => {
  const volume = { values: Float32Array.of(Infinity, Infinity, -1, NaN), shape: [1, 4, 1], samples: 1 };
  const cut: Cut = { origin: [0, 0, 0], right: [0, 1, 0], down: [0, 0, 0], rows: 1, columns: 4 };
  expect(Array.from(sampleCut(volume, IDENTITY, cut, { method: "nearest" }).values)).toEqual([Infinity, Infinity, -1, NaN]);
  for (const shape of [[1, 1, 1], [2, 1, 1], [1, 2, 1], [1, 1, 2]]) {
    const flat = { shape, samples: 1, values: Float32Array.of(Infinity, 1) };
    const first = sampleCut(flat, IDENTITY, { ...cut, columns: 1 }, { method: "linear" }).values[0];
    // (1 - Infinity) * 0 is not a number.
    expect(first).toBe(shape.includes(2) ? NaN : Infinity);
  }
});

it("gives back a linear function exactly between the voxels", () => {
  const random = randomNumbers(3);
  const affine = randomAffine(random);
  const shape = [8, 9, 10];
  const values = Float64Array.from({ length: 720 }, (_, i) => {
    const [x, y, z] = toPatient(affine, [Math.floor(i / 90), Math.floor(i / 10) % 9, i % 10]);
    return 2 * x - 3 * y + 0.5 * z + 7;
  });
  const cut = randomCut(random, centreOf({ affine, shape }), 5, 5);
  const small = { ...cut, right: cut.right.map((x) => x / 10) as unknown as Vector, down: cut.down.map((x) => x / 10) as unknown as Vector, origin: centreOf({ affine, shape }) };
  const found = sampleCut({ values, shape, samples: 1 }, inverseAffine(affine), small, { method: "linear" });
  found.values.forEach((value, i) => {
    const [row, column] = [Math.floor(i / 5), i % 5];
    const [x, y, z] = small.origin.map((start, axis) => start + row * small.down[axis] + column * small.right[axis]);
    expect(value).toBeCloseTo(2 * x - 3 * y + 0.5 * z + 7, 8);
  });
});

it("samples rows longer than one part, and planes beside the volume", () => {
  const random = randomNumbers(11);
  const volume = randomVolume(random, [3, 4, 1500], 1, Int16Array);
  const cut: Cut = { origin: [0.3, 1.2, -20], right: [0.0003, 0.0002, 0.9], down: [0.2, 0.1, 3], rows: 4, columns: 1700 };
  const options: CutOptions = { method: "linear", slab: { mode: "mean", depth: 3, step: [0.5, 0.5, 0.25] } };
  expect(sampleCut(volume, IDENTITY, cut, options).values).toEqual(rounded(volume, reference(volume, IDENTITY, cut, options).values));
  const beside = sampleCut(volume, IDENTITY, { ...cut, origin: [50, 0, 0] }, { method: "linear" });
  expect(beside.values.every(Number.isNaN)).toBe(true);
});
