/**
 * The voxels inside a closed outline, by the rule of the library's `core/polygons`: those whose centres lie inside by the
 * even-odd rule, or on its line.
 */

import type { EditPlane } from "@/core/editing/editCommand";
import { GridSheet } from "@/core/editing/gridSheet";
import type { RowFound } from "@/core/editing/strokeRows";
import { type Grid, inverseAffine, toIndex } from "@/core/plane";
import type { Vector } from "@/core/vectors";

/** (row, column) in pixels; the centre of the first pixel is (0, 0). */
export type PixelPoint = readonly [number, number];

/** A pixel's centre this close to an edge, in pixels, lies on the line. */
const ON_LINE = 1e-6;

/** A rectangle of pixels with a byte for each: 1 for those inside or on the line. */
export interface CoveredPixels {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  readonly bits: Uint8Array;
}

/** Which pixels' centres lie inside an outline or on its line, within `rows` x `columns` pixels. */
export function coveredPixels(outline: readonly PixelPoint[], [rows, columns]: readonly [number, number]): CoveredPixels {
  const [low, high] = [boundsOf(outline, Math.min), boundsOf(outline, Math.max)];
  const [row, column] = [clamped(Math.floor(low[0]), rows), clamped(Math.floor(low[1]), columns)];
  const size = [clamped(Math.ceil(high[0]) + 1, rows) - row, clamped(Math.ceil(high[1]) + 1, columns) - column];
  const covered = { row, column, rows: Math.max(0, size[0]), columns: Math.max(0, size[1]), bits: new Uint8Array(Math.max(0, size[0]) * Math.max(0, size[1])) };
  if (covered.bits.length === 0) return covered;
  const own = outline.map(([y, x]): PixelPoint => [y - row, x - column]);
  markInside(own, covered);
  own.forEach((point, at) => markLine(point, own[(at + 1) % own.length], covered));
  return covered;
}

const boundsOf = (outline: readonly PixelPoint[], pick: (a: number, b: number) => number): PixelPoint =>
  outline.reduce<PixelPoint>(([a, b], [c, d]) => [pick(a, c), pick(b, d)], outline[0] ?? [0, 0]);
const clamped = (at: number, size: number): number => Math.max(0, Math.min(size, at));

/** Turns at each edge that a row crosses; an edge holds its lower end and not its upper one, so that each corner counts once. */
function markInside(outline: readonly PixelPoint[], { rows, columns, bits }: CoveredPixels): void {
  const turns = new Uint8Array(rows * (columns + 1));
  outline.forEach((point, at) => {
    const next = outline[(at + 1) % outline.length];
    const [low, high] = point[0] <= next[0] ? [point, next] : [next, point];
    const last = Math.min(rows, Math.ceil(high[0]));
    for (let row = Math.max(0, Math.ceil(low[0])); row < last; row += 1) {
      const column = low[1] + ((row - low[0]) / (high[0] - low[0])) * (high[1] - low[1]);
      turns[row * (columns + 1) + clamped(Math.ceil(column), columns)] ^= 1;
    }
  });
  for (let row = 0; row < rows; row += 1) {
    let inside = 0;
    for (let column = 0; column < columns; column += 1) {
      inside ^= turns[row * (columns + 1) + column];
      bits[row * columns + column] = inside;
    }
  }
}

/** Marks the pixels on an edge, along the axis in which it is longer. */
function markLine(from: PixelPoint, to: PixelPoint, { rows, columns, bits }: CoveredPixels): void {
  const along = Math.abs(to[0] - from[0]) >= Math.abs(to[1] - from[1]) ? 0 : 1;
  const across = 1 - along;
  const sizes = [rows, columns];
  const low = Math.max(0, Math.ceil(Math.min(from[along], to[along]) - ON_LINE));
  const high = Math.min(sizes[along] - 1, Math.floor(Math.max(from[along], to[along]) + ON_LINE));
  const length = to[along] - from[along];
  for (let place = low; place <= high; place += 1) {
    const part = Math.max(0, Math.min(1, (place - from[along]) / (length === 0 ? 1 : length)));
    const at = from[across] + part * (to[across] - from[across]);
    const nearest = Math.round(at);
    if (Math.abs(at - nearest) > ON_LINE || nearest < 0 || nearest >= sizes[across]) continue;
    bits[along === 0 ? place * columns + nearest : nearest * columns + place] = 1;
  }
}

/**
 * Finds the voxels inside an outline that was drawn in a plane: those of the plane, or with `through` all whose centres lie
 * inside when they are seen along the plane's normal.
 */
export function eachOutlineRow(grid: Grid, plane: EditPlane, points: readonly Vector[], through: boolean, found: RowFound): void {
  const sheet = new GridSheet(grid, plane);
  const { axis } = sheet;
  const [p, q] = [0, 1, 2].filter((other) => other !== axis);
  const inverse = inverseAffine(grid.affine);
  const along = inverse.map((row) => row[0] * sheet.normal[0] + row[1] * sheet.normal[1] + row[2] * sheet.normal[2]);
  const corners = points.map((point) => toIndex(inverse, point));
  const only = through ? null : sheet.index;
  const [first, beyond] = only === null ? [0, grid.shape[axis]] : [Math.max(0, only), Math.min(grid.shape[axis], only + 1)];
  for (let index = first; index < beyond; index += 1) {
    // Where the lines along the normal through the corners meet the voxels of this index.
    const outline = corners.map((corner): PixelPoint => {
      const steps = (index - corner[axis]) / along[axis];
      return [corner[p] + steps * along[p], corner[q] + steps * along[q]];
    });
    const covered = coveredPixels(outline, [grid.shape[p], grid.shape[q]]);
    eachRowOfPlane(covered, axis, index, through ? null : sheet, found);
  }
}

function eachRowOfPlane({ row, column, rows, columns, bits }: CoveredPixels, axis: 0 | 1 | 2, index: number, sheet: GridSheet | null, found: RowFound): void {
  const give = (slice: number, at: number, first: number, beyond: number): void => {
    const [low, high] = sheet ? sheet.columns(slice, at) : [first, beyond];
    const [from, to] = [Math.max(first, low), Math.min(beyond, high)];
    if (from < to) found(slice, at, from, to);
  };
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; ) {
      if (bits[i * columns + j] === 0) {
        j += 1;
        continue;
      }
      let end = j + 1;
      // Across columns, each pixel of the plane lies in a row of its own.
      while (axis !== 2 && end < columns && bits[i * columns + end] === 1) end += 1;
      if (axis === 0) give(index, row + i, column + j, column + end);
      else if (axis === 1) give(row + i, index, column + j, column + end);
      else give(row + i, column + j, index, index + 1);
      j = end;
    }
  }
}
