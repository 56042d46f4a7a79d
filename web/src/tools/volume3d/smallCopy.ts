/** Reads a copy of a volume that is small enough for a graphics card. */

import type { Volume } from "@/api/series";
import { getSlice, type PixelArray } from "@/api/slices";
import { blockAffine, BlockMeans, type BlockPlan, blockPlan, type CopyBounds, emptyCopy, firstCentre, type PaddingOfSlice, stepsOfAffine } from "@/core/blockMeans";
import type { Affine } from "@/core/geometry";
import { inTurns } from "@/core/inTurns";
import { firstKept, keptCount } from "@/core/thinning";
import { uprightGrid, type UprightGrid } from "@/core/uprightGrid";
import type { Vector } from "@/core/vectors";
import type { VolumeSource } from "@/scene/volumeSource";
import { copyBounds, type CopyFacts } from "@/tools/volume3d/model";

export interface SmallCopy {
  readonly grid: UprightGrid;
  readonly facts: CopyFacts;
}

export interface CopyRequest {
  readonly seriesId: number;
  readonly volume: Volume;
  readonly affine: Affine;
  readonly source: VolumeSource;
  readonly signal: AbortSignal;
  /** Called with the part that is read, 0 to 1. */
  readonly onProgress: (part: number) => void;
}

/** The padding of a slice. */
function paddingOf({ padding_ranges: ranges }: Volume, slice: number): PaddingOfSlice {
  if (!ranges || ranges.length === 0) return null;
  return ranges.length === 1 ? ranges[0] : (ranges[slice] ?? null);
}

/** Which voxels of the volume the copy has. */
function planOf({ volume: { dtype, min, max, shape }, affine }: CopyRequest, method: CopyFacts["method"]): { readonly plan: BlockPlan; readonly first: Vector; readonly bounds: CopyBounds } {
  const bounds = copyBounds(emptyCopy(dtype, { min, max }, 0).BYTES_PER_ELEMENT);
  const [slices, rows, columns] = shape;
  const plan = blockPlan(shape, stepsOfAffine(affine), bounds, method === "middle");
  if (method === "mean") return { plan, first: firstCentre(plan.every), bounds };
  // As the server counts them.
  const along = (choose: (count: number, every: number) => number): Vector => [choose(slices, plan.every[0]), choose(rows, plan.every[1]), choose(columns, plan.every[2])];
  return { plan: { every: plan.every, shape: along(keptCount) }, first: along(firstKept), bounds };
}

/**
 * The copy of a volume: means of blocks if its values are in the tab. Of a larger one the server sends one voxel in the
 * middle of each block, so that not all of it is fetched.
 */
export async function readSmallCopy(request: CopyRequest): Promise<SmallCopy> {
  const { volume, affine, source } = request;
  const method = source.inTab ? "mean" : "middle";
  const { plan, first, bounds } = planOf(request, method);
  const [count, rows, columns] = plan.shape;
  const values = emptyCopy(volume.dtype, volume, count * rows * columns);
  const empty = volume.min ?? 0;
  const means = method === "mean" ? new BlockMeans(plan, [volume.shape[1], volume.shape[2]]) : new BlockMeans({ every: [1, 1, 1], shape: plan.shape }, [rows, columns]);
  for (let at = 0; at < count; at += 1) {
    const start = at * plan.every[0];
    const slices = method === "mean" ? Array.from({ length: Math.min(plan.every[0], volume.shape[0] - start) }, (_, i) => start + i) : [start + first[0]];
    const read = await inTurns(slices, (slice) => sliceValues(request, slice, method === "mean" ? 1 : plan.every[1]));
    means.begin();
    read.forEach((own, i) => means.add(own, paddingOf(volume, slices[i])));
    means.write(values, at, empty);
    request.onProgress((at + 1) / count);
  }
  const grid = uprightGrid({ values, shape: plan.shape, affine: blockAffine(affine, plan.every, first) }, bounds.voxels, empty);
  return { grid, facts: { plan, method, spacing: [grid.spacing[2], grid.spacing[1], grid.spacing[0]], straightened: grid.straightened } };
}

async function sliceValues({ seriesId, volume, source, signal }: CopyRequest, slice: number, every: number): Promise<PixelArray> {
  if (every === 1 && source.inTab) return (await source.picture({ kind: "grid", plane: "acquired", index: slice }, signal)).values;
  return (await getSlice(seriesId, volume, "acquired", slice, signal, every)).values;
}
