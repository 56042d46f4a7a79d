/** Which acquired slices a plane needs. */

import { type Affine, gridTurn, sliceOfPlane } from "@/core/geometry";
import { inverseAffine, pointOfCut, toIndex } from "@/core/plane";
import { moved } from "@/core/vectors";
import type { CutRequest, PlaneRequest } from "@/scene/volumeSource";

/** The first and the last slice; null if the plane misses the volume. */
export type SliceRange = readonly [number, number] | null;

export interface PlacedShape {
  readonly affine: Affine | null;
  readonly shape: readonly number[];
}

/** All slices whose values the plane's picture depends on, and perhaps more. */
export function neededSlices(request: PlaneRequest, { affine, shape }: PlacedShape): SliceRange {
  const all = [0, shape[0] - 1] as const;
  if (request.kind === "cut") return affine ? slicesOfCut(request, affine, shape[0]) : all;
  const { plane, index, slab } = request;
  const turn = gridTurn(affine, plane);
  if (!turn) return all;
  const count = shape[turn.axes[0]];
  const [from, to] = slabPlanes(index, slab?.planes ?? 1, count);
  if (from > to) return null;
  const [first, last] = [from, to].map((at) => sliceOfPlane(affine, shape, plane, at));
  return first === null || last === null ? all : [Math.min(first, last), Math.max(first, last)];
}

/** The first and the last plane of a slab around a plane, cut off at the ends; of an even number one more lies ahead. */
export function slabPlanes(index: number, planes: number, count: number): readonly [number, number] {
  const first = index - Math.floor((planes - 1) / 2);
  return [Math.max(0, first), Math.min(count - 1, first + planes - 1)];
}

/** A part of a voxel: rounding errors near a border between voxels. */
const ROUNDING = 1e-6;

function slicesOfCut({ cut, slab, method }: CutRequest, affine: Affine, count: number): SliceRange {
  const inverse = inverseAffine(affine);
  const depth = slab ? (slab.depth - 1) / 2 : 0;
  let low = Infinity;
  let high = -Infinity;
  for (const row of [0, cut.rows - 1]) {
    for (const column of [0, cut.columns - 1]) {
      for (const steps of [-depth, depth]) {
        const point = pointOfCut(cut, row, column);
        const [slice] = toIndex(inverse, slab ? moved(point, slab.step, steps) : point);
        low = Math.min(low, slice);
        high = Math.max(high, slice);
      }
    }
  }
  // The slices on both sides of a point between two, or the nearest one.
  const [from, to] = method === "nearest" ? [Math.floor(low + 0.5 - ROUNDING), Math.floor(high + 0.5 + ROUNDING)] : [Math.floor(low), Math.ceil(high)];
  const [first, last] = [Math.max(0, from), Math.min(count - 1, to)];
  return first <= last ? [first, last] : null;
}

/** The slice that a plane lies in, if it needs no other; null for planes that need several. */
export function onlySlice(range: SliceRange): number | null {
  return range !== null && range[0] === range[1] ? range[0] : null;
}

/** How many slices of a range are not there. */
export function missingOf(range: SliceRange, loaded: Uint8Array): number {
  if (range === null) return 0;
  let missing = 0;
  for (let slice = range[0]; slice <= range[1]; slice += 1) missing += loaded[slice] ? 0 : 1;
  return missing;
}
