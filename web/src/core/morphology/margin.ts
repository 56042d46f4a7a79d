/**
 * Growing and shrinking by millimetres.
 *
 * Grown by r: all voxels whose centre lies within r of the centre of a voxel of the mask. Shrunk by r: the voxels of the
 * mask with no centre of another voxel within r. Distances are exact, and in the patient: grids may have uneven steps and
 * be sheared. Beyond the box is nothing: a segment that the grid's edge cuts off does not shrink there.
 */

import type { Affine } from "@/core/geometry";
import { ballRows, rowsThatMeet } from "@/core/morphology/ball";
import { inverted } from "@/core/morphology/combining";
import { boundsOf, croppedMask, emptyMask, isRightAngled, type Mask, pastedMask, reachInVoxels, ROUNDING_MM, stepsInMm, withRoom } from "@/core/morphology/maskBox";
import { runsOf } from "@/core/morphology/maskRuns";
import { PlaneDistances } from "@/core/morphology/planeDistance";
import { partOfWork, type Work } from "@/core/morphology/work";

/** The mask grown by millimetres, or shrunk if they are negative. */
export function* marginOf(mask: Mask, affine: Affine, mm: number): Work<Mask> {
  const bounds = boundsOf(mask);
  if (bounds === null || mm === 0) return { data: mask.data.slice(), shape: mask.shape };
  const room = withRoom(bounds, mm > 0 ? reachInVoxels(affine, mm) : [1, 1, 1], mask.shape);
  const near = isRightAngled(affine) ? nearByDistance : nearByRows;
  const small = croppedMask(mask, room);
  const changed = mm > 0 ? yield* near(small, affine, mm) : inverted(yield* near(inverted(small), affine, -mm));
  return pastedMask(changed, room, mask.shape);
}

/**
 * Voxels within mm of the mask, on a grid with right angles.
 *
 * Each slice's distances in its plane tell how many slices up and down each of its pixels reaches.
 */
export function* nearByDistance({ data, shape }: Mask, affine: Affine, mm: number): Work<Mask> {
  const [slices, rows, columns] = shape;
  const [sliceStep, rowStep, columnStep] = stepsInMm(affine);
  const perSlice = rows * columns;
  const distances = new PlaneDistances([rows, columns], [rowStep, columnStep]);
  const squares = new Float64Array(perSlice);
  const most = (mm + ROUNDING_MM) ** 2;
  // One more than the number of slices that a pixel reaches; 0 if it is too far away in its own.
  const reach = new Uint16Array(slices * perSlice);
  for (let slice = 0; slice < slices; slice += 1) {
    yield (0.8 * slice) / slices;
    const start = slice * perSlice;
    if (!data.subarray(start, start + perSlice).includes(1)) continue;
    distances.measure(data, start, 1, squares);
    for (let at = 0; at < perSlice; at += 1) {
      const rest = most - squares[at];
      if (rest >= 0) reach[start + at] = 1 + Math.min(slices, Math.floor(Math.sqrt(rest) / sliceStep));
    }
  }
  const near = emptyMask(shape);
  for (const way of [1, -1]) {
    const left = new Uint16Array(perSlice);
    for (let step = 0; step < slices; step += 1) {
      yield (way === 1 ? 0.8 : 0.9) + (0.1 * step) / slices;
      const start = (way === 1 ? step : slices - 1 - step) * perSlice;
      for (let at = 0; at < perSlice; at += 1) {
        const own = Math.max(reach[start + at], left[at]);
        if (own === 0) continue;
        near.data[start + at] = 1;
        left[at] = own - 1;
      }
    }
  }
  return near;
}

/** Voxels within mm of the mask on any grid: each run of the mask is widened by each row of the ball. */
export function* nearByRows(mask: Mask, affine: Affine, mm: number): Work<Mask> {
  const [slices, rows, columns] = mask.shape;
  const { firstOfRow, begin, beyond } = yield* partOfWork(runsOf(mask), 0, 0.05);
  const ball = rowsThatMeet(ballRows(affine, mm), mask.shape);
  const near = emptyMask(mask.shape);
  const changes = new Int32Array(columns + 1);
  for (let slice = 0; slice < slices; slice += 1) {
    for (let row = 0; row < rows; row += 1) {
      if (row % 16 === 0) yield 0.05 + (0.95 * (slice + row / rows)) / slices;
      changes.fill(0);
      for (const { slice: up, row: down, first, last } of ball) {
        const [s, r] = [slice + up, row + down];
        if (s < 0 || s >= slices || r < 0 || r >= rows) continue;
        const line = s * rows + r;
        for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) {
          const low = Math.max(0, begin[run] - last);
          const high = Math.min(columns, beyond[run] - first);
          if (low >= high) continue;
          changes[low] += 1;
          changes[high] -= 1;
        }
      }
      const start = (slice * rows + row) * columns;
      for (let column = 0, within = 0; column < columns; column += 1) {
        within += changes[column];
        if (within > 0) near.data[start + column] = 1;
      }
    }
  }
  return near;
}
