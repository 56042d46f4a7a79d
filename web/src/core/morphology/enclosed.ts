/** Filling of holes: voxels outside of a mask that are not connected to the box's border through faces. */

import { type Mask } from "@/core/morphology/maskBox";
import { paintRuns, rootsOfRuns, runsOf } from "@/core/morphology/maskRuns";
import { finishWork, partOfWork, type Work } from "@/core/morphology/work";

export type GridAxis = 0 | 1 | 2;

/**
 * The mask with its holes.
 *
 * @param axis null fills what is closed on all sides, an axis of the grid what is closed within its plane across that
 * axis (0: each slice by itself). A box of one slice has no depth: there both are the same.
 */
export function* holesFilled(mask: Mask, { axis }: { readonly axis: GridAxis | null }): Work<Mask> {
  if (axis === null && mask.shape[0] > 1) {
    const filled: Mask = { data: mask.data.slice(), shape: mask.shape };
    yield* fill(filled);
    return filled;
  }
  const across = axis ?? 0;
  const data = mask.data.slice();
  const [rows, columns] = mask.shape.filter((_, i) => i !== across);
  const strides = [mask.shape[1] * mask.shape[2], mask.shape[2], 1];
  const [rowStride, columnStride] = strides.filter((_, i) => i !== across);
  const plane: Mask = { data: new Uint8Array(rows * columns), shape: [1, rows, columns] };
  for (let index = 0; index < mask.shape[across]; index += 1) {
    yield index / mask.shape[across];
    const start = index * strides[across];
    let empty = true;
    for (let row = 0, to = 0; row < rows; row += 1) {
      for (let column = 0, at = start + row * rowStride; column < columns; column += 1, at += columnStride, to += 1) {
        plane.data[to] = data[at];
        if (data[at] === 1) empty = false;
      }
    }
    if (empty) continue;
    finishWork(fill(plane));
    for (let row = 0, from = 0; row < rows; row += 1) {
      for (let column = 0, at = start + row * rowStride; column < columns; column += 1, at += columnStride, from += 1) data[at] = plane.data[from];
    }
  }
  return { data, shape: mask.shape };
}

/** Sets the voxels of the holes; in a mask of one slice, of the holes in its plane. */
function* fill(mask: Mask): Work<void> {
  const [slices, rows, columns] = mask.shape;
  const runs = yield* partOfWork(runsOf(mask, 0), 0, 0.4);
  const roots = yield* partOfWork(rootsOfRuns(runs), 0.4, 0.9);
  const open = new Uint8Array(roots.length);
  const flat = slices === 1;
  for (let line = 0; line < slices * rows; line += 1) {
    const row = line % rows;
    const atBorder = row === 0 || row === rows - 1 || (!flat && (line < rows || line >= (slices - 1) * rows));
    for (let run = runs.firstOfRow[line]; run < runs.firstOfRow[line + 1]; run += 1) {
      if (atBorder || runs.begin[run] === 0 || runs.beyond[run] === columns) open[roots[run]] = 1;
    }
  }
  paintRuns(runs, mask.data, (run) => 1 - open[roots[run]]);
}
