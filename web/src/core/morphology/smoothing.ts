/**
 * Smoothing of a segment's surface.
 *
 * Median: a voxel is set if more than half of the ball around it is; details smaller than the ball go, flat surfaces
 * stay where they are. Gaussian: the mask, blurred along the grid's three axes, above 0.5; flat surfaces stay too, and
 * curved ones draw in by about sigma² / radius. Both keep the volume of whatever is large beside the radius, and remove
 * what is thin. At the box's edge its outermost voxels are repeated.
 */

import type { Affine } from "@/core/geometry";
import { ballRows, ballSize, ballWidth } from "@/core/morphology/ball";
import { boundsOf, croppedMask, emptyMask, type Mask, pastedMask, stepsInMm, withRoom } from "@/core/morphology/maskBox";
import { runsOf } from "@/core/morphology/maskRuns";
import { partOfWork, type Work } from "@/core/morphology/work";

/** The majority within a ball of a radius in mm. */
export const medianSmoothed = (mask: Mask, affine: Affine, radiusMm: number): Work<Mask> => within(mask, (small) => majority(small, affine, radiusMm));

/** The mask blurred by a sigma in mm along each axis of the grid (on sheared grids, the sheared axes), above 0.5. */
export const gaussianSmoothed = (mask: Mask, affine: Affine, sigmaMm: number): Work<Mask> => within(mask, (small) => blurred(small, affine, sigmaMm));

/** Smoothing sets no voxel beyond the bounds of a mask, so no more than them is looked at. */
function* within(mask: Mask, smooth: (small: Mask) => Work<Mask>): Work<Mask> {
  const bounds = boundsOf(mask);
  if (bounds === null) return emptyMask(mask.shape);
  const room = withRoom(bounds, [1, 1, 1], mask.shape);
  return pastedMask(yield* smooth(croppedMask(mask, room)), room, mask.shape);
}

/**
 * Counts the set voxels of the ball around each voxel.
 *
 * Along a row, what one run adds for one row of the ball rises, stays and falls in straight lines: four changes of slope.
 */
function* majority(mask: Mask, affine: Affine, mm: number): Work<Mask> {
  const [slices, rows, columns] = mask.shape;
  const ball = ballRows(affine, mm);
  const half = ballSize(ball) / 2;
  const { firstOfRow, begin, beyond } = yield* partOfWork(runsOf(mask), 0, 0.05);
  const width = ballWidth(ball) + 2;
  const ahead = 2 * width;
  const slopes = new Int32Array(columns + 2 * ahead);
  const smooth = emptyMask(mask.shape);
  for (let slice = 0; slice < slices; slice += 1) {
    for (let row = 0; row < rows; row += 1) {
      if (row % 16 === 0) yield 0.05 + (0.95 * (slice + row / rows)) / slices;
      slopes.fill(0);
      let any = false;
      for (const { slice: up, row: down, first, last } of ball) {
        const line = clamped(slice + up, slices) * rows + clamped(row + down, rows);
        for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) {
          any = true;
          const low = ahead + (begin[run] === 0 ? -width : begin[run]);
          const high = ahead + (beyond[run] === columns ? columns + width : beyond[run]);
          slopes[low - last - 1] += 1;
          slopes[high - last - 1] -= 1;
          slopes[low - first] -= 1;
          slopes[high - first] += 1;
        }
      }
      if (!any) continue;
      const start = (slice * rows + row) * columns;
      for (let at = 0, slope = 0, count = 0; at < ahead + columns; at += 1) {
        if (at >= ahead && count > half) smooth.data[start + at - ahead] = 1;
        slope += slopes[at];
        count += slope;
      }
    }
  }
  return smooth;
}

const clamped = (index: number, count: number): number => (index < 0 ? 0 : index >= count ? count - 1 : index);

/** Gaussian weights ahead of the middle one and behind; their sum is 1. They end at four sigma. */
export function gaussianWeights(sigma: number): Float64Array {
  const reach = Math.floor(4 * sigma + 0.5);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => (reach === 0 ? 1 : Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma))));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Blurs slice by slice, and keeps as many blurred slices as the weights along the slices need. */
function* blurred(mask: Mask, affine: Affine, sigma: number): Work<Mask> {
  const [slices, rows, columns] = mask.shape;
  const [alongSlices, alongRows, alongColumns] = stepsInMm(affine).map((step) => gaussianWeights(sigma / step));
  const reach = (alongSlices.length - 1) / 2;
  const planes = Array.from({ length: Math.min(slices, alongSlices.length) }, () => new Float32Array(rows * columns));
  const blurPlane = planeBlur(mask, alongRows, alongColumns);
  const sum = new Float64Array(rows * columns);
  const smooth = emptyMask(mask.shape);
  for (let slice = 0, ready = 0; slice < slices; slice += 1) {
    for (; ready <= Math.min(slices - 1, slice + reach); ready += 1) {
      yield slice / slices;
      blurPlane(ready, planes[ready % planes.length]);
    }
    yield slice / slices;
    sum.fill(0);
    for (let step = -reach; step <= reach; step += 1) {
      const plane = planes[clamped(slice + step, slices) % planes.length];
      const weight = alongSlices[step + reach];
      for (let at = 0; at < sum.length; at += 1) sum[at] += weight * plane[at];
    }
    const start = slice * sum.length;
    for (let at = 0; at < sum.length; at += 1) if (sum[at] > 0.5) smooth.data[start + at] = 1;
  }
  return smooth;
}

/** Blurs one slice of a mask along its columns and its rows. */
function planeBlur({ data, shape: [, rows, columns] }: Mask, alongRows: Float64Array, alongColumns: Float64Array): (slice: number, into: Float32Array) => void {
  const reach = (alongRows.length - 1) / 2;
  const lines = new Float64Array(rows * columns);
  const filled = new Uint8Array(rows);
  const sum = new Float64Array(columns);
  return (slice, into) => {
    for (let row = 0; row < rows; row += 1) {
      const start = (slice * rows + row) * columns;
      filled[row] = blurRow(data.subarray(start, start + columns), alongColumns, lines.subarray(row * columns, (row + 1) * columns)) ? 1 : 0;
    }
    for (let row = 0; row < rows; row += 1) {
      sum.fill(0);
      for (let step = -reach; step <= reach; step += 1) {
        const other = clamped(row + step, rows);
        if (filled[other] === 0) continue;
        const weight = alongRows[step + reach];
        for (let column = 0, at = other * columns; column < columns; column += 1, at += 1) sum[column] += weight * lines[at];
      }
      into.set(sum, row * columns);
    }
  };
}

/** Blurs a row of a mask; false, and nothing is written, if the row is empty. */
function blurRow(row: Uint8Array, weights: Float64Array, into: Float64Array): boolean {
  if (!row.includes(1)) return false;
  const reach = (weights.length - 1) / 2;
  const columns = row.length;
  into.fill(0);
  // The changes of a run's ends, summed up afterwards: constant stretches cost nothing.
  let value = 0;
  for (let step = -reach; step <= reach; step += 1) value += weights[step + reach] * row[clamped(step, columns)];
  into[0] = value;
  for (let edge = 1; edge < columns; edge += 1) {
    const change = row[edge] - row[edge - 1];
    if (change === 0) continue;
    // From column c to c + 1 the voxel at c + 1 + step replaces that at c + step.
    for (let step = -reach; step <= reach; step += 1) {
      const at = edge - step;
      if (at >= 1 && at < columns) into[at] += change * weights[step + reach];
    }
  }
  for (let column = 1; column < columns; column += 1) into[column] += into[column - 1];
  return true;
}
