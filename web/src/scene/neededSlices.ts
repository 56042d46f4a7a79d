/** Which acquired slices a plane needs. */

import { type Affine, sliceOfPlane } from "@/core/geometry";
import type { PlaneRequest } from "@/scene/volumeSource";

/** The first and the last slice; null if the plane misses the volume. */
export type SliceRange = readonly [number, number] | null;

export function neededSlices(request: PlaneRequest, { affine, shape }: { readonly affine: Affine | null; readonly shape: readonly number[] }): SliceRange {
  const count = shape[0];
  if (request.kind === "cut") return [0, count - 1];
  const slice = sliceOfPlane(affine, shape, request.plane, request.index);
  if (slice === null) return [0, count - 1];
  const [first, last] = slabPlanes(slice, request.slab?.planes ?? 1, count);
  return first <= last ? [first, last] : null;
}

/** The first and the last plane of a slab around a plane, cut off at the ends. */
export function slabPlanes(index: number, planes: number, count: number): readonly [number, number] {
  const first = index - Math.floor((planes - 1) / 2);
  return [Math.max(0, first), Math.min(count - 1, first + planes - 1)];
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
