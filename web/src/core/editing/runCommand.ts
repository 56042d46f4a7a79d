/** Does what a command says, on the voxels of a draft. */

import type { ClearCommand, CopySliceCommand, EditCommand, FillCommand, PolygonCommand } from "@/core/editing/editCommand";
import { EditRefused } from "@/core/editing/editRefused";
import type { LabelEdit, RowPainter } from "@/core/editing/labelEdit";
import type { DraftSegment } from "@/core/editing/draftSegment";
import { FloodedVoxels } from "@/core/editing/floodedVoxels";
import { GridSheet, nearestVoxel } from "@/core/editing/gridSheet";
import { type EditedImage, ImageRows } from "@/core/editing/imageRange";
import { largeCommand } from "@/core/editing/largeCommands";
import { eachOutlineRow } from "@/core/editing/outlineRows";
import { boxOfSegment, eachRowOfBox, shapeOfBox } from "@/core/editing/segmentMasks";
import { eachStrokeRow, type RowFound } from "@/core/editing/strokeRows";
import type { Work } from "@/core/morphology/work";
import type { Limits } from "@/core/valueLimits";

/** Paints rows as they are found, where the image has values within a range. */
export function paintRows({ grid }: LabelEdit, painter: RowPainter, image: EditedImage | null, range: Limits | null): RowFound {
  if (range === null) return (slice, row, first, beyond) => painter.paint(slice, row, first, beyond);
  const rows = new ImageRows(grid, image);
  return (slice, row, first, beyond) => painter.paint(slice, row, first, beyond, rows.test(slice, row, first, beyond, range));
}

/** Returns the segments as they are afterwards. Throws an `EditRefused`; what was done until then is to be taken back. */
export function* runCommand(edit: LabelEdit, command: EditCommand, image: EditedImage | null): Work<readonly DraftSegment[]> {
  const { segments } = edit;
  switch (command.kind) {
    case "brush": {
      const target = edit.segmentOf(command.segment);
      const painter = command.erase ? edit.eraser(target) : edit.painter(target, command.overOthers);
      eachStrokeRow(edit.grid, command, command.points, paintRows(edit, painter, image, command.range));
      return segments;
    }
    case "polygon":
      drawPolygon(edit, command, image);
      return segments;
    case "fill":
      yield* fill(edit, command, image);
      return segments;
    case "copySlice":
      copySlice(edit, command);
      return segments;
    case "clear":
      clear(edit, command);
      return segments;
    default:
      return yield* largeCommand(edit, command, image);
  }
}

function drawPolygon(edit: LabelEdit, command: PolygonCommand, image: EditedImage | null): void {
  const { plane, points, through, how, range, overOthers } = command;
  const target = edit.segmentOf(command.segment);
  if (points.length < 3) throw new EditRefused("An outline needs three points at least.");
  const painter = how === "fill" ? edit.painter(target, overOthers) : edit.eraser(target);
  if (how === "keep") {
    eraseOutside(edit, target, command, paintRows(edit, painter, image, range));
    return;
  }
  eachOutlineRow(edit.grid, plane, points, through, paintRows(edit, painter, image, range));
}

/** Takes the segment's voxels that the outline does not hold. */
function eraseOutside({ grid }: LabelEdit, target: DraftSegment, { plane, points, through }: PolygonCommand, erase: RowFound): void {
  const box = grid.layer(target.layer).tightBoxOf(target.value);
  if (!box) return;
  const [slices, rows, columns] = shapeOfBox(box);
  const [first, beyond] = box[2];
  const kept = new Uint8Array(slices * rows * columns);
  eachOutlineRow(grid, plane, points, through, (slice, row, from, to) => {
    if (slice < box[0][0] || slice >= box[0][1] || row < box[1][0] || row >= box[1][1]) return;
    const start = ((slice - box[0][0]) * rows + row - box[1][0]) * columns - first;
    if (from < beyond && to > first) kept.fill(1, start + Math.max(from, first), start + Math.min(to, beyond));
  });
  const sheet = through ? null : new GridSheet(grid, plane);
  eachRowOfBox(box, (slice, row, start) => {
    const [low, high] = sheet ? sheet.columns(slice, row) : [first, beyond];
    const last = Math.min(beyond, high);
    for (let column = Math.max(first, low); column < last; ) {
      let end = column + 1;
      if (kept[start + column - first] === 0) {
        while (end < last && kept[start + end - first] === 0) end += 1;
        erase(slice, row, column, end);
      }
      column = end;
    }
  });
}

function* fill(edit: LabelEdit, { segment, point, plane, range, overOthers }: FillCommand, image: EditedImage | null): Work<void> {
  const { grid } = edit;
  const target = edit.segmentOf(segment);
  const painter = edit.painter(target, overOthers);
  const seed = nearestVoxel(grid, point);
  if (!grid.contains(seed)) throw new EditRefused("The point lies outside of the image.");
  const layer = grid.layer(target.layer);
  const sought = layer.at(...seed);
  if (sought === target.value) return;
  const owner = edit.segments.find(({ layer: other, value }) => other === target.layer && value === sought);
  if (owner?.locked) throw new EditRefused(`"${owner.label}" is there, which is locked.`);
  if (!painter.takes(...seed)) throw new EditRefused("Another segment is there. Allow drawing over others, or click where there is none.");
  const sheet = plane && new GridSheet(grid, plane);
  if (sheet && !sheet.has(...seed)) throw new EditRefused("The point lies outside of the plane in which it fills.");
  const rows = new ImageRows(grid, image);
  const flood = new FloodedVoxels(grid.shape, (slice, row, open, start) => {
    const [first, beyond] = sheet ? sheet.columns(slice, row) : [0, grid.shape[2]];
    if (first >= beyond) return;
    const test = range === null ? null : rows.test(slice, row, first, beyond, range);
    for (let column = first; column < beyond; column += 1) {
      if (layer.at(slice, row, column) === sought && painter.takes(slice, row, column) && (test === null || test(column))) open[start + column] = 1;
    }
  });
  yield* flood.fill(seed);
  flood.each((slice, row, first, beyond) => painter.paint(slice, row, first, beyond));
}

function copySlice(edit: LabelEdit, { segment, from, to, overOthers }: CopySliceCommand): void {
  const { grid } = edit;
  const target = edit.segmentOf(segment);
  const painter = edit.painter(target, overOthers);
  const [source, goal] = [from.point, to].map((point) => new GridSheet(grid, { point, normal: from.normal }));
  const { axis } = source;
  if (source.index === null || goal.index === null) throw new EditRefused("Slices are copied along the image's own planes. This view is turned away from them.");
  if (goal.index < 0 || goal.index >= grid.shape[axis]) throw new EditRefused("There is no slice to copy to.");
  const layer = grid.layer(target.layer);
  const box = layer.tightBoxOf(target.value);
  if (!box || source.index === goal.index) return;
  const steps = [0, 0, 0];
  steps[axis] = goal.index - source.index;
  const plane = box.map((ends, other) => (other === axis ? ([source.index ?? 0, (source.index ?? 0) + 1] as const) : ends));
  if (plane[axis][0] < box[axis][0] || plane[axis][0] >= box[axis][1]) throw new EditRefused(`"${target.label}" is empty in the slice to copy from.`);
  const [first, beyond] = plane[2];
  eachRowOfBox(plane, (slice, row) => {
    painter.paint(slice + steps[0], row + steps[1], first + steps[2], beyond + steps[2], (column) => layer.at(slice, row, column - steps[2]) === target.value);
  });
}

function clear(edit: LabelEdit, { segment, plane }: ClearCommand): void {
  const target = edit.segmentOf(segment);
  const eraser = edit.eraser(target);
  const box = boxOfSegment(edit.grid, target);
  const sheet = plane && new GridSheet(edit.grid, plane);
  eachRowOfBox(box, (slice, row) => {
    const [low, high] = sheet ? sheet.columns(slice, row) : box[2];
    const [first, beyond] = [Math.max(low, box[2][0]), Math.min(high, box[2][1])];
    if (first < beyond) eraser.paint(slice, row, first, beyond);
  });
}
