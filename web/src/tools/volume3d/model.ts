/** What is shown as a body, on which copy, and what is said of it. */

import type { BlockPlan, CopyBounds } from "@/core/blockMeans";
import { formatNumber } from "@/core/formatting";
import type { Vector } from "@/core/vectors";

/** How a copy was made of a volume. */
export interface CopyFacts {
  readonly plan: BlockPlan;
  /** Means of all voxels of a block, or the one in the middle of each block. */
  readonly method: "mean" | "middle";
  /** Millimetres between the voxels of the copy: slices, rows, columns. */
  readonly spacing: Vector;
  /** True if a sheared stack was sampled on perpendicular axes. */
  readonly straightened: boolean;
}

const MIB = 2 ** 20;
/** 32 MiB of 16-bit integers, or of 32-bit floats; every graphics card takes 256 voxels along an axis. */
export const copyBounds = (bytesPerVoxel: number): CopyBounds => ({ perAxis: 256, voxels: (32 * MIB) / bytesPerVoxel });
/** Voxels of the copies from which surfaces are made: of one segment, and of all together. */
export const SURFACE_BOUNDS = { one: 3 * MIB, all: 96 * MIB };
/** More segments are not shown at once. */
export const MOST_SURFACES = 250;

const mm = (value: number): string => formatNumber(Math.round(value * 100) / 100, 2);

/** "Means of 2 × 2 × 1 voxels; 1.40 × 1.40 × 1.50 mm". */
export function copyWords({ plan, method, spacing, straightened }: CopyFacts): string {
  const [slices, rows, columns] = plan.every;
  const size = `${mm(spacing[2])} × ${mm(spacing[1])} × ${mm(spacing[0])} mm`;
  const blocks = `${columns} × ${rows} × ${slices}`;
  const isWhole = slices * rows * columns === 1;
  const made = isWhole ? "All voxels" : method === "mean" ? `Means of ${blocks} voxels` : `One voxel of each ${blocks}`;
  return `${made}; ${size}${straightened ? "; sheared stack, interpolated onto perpendicular axes" : ""}`;
}

/** What is said of the surfaces; empty if there are none. `every` are the blocks of each. */
export function surfaceWords(every: readonly Vector[]): string {
  if (every.length === 0) return "";
  const sizes = [...new Set(every.map(([slices, rows, columns]) => `${columns} × ${rows} × ${slices}`))];
  const reduced = sizes.filter((size) => size !== "1 × 1 × 1");
  const blocks = reduced.length === 0 ? "all voxels" : reduced.length === sizes.length ? `blocks of ${reduced.join(", ")} voxels` : `all voxels, large ones of blocks of ${reduced.join(", ")}`;
  return `Surfaces: ${blocks}; smoothed within one ${reduced.length === 0 ? "voxel" : "block"} of the border`;
}

/** In 3-D a mask is solid that is shown half transparent or more over an image. */
export const surfaceOpacity = (opacity: number): number => Math.min(1, opacity * 2);

/** The step and the range of a preset's shift, in the volume's unit. */
export function shiftRange(hounsfield: boolean, range: number): { readonly most: number; readonly step: number } {
  if (hounsfield) return { most: 500, step: 10 };
  const most = range / 2;
  return { most, step: most / 50 };
}

/** A box in the patient: the lowest and the highest LPS coordinates. */
export interface BodyBox {
  readonly low: Vector;
  readonly high: Vector;
}

export function bodyBox(points: readonly Vector[]): BodyBox {
  const extreme = (choose: (...values: number[]) => number): Vector => [0, 1, 2].map((axis) => choose(...points.map((point) => point[axis]))) as unknown as Vector;
  return { low: extreme(Math.min), high: extreme(Math.max) };
}

/** How much of the box is left, as parts of it from 0 to 1, along each patient axis. */
export type Crop = readonly [readonly [number, number], readonly [number, number], readonly [number, number]];
export const UNCROPPED: Crop = [[0, 1], [0, 1], [0, 1]];

/** The planes that cut the sides of a box which were moved; normals point to what stays. */
export function cutsOfCrop(crop: Crop, { low, high }: BodyBox): { readonly origin: Vector; readonly normal: Vector }[] {
  return crop.flatMap(([from, to], axis) => {
    const at = (part: number): Vector => withComponent([0, 0, 0], axis, low[axis] + (high[axis] - low[axis]) * part);
    return [
      ...(from > 0 ? [{ origin: at(from), normal: withComponent([0, 0, 0], axis, 1) }] : []),
      ...(to < 1 ? [{ origin: at(to), normal: withComponent([0, 0, 0], axis, -1) }] : []),
    ];
  });
}

const withComponent = (vector: Vector, axis: number, value: number): Vector => vector.map((own, i) => (i === axis ? value : own)) as unknown as Vector;
