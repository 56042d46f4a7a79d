/** Where an upper image is sampled: on the pixels of the picture below it, divided where the upper image is finer. */

import type { Affine } from "@/core/geometry";
import { type Cut, frameOf, naturalStep, stepAlong } from "@/core/plane";
import { add, moved, scaled, unitVector, type Vector, vectorLength } from "@/core/vectors";

export interface LayerCut {
  readonly cut: Cut;
  /** How many samples lie in one pixel of the picture below, along a column and along a row. */
  readonly perRow: number;
  readonly perColumn: number;
}

/** Planes `step` apart, the middle one moved by `shift` from the picture's plane. */
export interface SlabPlanes {
  readonly depth: number;
  readonly step: Vector;
  readonly shift: Vector;
}

const FINEST = 8;
const MOST_PIXELS = 4 * 1024 * 1024;
const MOST_DEPTH = 512;
const ROUNDING = 1e-6;

/** How many parts a length has to be divided into so that none is longer than `step`. */
const parts = (length: number, step: number): number => Math.min(FINEST, Math.max(1, Math.ceil(length / step - ROUNDING)));

/** The samples of an image with that affine; `offset` is added to the points. The pixels may be any parallelograms. */
export function layerCut(base: Cut, affine: Affine, offset: Vector): LayerCut {
  const step = naturalStep(affine, frameOf(base.right, base.down));
  let [perRow, perColumn] = [parts(vectorLength(base.down), step), parts(vectorLength(base.right), step)];
  while (base.rows * perRow * base.columns * perColumn > MOST_PIXELS && perRow * perColumn > 1) {
    if (perRow >= perColumn) perRow -= 1;
    else perColumn -= 1;
  }
  const [right, down] = [scaled(base.right, 1 / perColumn), scaled(base.down, 1 / perRow)];
  // The first of the samples in a pixel: they lie around its centre.
  const first = moved(moved(base.origin, right, -(perColumn - 1) / 2), down, -(perRow - 1) / 2);
  return { cut: { origin: add(first, offset), right, down, rows: base.rows * perRow, columns: base.columns * perColumn }, perRow, perColumn };
}

/** The planes of a slab as dense as an image with that affine needs them, over the same thickness. */
export function layerSlab({ depth, step, shift }: SlabPlanes, affine: Affine): SlabPlanes {
  const most = Math.max(1, Math.floor(MOST_DEPTH / depth));
  const divided = Math.min(most, parts(vectorLength(step), stepAlong(affine, unitVector(step))));
  return { depth: depth * divided, step: scaled(step, 1 / divided), shift };
}
