/** Small volumes on any grid, the same in each run. */

import type { Affine } from "@/core/geometry";
import type { PixelArray } from "@/core/pixelArray";
import type { Cut } from "@/core/plane";
import type { SampledVolume } from "@/core/sampling/sampledVolume";
import type { Vector } from "@/core/vectors";

/** Numbers in [0, 1) by mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const ARRAYS = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array] as const;

export function randomVolume(random: () => number, shape: readonly number[], samples: number, Type: (typeof ARRAYS)[number]): SampledVolume {
  const real = Type === Float32Array || Type === Float64Array;
  const values: PixelArray = new Type(shape.reduce((product, size) => product * size, samples));
  for (let i = 0; i < values.length; i += 1) values[i] = real ? random() * 2000 - 1000 : Math.floor(random() * 2 ** 32);
  return { values, shape, samples };
}

const randomVector = (random: () => number, size: number): Vector => [(random() - 0.5) * size, (random() - 0.5) * size, (random() - 0.5) * size];

/** Three axes in any direction, sheared and flipped as it happens, that span space. */
export function randomAffine(random: () => number): Affine {
  for (;;) {
    const [a, b, c] = [randomVector(random, 6), randomVector(random, 4), randomVector(random, 4)];
    const volume = Math.abs(a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]));
    const place = randomVector(random, 300);
    if (volume > 0.5) return [0, 1, 2].map((i) => [a[i], b[i], c[i], place[i]]);
  }
}

/** A rectangle of any kind about the middle of a volume. */
export function randomCut(random: () => number, middle: Vector, rows: number, columns: number): Cut {
  const [right, down] = [randomVector(random, 3), randomVector(random, 3)];
  const [r, c] = [(rows - 1) / 2 + random(), (columns - 1) / 2 + random()];
  const origin: Vector = [middle[0] - r * down[0] - c * right[0], middle[1] - r * down[1] - c * right[1], middle[2] - r * down[2] - c * right[2]];
  return { origin, right, down, rows, columns };
}
