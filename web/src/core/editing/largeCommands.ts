/** The commands that work on whole segments, by the operations of `core/morphology`. */

import type { DraftSegment } from "@/core/editing/draftSegment";
import type { CombineCommand, EditCommand, GrowBetweenCommand, GrowCommand, IslandsCommand } from "@/core/editing/editCommand";
import { GridSheet, nearestVoxel } from "@/core/editing/gridSheet";
import { type EditedImage, ImageRows } from "@/core/editing/imageRange";
import { EditRefused } from "@/core/editing/editRefused";
import type { LabelEdit } from "@/core/editing/labelEdit";
import { LARGEST_LABEL, type LabelGrid } from "@/core/editing/labelGrid";
import { applyMask, boxAroundAll, boxWithRoom, boxOfSegment, eachRowOfBox, maskOfSegment, shapeOfBox } from "@/core/editing/segmentMasks";
import { combined } from "@/core/morphology/combining";
import { grownSegments } from "@/core/morphology/competingGrowth";
import { type GridAxis, holesFilled } from "@/core/morphology/enclosed";
import { grownWithin } from "@/core/morphology/growing";
import { islandAt, islandsOfAtLeast, largestIsland } from "@/core/morphology/islands";
import { marginOf } from "@/core/morphology/margin";
import { type Mask, reachInVoxels } from "@/core/morphology/maskBox";
import { slicesInterpolated } from "@/core/morphology/sliceInterpolation";
import { gaussianSmoothed, medianSmoothed } from "@/core/morphology/smoothing";
import { partOfWork, type Work } from "@/core/morphology/work";
import type { IndexBox } from "@/core/regions";
import { countsWithin } from "@/core/valueLimits";
import type { Vector } from "@/core/vectors";

type SmallKind = "brush" | "polygon" | "fill" | "copySlice" | "clear";
export type LargeCommand = Exclude<EditCommand, { readonly kind: SmallKind }>;

/** The share of the work that finds the result; the rest writes it. */
const FOUND = 0.9;
/** A blur reaches so many sigmas. */
const SIGMAS = 4;
const ONE_AROUND = [1, 1, 1];

/** Returns the segments as they are afterwards. */
export function* largeCommand(edit: LabelEdit, command: LargeCommand, image: EditedImage | null): Work<readonly DraftSegment[]> {
  switch (command.kind) {
    case "combine":
      return combine(edit, command);
    case "growBetween":
      yield* growBetween(edit, command, image);
      return edit.segments;
    case "grow":
      yield* grow(edit, command, image);
      return edit.segments;
    default:
      yield* reshape(edit, command);
      return edit.segments;
  }
}

type ShapeCommand = Exclude<LargeCommand, { readonly kind: "combine" | "growBetween" | "grow" }>;

/** Commands that need nothing but the segment's own shape. */
function* reshape(edit: LabelEdit, command: ShapeCommand): Work<void> {
  const { grid } = edit;
  const target = edit.segmentOf(command.segment);
  edit.eraser(target); // throws if it is locked, before the work
  const box = boxWithRoom(boxOfSegment(grid, target), roomFor(grid, command), grid.shape);
  const mask = maskOfSegment(grid, target, box);
  const result = yield* partOfWork(shapeWork(grid, target, command, mask, box), 0, FOUND);
  applyMask(edit, target, result, box, edit.painter(target, "overOthers" in command ? command.overOthers : false));
}

/** How many voxels around the segment the work needs. */
function roomFor({ affine }: LabelGrid, command: ShapeCommand): readonly number[] {
  const mm = command.kind === "margin" ? command.mm : command.kind === "smooth" ? command.mm * (command.how === "gaussian" ? SIGMAS : 1) : 0;
  return mm > 0 ? reachInVoxels(affine, mm).map((voxels) => voxels + 1) : ONE_AROUND;
}

function shapeWork(grid: LabelGrid, target: DraftSegment, command: ShapeCommand, mask: Mask, box: IndexBox): Work<Mask> {
  const { affine } = grid;
  switch (command.kind) {
    case "margin":
      return marginOf(mask, affine, lengthOf(command.mm));
    case "smooth":
      return command.how === "gaussian" ? gaussianSmoothed(mask, affine, lengthOf(command.mm)) : medianSmoothed(mask, affine, lengthOf(command.mm));
    case "interpolate":
      return slicesInterpolated(mask, affine, axisAcross(grid, command.normal));
    case "holes":
      return holesFilled(mask, { axis: command.normal && axisAcross(grid, command.normal) });
    case "islands":
      return islandWork(grid, target, command, mask, box);
  }
}

function lengthOf(mm: number): number {
  if (!Number.isFinite(mm) || mm === 0) throw new EditRefused("The distance has to be a number of millimetres other than 0.");
  return mm;
}

/** The grid's axis most nearly along a direction. */
const axisAcross = ({ affine, shape }: LabelGrid, normal: Vector): GridAxis => new GridSheet({ affine, shape }, { point: [affine[0][3], affine[1][3], affine[2][3]], normal }).axis;

function islandWork(grid: LabelGrid, { label, layer, value }: DraftSegment, { keep }: IslandsCommand, mask: Mask, box: IndexBox): Work<Mask> {
  if (keep.kind === "largest") return largestIsland(mask);
  if (keep.kind === "atLeast") return islandsOfAtLeast(mask, grid.affine, keep.mm3);
  const voxel = nearestVoxel(grid, keep.point);
  if (!grid.contains(voxel) || grid.layer(layer).at(...voxel) !== value) throw new EditRefused(`There is nothing of "${label}" at this point. Click into the island that is to be kept.`);
  return islandAt(mask, [voxel[0] - box[0][0], voxel[1] - box[1][0], voxel[2] - box[2][0]]);
}

function* grow(edit: LabelEdit, { segment, range, reach, overOthers }: GrowCommand, image: EditedImage | null): Work<void> {
  const { grid } = edit;
  const target = edit.segmentOf(segment);
  const painter = edit.painter(target, overOthers);
  const drawn = boxOfSegment(grid, target);
  const box = boxWithRoom(drawn, reach === null ? grid.shape : reachInVoxels(grid.affine, lengthOf(reach)), grid.shape);
  const seeds = maskOfSegment(grid, target, box);
  // Where the segment may be: its own voxels, and those that it may take, whose values lie in the range.
  const open = new Uint8Array(seeds.data.length);
  const rows = new ImageRows(grid, image);
  const [first, beyond] = box[2];
  const shares = seeds.shape[0] * seeds.shape[1];
  for (const [slice, row, start] of rowsOfBox(box)) {
    if (row === box[1][0]) yield (0.3 * start) / (shares * (beyond - first));
    const test = rows.test(slice, row, first, beyond, range);
    for (let column = first, at = start; column < beyond; column += 1, at += 1) {
      if (test(column) && (seeds.data[at] === 1 || painter.takes(slice, row, column))) open[at] = 1;
    }
  }
  const near = reach === null ? null : (yield* partOfWork(marginOf(seeds, grid.affine, reach), 0.3, 0.6)).data;
  if (near) near.forEach((is, at) => is === 0 && (open[at] = 0));
  const grown = yield* partOfWork(grownWithin(seeds, open, { low: 1, high: 1 }), 0.6, FOUND);
  applyMask(edit, target, grown, box, painter);
}

function* rowsOfBox(box: IndexBox): Generator<readonly [number, number, number]> {
  const [[s0, s1], [r0, r1], [c0, c1]] = box;
  let start = 0;
  for (let slice = s0; slice < s1; slice += 1) for (let row = r0; row < r1; row += 1, start += c1 - c0) yield [slice, row, start];
}

/** The most segments that grow against each other: their seeds are bytes. */
const MOST_GROWING = 254;

function* growBetween(edit: LabelEdit, { segments, margin, range }: GrowBetweenCommand, image: EditedImage | null): Work<void> {
  const { grid } = edit;
  const targets = segments.map((number) => edit.segmentOf(number));
  if (targets.length < 2 || targets.length > MOST_GROWING) throw new EditRefused(`Growing from seeds needs at least two painted segments, and at most ${MOST_GROWING}.`);
  const box = boxWithRoom(boxAroundAll(targets.map((target) => boxOfSegment(grid, target))), reachInVoxels(grid.affine, lengthOf(margin)), grid.shape);
  const shape = shapeOfBox(box);
  const seeds = seedsOf(grid, targets, box);
  const values = new Float32Array(seeds.length);
  const allowed = new Uint8Array(seeds.length);
  const rows = new ImageRows(grid, image);
  const [first, beyond] = box[2];
  const columns = grid.shape[2];
  for (const [slice, row, start] of rowsOfBox(box)) {
    if (row === box[1][0]) yield (0.2 * start) / seeds.length;
    const read = rows.read(slice, row, first, beyond);
    values.set(read.subarray(first, beyond), start);
    // Layers without a voxel in this slice take none away.
    const drawn = grid.layers.map((layer) => layer.slice(slice)?.subarray(row * columns, (row + 1) * columns)).filter((labels) => labels !== undefined);
    for (let column = first, at = start; column < beyond; column += 1, at += 1) {
      const isFree = drawn.length === 0 || drawn.every((labels) => labels[column] === 0);
      if (seeds[at] > 0 || (isFree && (range === null || countsWithin(read[column], range)))) allowed[at] = 1;
    }
  }
  const labels = yield* partOfWork(grownSegments(seeds, values, shape, grid.affine, { allowed }), 0.2, FOUND);
  targets.forEach((target, at) => {
    // A locked one keeps others away, and stays as it is.
    if (target.locked) return;
    const painter = edit.painter(target, false);
    eachRowOfBox(box, (slice, row, start) => painter.paint(slice, row, first, beyond, (column) => labels[start + column - first] === at + 1));
  });
}

/** For each voxel of a box the number of the segment that has it, from 1 in the order given; of several the last. */
function seedsOf(grid: LabelGrid, targets: readonly DraftSegment[], box: IndexBox): Uint8Array {
  const shape = shapeOfBox(box);
  const seeds = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const first = box[2][0];
  for (const [number, layer] of grid.layers.entries()) {
    const seedOf: number[] = [];
    targets.forEach((target, at) => target.layer === number && (seedOf[target.value] = at + 1));
    if (seedOf.length === 0) continue;
    eachRowOfBox(box, (slice, row, start) => {
      const labels = layer.slice(slice)?.subarray(row * grid.shape[2] + first, row * grid.shape[2] + box[2][1]);
      labels?.forEach((value: number, at: number) => (seeds[start + at] = seedOf[value] ?? seeds[start + at]));
    });
  }
  return seeds;
}

function combine(edit: LabelEdit, { segment, other, how, overOthers }: CombineCommand): readonly DraftSegment[] {
  const { grid, segments } = edit;
  const [target, second] = [edit.segmentOf(segment), edit.segmentOf(other)];
  edit.eraser(target);
  if (segment === other) throw new EditRefused("A segment is combined with another one.");
  const boxes = [target, second].map(({ layer, value }) => grid.layer(layer).tightBoxOf(value)).filter((box) => box !== null);
  if (boxes.length === 0) throw new EditRefused(`"${target.label}" and "${second.label}" are both empty.`);
  const box = boxWithRoom(boxAroundAll(boxes), [0, 0, 0], grid.shape);
  const result = combined(maskOfSegment(grid, target, box), maskOfSegment(grid, second, box), how);
  if (how !== "union" || target.layer !== second.layer) {
    applyMask(edit, target, result, box, edit.painter(target, overOthers, second.layer));
    return segments;
  }
  // Both have voxels in common afterwards, which one label map cannot say.
  const place = freePlace(grid, segments, target, result, box);
  const movedTarget = { ...target, ...place };
  const eraser = edit.eraser(target);
  eachRowOfBox(box, (slice, row) => eraser.paint(slice, row, box[2][0], box[2][1]));
  applyMask(edit, movedTarget, result, box, edit.painter(movedTarget, true));
  return segments.map((one) => (one === target ? movedTarget : one));
}

/** The first layer in which a mask meets no other segment, or a new one, with a value that is free there. */
function freePlace(grid: LabelGrid, segments: readonly DraftSegment[], { layer: old }: DraftSegment, { data }: Mask, box: IndexBox): Pick<DraftSegment, "layer" | "value"> {
  const first = box[2][0];
  const meetsNone = (number: number): boolean => {
    if (number === old) return false;
    for (const [slice, row, start] of rowsOfBox(box)) {
      for (let column = first; column < box[2][1]; column += 1) if (data[start + column - first] === 1 && grid.layers[number].at(slice, row, column) !== 0) return false;
    }
    return true;
  };
  const layer = grid.layers.findIndex((_, number) => meetsNone(number));
  return freeValue(segments, layer < 0 ? grid.layers.length : layer);
}

/** A value that no segment of a layer has. */
export function freeValue(segments: readonly DraftSegment[], layer: number): Pick<DraftSegment, "layer" | "value"> {
  const value = segments.reduce((most, other) => (other.layer === layer ? Math.max(most, other.value) : most), 0) + 1;
  if (value > LARGEST_LABEL) throw new EditRefused("This layer has no value left for another segment.");
  return { layer, value };
}
