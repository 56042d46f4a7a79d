/** Planes of a volume's own grid: its voxels, never interpolated, in the volume's own type. */

import type { GridTurn } from "@/core/geometry";
import { emptyLike, type PixelArray } from "@/core/pixelArray";
import { lineProjection } from "@/core/sampling/projection";
import { type Sampled, type SampledVolume, stridesOf } from "@/core/sampling/sampledVolume";
import type { SlabMode } from "@/core/slabs";

/** Where the values of turned planes lie in the volume's array. */
interface GridWalk {
  /** The voxel of plane, row and column 0. */
  readonly first: number;
  readonly planeStep: number;
  readonly rowStep: number;
  readonly columnStep: number;
  readonly planes: number;
  readonly rows: number;
  readonly columns: number;
}

function walkOf(volume: SampledVolume, { axes, backwards }: GridTurn): GridWalk {
  const strides = stridesOf(volume);
  const sizes = axes.map((axis) => volume.shape[axis]);
  const steps = axes.map((axis, i) => (backwards[i] ? -strides[axis] : strides[axis]));
  const first = axes.reduce((sum, axis, i) => sum + (backwards[i] ? strides[axis] * (sizes[i] - 1) : 0), 0);
  return { first, planeStep: steps[0], rowStep: steps[1], columnStep: steps[2], planes: sizes[0], rows: sizes[1], columns: sizes[2] };
}

/** Which of the volume's slices lies at each step along one of a turn's axes (0 planes, 1 rows, 2 columns); null if it crosses none. */
function slicesAlong({ axes, backwards }: GridTurn, way: 0 | 1 | 2, count: number): ((step: number) => number) | null {
  if (axes[way] !== 0) return null;
  return backwards[way] ? (step) => count - 1 - step : (step) => step;
}

/** The same bytes as unsigned integers or doubles, so that one loop copies all types in at most four ways. */
function asCopied(values: PixelArray): PixelArray {
  const { buffer, byteOffset, length } = values;
  if (values.BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (values.BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  return values.BYTES_PER_ELEMENT === 4 ? new Uint32Array(buffer, byteOffset, length) : new Float64Array(buffer, byteOffset, length);
}

function copyTurned(from: PixelArray, to: PixelArray, start: number, { rows, columns, rowStep, columnStep }: GridWalk, samples: number): void {
  // In the order of the volume's memory: along its longer steps outside.
  const rowsOutside = Math.abs(rowStep) >= Math.abs(columnStep);
  const [outer, inner] = rowsOutside ? [rows, columns] : [columns, rows];
  const [outerStep, innerStep] = rowsOutside ? [rowStep, columnStep] : [columnStep, rowStep];
  const [outerTo, innerTo] = rowsOutside ? [columns * samples, samples] : [samples, columns * samples];
  for (let a = 0; a < outer; a += 1) {
    for (let sample = 0; sample < samples; sample += 1) {
      let p = start + a * outerStep + sample;
      let q = a * outerTo + sample;
      for (let b = 0; b < inner; b += 1) {
        to[q] = from[p];
        p += innerStep;
        q += innerTo;
      }
    }
  }
}

/** Puts `fill` where a plane's rows or columns are slices that are not there, and counts these. */
function blank(values: PixelArray, { loaded }: SampledVolume, turn: GridTurn, { rows, columns }: GridWalk, samples: number, fill: number): number {
  if (!loaded) return 0;
  const [rowSlice, columnSlice] = [slicesAlong(turn, 1, rows), slicesAlong(turn, 2, columns)];
  let missing = 0;
  for (let row = 0; rowSlice && row < rows; row += 1) {
    if (loaded[rowSlice(row)]) continue;
    missing += 1;
    values.fill(fill, row * columns * samples, (row + 1) * columns * samples);
  }
  for (let column = 0; columnSlice && column < columns; column += 1) {
    if (loaded[columnSlice(column)]) continue;
    missing += 1;
    for (let row = 0; row < rows; row += 1) values.fill(fill, (row * columns + column) * samples, (row * columns + column + 1) * samples);
  }
  return missing;
}

/**
 * One plane of the volume's grid; the order of its rows and columns is that of `planeAffine`.
 *
 * @param fill is the value of slices that are not there
 */
export function gridPlane(volume: SampledVolume, turn: GridTurn, index: number, fill = 0): Sampled {
  const walk = walkOf(volume, turn);
  const { rows, columns, rowStep, columnStep } = walk;
  const { samples, loaded } = volume;
  const start = walk.first + index * walk.planeStep;
  const length = rows * columns * samples;
  const slice = slicesAlong(turn, 0, walk.planes)?.(index);
  if (slice !== undefined && loaded && !loaded[slice]) {
    return { values: emptyLike(volume.values, length).fill(fill), rows, columns, samples, missing: 1 };
  }
  if (columnStep === samples && rowStep === columns * samples) {
    return { values: volume.values.slice(start, start + length), rows, columns, samples, missing: 0 };
  }
  const values = emptyLike(volume.values, length);
  copyTurned(asCopied(volume.values), asCopied(values), start, walk, samples);
  return { values, rows, columns, samples, missing: blank(values, volume, turn, walk, samples, fill) };
}

/**
 * The planes [from, to) of the volume's grid projected into one.
 *
 * The largest and smallest values have the volume's type; the mean, the sum in the planes' order divided by the number of
 * values, has 32-bit floats for 8 and 16-bit integers and for 32-bit floats, else doubles. Slices that are not there and
 * NaN do not count.
 */
export function gridSlab(volume: SampledVolume, turn: GridTurn, [from, to]: readonly [number, number], mode: SlabMode, fill = 0): Sampled {
  const walk = walkOf(volume, turn);
  const { rows, columns } = walk;
  const { samples, loaded } = volume;
  const planeSlice = slicesAlong(turn, 0, walk.planes);
  const planes = Array.from({ length: to - from }, (_, i) => from + i);
  const present = planes.filter((plane) => !planeSlice || !loaded || loaded[planeSlice(plane)]);
  const length = rows * columns * samples;
  const narrow = volume.values.BYTES_PER_ELEMENT <= 2 || volume.values instanceof Float32Array;
  const values = mode !== "mean" ? emptyLike(volume.values, length) : narrow ? new Float32Array(length) : new Float64Array(length);
  const absent = planes.length - present.length;
  if (present.length === 0) return { values: values.fill(fill), rows, columns, samples, missing: absent };
  // A row of the picture is folded at once, or a column if its values are the nearer ones in memory.
  const rowsInside = Math.abs(walk.columnStep) > Math.abs(walk.rowStep);
  const [outer, inner] = rowsInside ? [columns, rows] : [rows, columns];
  const [outerStep, innerStep] = rowsInside ? [walk.columnStep, walk.rowStep] : [walk.rowStep, walk.columnStep];
  const [outerTo, innerTo] = rowsInside ? [samples, columns * samples] : [columns * samples, samples];
  const projection = lineProjection(volume.values, mode, inner);
  for (let a = 0; a < outer; a += 1) {
    for (let sample = 0; sample < samples; sample += 1) {
      const start = walk.first + a * outerStep + sample;
      projection.begin();
      for (const plane of present) projection.addLine(start + plane * walk.planeStep, innerStep);
      for (let b = 0, q = a * outerTo + sample; b < inner; b += 1, q += innerTo) values[q] = projection.result(b);
    }
  }
  return { values, rows, columns, samples, missing: absent + blank(values, volume, turn, walk, samples, fill) };
}
