/** Masks as runs of voxels along rows, and the pieces that runs form by touching. */

import type { Mask, MaskShape } from "@/core/morphology/maskBox";
import type { Work } from "@/core/morphology/work";

/** Rows between two messages of progress. */
const LINES = 256;

/** The runs of a mask's set voxels, row after row. */
export interface MaskRuns {
  readonly shape: MaskShape;
  /** The number of the first run of each row, and at the end the number of all runs. */
  readonly firstOfRow: Uint32Array;
  /** The column where each run begins, and the one after its last. */
  readonly begin: Int32Array;
  readonly beyond: Int32Array;
}

/** The runs of voxels that have a value: 1 for those of the segment, 0 for those around it. */
export function* runsOf({ data, shape }: Mask, value: 0 | 1 = 1): Work<MaskRuns> {
  const [slices, rows, columns] = shape;
  const firstOfRow = new Uint32Array(slices * rows + 1);
  for (let line = 0, count = 0; line < slices * rows; line += 1) {
    if (line % LINES === 0) yield (0.5 * line) / (slices * rows);
    count += countRuns(data, line * columns, columns, value);
    firstOfRow[line + 1] = count;
  }
  const count = firstOfRow[slices * rows];
  const [begin, beyond] = [new Int32Array(count), new Int32Array(count)];
  for (let line = 0; line < slices * rows; line += 1) {
    if (line % LINES === 0) yield 0.5 + (0.5 * line) / (slices * rows);
    const start = line * columns;
    let at = start;
    for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) {
      while (data[at] !== value) at += 1;
      begin[run] = at - start;
      while (at < start + columns && data[at] === value) at += 1;
      beyond[run] = at - start;
    }
  }
  return { shape, firstOfRow, begin, beyond };
}

function countRuns(data: Uint8Array, start: number, length: number, value: number): number {
  let count = 0;
  let before = 1 - value;
  for (let at = start; at < start + length; at += 1) {
    if (data[at] === value && before !== value) count += 1;
    before = data[at];
  }
  return count;
}

/**
 * The piece of each run, connected through faces of voxels; its number is that of the piece's first run in C order.
 *
 * A union-find forest whose roots are the smallest of their tree.
 */
export function* rootsOfRuns(runs: MaskRuns): Work<Int32Array> {
  const { shape: [slices, rows], firstOfRow } = runs;
  const parent = new Int32Array(runs.begin.length).map((_, run) => run);
  for (let line = 0; line < slices * rows; line += 1) {
    if (line % LINES === 0) yield line / (slices * rows);
    if (firstOfRow[line] === firstOfRow[line + 1]) continue;
    if (line % rows > 0) joinRows(runs, parent, line, line - 1);
    if (line >= rows) joinRows(runs, parent, line, line - rows);
  }
  for (let run = 0; run < parent.length; run += 1) parent[run] = parent[parent[run]];
  return parent;
}

/** Joins the runs of two rows that share columns. */
function joinRows({ firstOfRow, begin, beyond }: MaskRuns, parent: Int32Array, line: number, other: number): void {
  let [a, b] = [firstOfRow[line], firstOfRow[other]];
  const [endA, endB] = [firstOfRow[line + 1], firstOfRow[other + 1]];
  while (a < endA && b < endB) {
    if (begin[a] < beyond[b] && begin[b] < beyond[a]) {
      const [one, two] = [rootOf(parent, a), rootOf(parent, b)];
      if (one < two) parent[two] = one;
      else parent[one] = two;
    }
    if (beyond[a] < beyond[b]) a += 1;
    else b += 1;
  }
}

/** The root of a run's tree; the way there becomes shorter for whoever comes later. */
function rootOf(parent: Int32Array, run: number): number {
  let root = run;
  while (parent[root] !== root) {
    parent[root] = parent[parent[root]];
    root = parent[root];
  }
  return root;
}

/** The number of voxels of each piece, at the number of its root. */
export function sizesOfRoots({ begin, beyond }: MaskRuns, roots: Int32Array): Float64Array {
  const sizes = new Float64Array(roots.length);
  for (let run = 0; run < roots.length; run += 1) sizes[roots[run]] += beyond[run] - begin[run];
  return sizes;
}

/** Gives the voxels of each run the value that `valueOf` has for it; 0 changes nothing. */
export function paintRuns(runs: MaskRuns, data: Uint8Array, valueOf: (run: number) => number): void {
  const { shape: [slices, rows, columns], firstOfRow, begin, beyond } = runs;
  for (let line = 0; line < slices * rows; line += 1) {
    for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) {
      const value = valueOf(run);
      if (value !== 0) data.fill(value, line * columns + begin[run], line * columns + beyond[run]);
    }
  }
}

/** The run that holds a voxel; -1 if none does. */
export function runAt({ shape: [, rows], firstOfRow, begin, beyond }: MaskRuns, [slice, row, column]: readonly [number, number, number]): number {
  const line = slice * rows + row;
  for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) if (begin[run] <= column && column < beyond[run]) return run;
  return -1;
}
