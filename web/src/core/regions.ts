/**
 * Regions of the patient, in which voxels are counted: the rule of the library's `core/regions.py`, in the same order of
 * operations, so that both have the same voxels.
 *
 * A voxel lies in a sphere or a box if its centre does; a centre within a millionth of a millimetre of the surface is
 * inside. Which voxels lie in a segment is found before (`core/placedLabels`).
 */

import { type Affine, toPatient } from "@/core/geometry";
import { inverseAffine } from "@/core/plane";
import type { Vector } from "@/core/vectors";
import { eachRunOfBits, type IndexBox, type VoxelBits } from "@/core/voxelBits";

export type { IndexBox } from "@/core/voxelBits";

export interface PatientSphere {
  readonly kind: "sphere";
  /** LPS, mm. */
  readonly centre: Vector;
  readonly radius: number;
}

/** A box along the patient's axes. */
export interface PatientBox {
  readonly kind: "box";
  /** LPS, mm: the smaller coordinates, and the larger ones. */
  readonly low: Vector;
  readonly high: Vector;
}

export type SolidRegion = PatientSphere | PatientBox;

/** A segment of a mask, as the voxels of an image that lie in it. */
export interface SegmentVoxels extends VoxelBits {
  readonly kind: "segment";
  /** Null for a segment that is being edited: it is not stored, so only the tab knows its voxels. */
  readonly segmentationId: number | null;
  readonly number: number;
}

export type Region = SolidRegion | SegmentVoxels;

/** Millimetres: what is nearer to a surface than that lies on it. */
const ON = 1e-6;

/** True if a point lies in a region. */
export function isInside(region: SolidRegion, x: number, y: number, z: number): boolean {
  if (region.kind === "sphere") {
    const [dx, dy, dz] = [x - region.centre[0], y - region.centre[1], z - region.centre[2]];
    return Math.sqrt(dx * dx + dy * dy + dz * dz) <= region.radius + ON;
  }
  const { low, high } = region;
  return x >= low[0] - ON && x <= high[0] + ON && y >= low[1] - ON && y <= high[1] + ON && z >= low[2] - ON && z <= high[2] + ON;
}

/** The voxels whose centres may lie in a region. */
export function boxAround(region: Region, affine: Affine, shape: readonly number[]): IndexBox {
  if (region.kind === "segment") return region.box;
  const inverse = inverseAffine(affine);
  const [low, high] = region.kind === "sphere" ? endsOfSphere(region, inverse) : endsOfBox(region, inverse);
  return [0, 1, 2].map((axis) => {
    // A voxel more on each side: rounding takes none away.
    const first = Math.min(shape[axis], Math.max(0, Math.floor(low[axis]) - 1));
    return [first, Math.min(shape[axis], Math.max(first, Math.ceil(high[axis]) + 2))] as const;
  });
}

function endsOfSphere({ centre, radius }: PatientSphere, inverse: Affine): [Vector, Vector] {
  const middle = toPatient(inverse, centre);
  const reach = (axis: number): number => radius * Math.hypot(inverse[axis][0], inverse[axis][1], inverse[axis][2]);
  return [
    [middle[0] - reach(0), middle[1] - reach(1), middle[2] - reach(2)],
    [middle[0] + reach(0), middle[1] + reach(1), middle[2] + reach(2)],
  ];
}

function endsOfBox({ low, high }: PatientBox, inverse: Affine): [Vector, Vector] {
  const ends = [low, high];
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => toPatient(inverse, [ends[n & 1][0], ends[(n >> 1) & 1][1], ends[n >> 2][2]]));
  const along = (pick: (...numbers: number[]) => number): Vector => [pick(...corners.map(([a]) => a)), pick(...corners.map(([, b]) => b)), pick(...corners.map(([, , c]) => c))];
  return [along(Math.min), along(Math.max)];
}

/** Calls back with the first voxel and the number of the voxels of each row that lie in a region, in runs. */
export function eachRun(region: Region, affine: Affine, box: IndexBox, found: (slice: number, row: number, first: number, beyond: number) => void): void {
  if (region.kind === "segment") {
    eachRunOfBits(region, found);
    return;
  }
  const [[fromSlice, toSlice], [fromRow, toRow], [fromColumn, toColumn]] = box;
  const [[xs, xr, xc, x0], [ys, yr, yc, y0], [zs, zr, zc, z0]] = affine;
  for (let slice = fromSlice; slice < toSlice; slice += 1) {
    for (let row = fromRow; row < toRow; row += 1) {
      // As numpy adds them: slice and row, then column, then offset.
      const [x, y, z] = [xs * slice + xr * row, ys * slice + yr * row, zs * slice + zr * row];
      const inside = (column: number): boolean => isInside(region, x + xc * column + x0, y + yc * column + y0, z + zc * column + z0);
      // Both bodies are convex: a row enters and leaves them once.
      let first = fromColumn;
      while (first < toColumn && !inside(first)) first += 1;
      if (first === toColumn) continue;
      let beyond = first + 1;
      while (beyond < toColumn && inside(beyond)) beyond += 1;
      found(slice, row, first, beyond);
    }
  }
}

/** A region as addresses and the terminal have it; null for a segment that is not stored, of which only the tab knows. */
export function regionText(region: Region): string | null {
  if (region.kind === "segment") return region.segmentationId === null ? null : `segmentation:${region.segmentationId}#${region.number}`;
  const point = (at: Vector): string => at.map(String).join(",");
  return region.kind === "sphere" ? `sphere:${point(region.centre)}:${region.radius}` : `box:${point(region.low)}:${point(region.high)}`;
}
