/** Masks of segments in boxes cropped from a draft's grid, and their way back. */

import { EditRefused } from "@/core/editing/editRefused";
import type { LabelEdit, RowPainter } from "@/core/editing/labelEdit";
import type { DraftSegment } from "@/core/editing/draftSegment";
import type { LabelGrid } from "@/core/editing/labelGrid";
import type { Mask, MaskShape } from "@/core/morphology/maskBox";
import type { IndexBox } from "@/core/regions";

/** The most voxels of a box that is worked on at once: some bytes of memory for each. */
export const MOST_IN_BOX = 2 ** 27;

export const shapeOfBox = (box: IndexBox): MaskShape => [box[0][1] - box[0][0], box[1][1] - box[1][0], box[2][1] - box[2][0]];

/** A box with room on each side, as far as the grid goes. */
export function boxWithRoom(box: IndexBox, room: readonly number[], shape: readonly number[]): IndexBox {
  const larger = box.map(([first, beyond], axis) => [Math.max(0, first - room[axis]), Math.min(shape[axis], beyond + room[axis])] as const);
  const voxels = larger.reduce((product, [first, beyond]) => product * (beyond - first), 1);
  if (voxels > MOST_IN_BOX) throw new EditRefused("The segment reaches over more of the image than the tab can work on at once. Split it, or use a smaller distance.");
  return larger;
}

/** The smallest box that holds some boxes. */
export function boxAroundAll(boxes: readonly IndexBox[]): IndexBox {
  return [0, 1, 2].map((axis) => [Math.min(...boxes.map((box) => box[axis][0])), Math.max(...boxes.map((box) => box[axis][1]))] as const);
}

/** The box of a segment's voxels; throws if it has none. */
export function boxOfSegment(grid: LabelGrid, { layer, value, label }: DraftSegment): IndexBox {
  const box = grid.layer(layer).tightBoxOf(value);
  if (!box) throw new EditRefused(`"${label}" is empty: nothing is drawn in it yet.`);
  return box;
}

/** Calls back for each row of a box, with the place of its first voxel in an array of the box. */
export function eachRowOfBox(box: IndexBox, visit: (slice: number, row: number, start: number) => void): void {
  const [[s0, s1], [r0, r1], [c0, c1]] = box;
  let start = 0;
  for (let slice = s0; slice < s1; slice += 1) for (let row = r0; row < r1; row += 1, start += c1 - c0) visit(slice, row, start);
}

/** A segment's mask in a box. */
export function maskOfSegment(grid: LabelGrid, { layer: number, value }: Pick<DraftSegment, "layer" | "value">, box: IndexBox): Mask {
  const layer = grid.layer(number);
  const shape = shapeOfBox(box);
  const [first, beyond] = box[2];
  const data = new Uint8Array(shape[0] * shape[1] * shape[2]);
  eachRowOfBox(box, (slice, row, start) => {
    const labels = layer.slice(slice);
    if (!labels) return;
    const from = row * grid.shape[2];
    for (let column = first; column < beyond; column += 1) if (labels[from + column] === value) data[start + column - first] = 1;
  });
  return { data, shape };
}

/** Makes a segment in a box what a mask says: the painter adds voxels as far as it may, and others are taken. */
export function applyMask(edit: LabelEdit, target: DraftSegment, { data }: Mask, box: IndexBox, painter: RowPainter): void {
  const eraser = edit.eraser(target);
  const [first, beyond] = box[2];
  eachRowOfBox(box, (slice, row, start) => {
    const at = start - first;
    eraser.paint(slice, row, first, beyond, (column) => data[at + column] === 0);
    painter.paint(slice, row, first, beyond, (column) => data[at + column] === 1);
  });
}
