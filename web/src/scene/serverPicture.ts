/** Pictures of planes that the server cuts. */

import { type CutSampling, getCut, getSlice, type Slice } from "@/api/slices";
import { type Affine, columnOf, gridTurn, planeAffine, toPatient } from "@/core/geometry";
import type { Cut } from "@/core/plane";
import { slabPlanes } from "@/scene/neededSlices";
import type { GridRequest, PlanePicture, PlaneRequest } from "@/scene/volumeSource";

export interface ServedVolume {
  readonly index: number;
  readonly version: string;
  readonly affine: Affine | null;
  readonly shape: readonly number[];
}

/** The picture of a plane, of which nothing is missing. Throws the server's problem. */
export async function serverPicture(seriesId: number, volume: ServedVolume, request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
  return { ...(await served(seriesId, volume, request, signal)), missing: 0 };
}

function served(seriesId: number, volume: ServedVolume, request: PlaneRequest, signal: AbortSignal): Promise<Slice> {
  if (request.kind === "cut") return getCut(seriesId, volume, request.cut, request, signal);
  const projection = gridSlabCut(volume, request);
  if (!projection) return getSlice(seriesId, volume, request.plane, request.index, signal);
  return getCut(seriesId, volume, projection.cut, projection.sampling, signal);
}

/** The projection of grid planes as a cut whose samples are the voxels; null for a single plane. */
export function gridSlabCut(
  { affine, shape }: { readonly affine: Affine | null; readonly shape: readonly number[] },
  { plane, index, slab }: GridRequest,
): { cut: Cut; sampling: CutSampling } | null {
  if (!affine || !slab || slab.planes < 2) return null;
  const turn = gridTurn(affine, plane);
  if (!turn) return null;
  const matrix = planeAffine(affine, shape, plane);
  const [count, rows, columns] = turn.axes.map((axis) => shape[axis]);
  const [first, last] = slabPlanes(index, slab.planes, count);
  const origin = toPatient(matrix, [(first + last) / 2, 0, 0]);
  const [step, down, right] = [columnOf(matrix, 0), columnOf(matrix, 1), columnOf(matrix, 2)];
  return {
    cut: { origin, right, down, rows, columns },
    sampling: { method: "nearest", slab: { mode: slab.mode, depth: last - first + 1, step } },
  };
}
