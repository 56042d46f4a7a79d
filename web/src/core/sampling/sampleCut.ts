/**
 * Samples a volume in any rectangle of points, as the server's `core/cuts.py` does: with the same bits.
 *
 * The index coordinates of pixel (row, column) are c = c0 + row * dr + column * dc, with c0, dr and dc from the inverse of the
 * volume's affine, once. A point is inside the volume if -0.5 <= c < n - 0.5 along each axis; other samples are NaN. The
 * nearest voxel is floor(c + 0.5). Linear: c is clamped to [0, n - 1]; a + (b - a) * t along the column, then row, then
 * slice. A slab projects what lies inside the volume of `depth` samples around each point, `step` millimetres apart.
 */

import type { Affine } from "@/core/geometry";
import { type Cut, toIndex } from "@/core/plane";
import { Projection } from "@/core/sampling/projection";
import { CHUNK, insideColumns, RowSampler, type SamplingMethod } from "@/core/sampling/sampleRow";
import { type Sampled, type SampledVolume, SliceCheck } from "@/core/sampling/sampledVolume";
import type { SlabMode } from "@/core/slabs";
import { moved, type Vector } from "@/core/vectors";

export interface SampledSlab {
  readonly mode: SlabMode;
  readonly depth: number;
  /** LPS millimetres from one sample to the next. */
  readonly step: Vector;
}

export interface CutOptions {
  readonly method: SamplingMethod;
  readonly slab?: SampledSlab;
}

/** The index coordinates of a cut's first pixel, and their steps from row to row and from column to column. */
export interface IndexCut {
  readonly start: Float64Array;
  readonly down: Float64Array;
  readonly right: Float64Array;
}

const turnedToIndex = (inverse: Affine, [x, y, z]: Vector): Vector => [
  inverse[0][0] * x + inverse[0][1] * y + inverse[0][2] * z,
  inverse[1][0] * x + inverse[1][1] * y + inverse[1][2] * z,
  inverse[2][0] * x + inverse[2][1] * y + inverse[2][2] * z,
];

/** The cuts of a slab, one for each sample. */
export function indexCuts(inverse: Affine, cut: Cut, slab: SampledSlab | undefined): IndexCut[] {
  const [down, right] = [cut.down, cut.right].map((step) => Float64Array.from(turnedToIndex(inverse, step)));
  const depth = slab?.depth ?? 1;
  return Array.from({ length: depth }, (_, k) => {
    const origin = slab ? moved(cut.origin, slab.step, k - (depth - 1) / 2) : cut.origin;
    return { start: Float64Array.from(toIndex(inverse, origin)), down, right };
  });
}

/** 32-bit floats hold the samples of 8 and 16-bit integers and of 32-bit floats; others need doubles. */
function resultArray({ values }: SampledVolume, length: number): Float32Array | Float64Array {
  return values.BYTES_PER_ELEMENT <= 2 || values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

/** Samples `cut`; `inverse` is the inverse of the volume's affine (`inverseAffine`). */
export function sampleCut(volume: SampledVolume, inverse: Affine, cut: Cut, { method, slab }: CutOptions): Sampled {
  const { rows, columns } = cut;
  const { shape, samples } = volume;
  const values = resultArray(volume, rows * columns * samples).fill(NaN);
  const check = volume.loaded ? new SliceCheck(volume.loaded) : null;
  const sampler = new RowSampler(volume, method, check?.complete ? null : check);
  const cuts = indexCuts(inverse, cut, slab);
  const projection = slab && slab.depth > 1 ? new Projection(slab.mode, CHUNK) : null;
  const sampled = new Float64Array(CHUNK);
  const bases = cuts.map(() => new Float64Array(3));
  for (let row = 0; row < rows; row += 1) {
    cuts.forEach(({ start, down }, k) => {
      for (let axis = 0; axis < 3; axis += 1) bases[k][axis] = start[axis] + row * down[axis];
    });
    const ranges = bases.map((base, k) => insideColumns(base, cuts[k].right, shape, columns));
    for (let first = 0; first < columns; first += CHUNK) {
      const end = Math.min(first + CHUNK, columns);
      for (let sample = 0; sample < samples; sample += 1) {
        projection?.begin();
        for (let k = 0; k < cuts.length; k += 1) {
          const from = Math.max(first, ranges[k][0]);
          const count = Math.min(end, ranges[k][1]) - from;
          if (count <= 0) continue;
          sampler.place(from, count, bases[k], cuts[k].right);
          sampler.sample(count, sample, sampled);
          if (projection) projection.add(sampled, count, from - first);
          else write(values, (row * columns + from) * samples + sample, samples, sampled, count);
        }
        if (projection) for (let i = first; i < end; i += 1) values[(row * columns + i) * samples + sample] = projection.result(i - first);
      }
    }
  }
  return { values, rows, columns, samples, missing: check?.missing ?? 0 };
}

function write(values: Float32Array | Float64Array, first: number, step: number, sampled: Float64Array, count: number): void {
  for (let i = 0, p = first; i < count; i += 1, p += step) values[p] = sampled[i];
}
