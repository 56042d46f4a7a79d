/**
 * The voxels of an image that lie in a segment: those whose centres lie in one of its voxels, by the rule of the library's
 * `core/placed_masks.py`, in the same order of operations.
 */

import { type Affine, toPatient } from "@/core/geometry";
import type { PixelArray } from "@/core/pixelArray";
import { inverseAffine } from "@/core/plane";
import type { Vector } from "@/core/vectors";
import { bitsOfBox, type IndexBox, noVoxels, type VoxelBits } from "@/core/voxelBits";

/** A label map with its grid. */
export interface PlacedLabels {
  /** In C order. */
  readonly values: PixelArray;
  readonly shape: readonly number[];
  readonly affine: Affine;
}

/** A label map whose slices are only there where something was drawn. */
export interface SlicedLabels {
  /** The labels of a slice in C order; undefined if there are none. */
  readonly slice: (slice: number) => ArrayLike<number> | undefined;
  readonly shape: readonly number[];
  readonly affine: Affine;
}

/** A segment of a label map: its value there, and the box around it. */
export interface LabelOfMap {
  readonly value: number;
  readonly box: IndexBox;
}

export interface ImageGrid {
  readonly shape: readonly number[];
  readonly affine: Affine;
}

/** Of a voxel: what is nearer to a face than a part of this lies on it. */
const PARTS = 1e6;

/** The voxel in which a point with that index lies; on a face the later one. */
const nearest = (index: number): number => Math.floor(Math.round(index * PARTS) / PARTS + 0.5);

/** The matrix that leads from an index of the image to one of the labels. */
function betweenGrids(labels: Affine, image: Affine): Affine {
  const inverse = inverseAffine(labels);
  const column = (at: number): Vector => [image[0][at], image[1][at], image[2][at]];
  const turned = ([x, y, z]: Vector, by: number): Vector => [0, 1, 2].map((axis) => inverse[axis][0] * x + inverse[axis][1] * y + inverse[axis][2] * z + inverse[axis][3] * by) as unknown as Vector;
  const [a, b, c, d] = [turned(column(0), 0), turned(column(1), 0), turned(column(2), 0), turned(column(3), 1)];
  return [...[0, 1, 2].map((axis) => [a[axis], b[axis], c[axis], d[axis]]), [0, 0, 0, 1]];
}

/** The box of an image's voxels whose centres may lie in a box of labels. */
function reach(box: IndexBox, labels: Affine, { affine, shape }: ImageGrid): IndexBox {
  const inverse = inverseAffine(affine);
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => {
    const index = box.map(([first, beyond], axis) => (corner & (1 << axis) ? beyond : first - 1));
    return toPatient(inverse, toPatient(labels, [index[0], index[1], index[2]]));
  });
  return [0, 1, 2].map((axis) => {
    const along = corners.map((corner) => corner[axis]);
    const first = Math.min(shape[axis], Math.max(0, Math.floor(Math.min(...along))));
    return [first, Math.min(shape[axis], Math.max(first, Math.ceil(Math.max(...along)) + 1))] as const;
  });
}

/** The voxels of an image in a segment of a label map. */
export function voxelsInSegment({ values, shape, affine }: PlacedLabels, label: LabelOfMap, image: ImageGrid): VoxelBits {
  const perSlice = shape[1] * shape[2];
  // Rows of a turned image change slices with each voxel.
  const slices: PixelArray[] = Array.from({ length: shape[0] }, (_, slice) => values.subarray(slice * perSlice, (slice + 1) * perSlice));
  return voxelsInSlices({ shape, affine, slice: (slice) => slices[slice] }, label, image);
}

const isOneGrid = (a: ImageGrid, b: ImageGrid): boolean =>
  [0, 1, 2].every((axis) => a.shape[axis] === b.shape[axis]) && a.affine.every((row, r) => row.every((each, c) => each === b.affine[r][c]));

/** The voxels of an image in a segment of a label map that is there slice by slice. */
export function voxelsInSlices(labels: SlicedLabels, label: LabelOfMap, image: ImageGrid): VoxelBits {
  return isOneGrid(labels, image) ? ownVoxels(labels, label) : voxelsNearby(labels, label, image);
}

/** Of the label map's own grid: each voxel is its own nearest one. */
function ownVoxels({ slice: labelsOf, shape }: SlicedLabels, { value, box }: LabelOfMap): VoxelBits {
  if (box.some(([first, beyond]) => first >= beyond)) return noVoxels();
  const bits = bitsOfBox(box);
  const [[fromSlice, toSlice], [fromRow, toRow], [fromColumn, toColumn]] = box;
  let at = 0;
  for (let slice = fromSlice; slice < toSlice; slice += 1) {
    const labels = labelsOf(slice);
    if (!labels) {
      at += (toRow - fromRow) * (toColumn - fromColumn);
      continue;
    }
    for (let row = fromRow; row < toRow; row += 1) {
      const start = row * shape[2];
      for (let column = fromColumn; column < toColumn; column += 1, at += 1) if (labels[start + column] === value) bits[at >> 3] |= 1 << (at & 7);
    }
  }
  return { box, bits };
}

function voxelsNearby({ slice: labelsOf, shape, affine }: SlicedLabels, { value, box: own }: LabelOfMap, image: ImageGrid): VoxelBits {
  const box = reach(own, affine, image);
  if (box.some(([first, beyond]) => first >= beyond)) return noVoxels();
  const bits = bitsOfBox(box);
  const [m, n, o] = betweenGrids(affine, image.affine);
  const [[fromSlice, toSlice], [fromRow, toRow], [fromColumn, toColumn]] = box;
  const [[lowSlice, highSlice], [lowRow, highRow], [lowColumn, highColumn]] = own;
  const columnCount = shape[2];
  let labelled = -1;
  let labels: ArrayLike<number> | undefined;
  let at = 0;
  for (let i = fromSlice; i < toSlice; i += 1) {
    for (let j = fromRow; j < toRow; j += 1) {
      const [p, q, r] = [m[0] * i + m[1] * j, n[0] * i + n[1] * j, o[0] * i + o[1] * j];
      for (let k = fromColumn; k < toColumn; k += 1, at += 1) {
        const slice = nearest(p + m[2] * k + m[3]);
        if (slice < lowSlice || slice >= highSlice) continue;
        const row = nearest(q + n[2] * k + n[3]);
        if (row < lowRow || row >= highRow) continue;
        const column = nearest(r + o[2] * k + o[3]);
        if (column < lowColumn || column >= highColumn) continue;
        if (slice !== labelled) labels = labelsOf((labelled = slice));
        if (labels?.[row * columnCount + column] === value) bits[at >> 3] |= 1 << (at & 7);
      }
    }
  }
  return { box, bits };
}
