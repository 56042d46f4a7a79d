/** Pictures of planes that the server cuts. */

import { type CutSampling, getCut, getSlice, type Slice } from "@/api/slices";
import { type Affine, columnOf, gridTurn, planeAffine, toPatient } from "@/core/geometry";
import type { Cut } from "@/core/plane";
import { thinnedCut } from "@/core/thinning";
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
  return { ...(await served(seriesId, volume, request, 1, signal)), missing: 0 };
}

/** One of so many rows and columns of a plane; between voxels the nearest one's value. Throws the server's problem. */
export async function thinnedPicture(seriesId: number, volume: ServedVolume, request: PlaneRequest, every: number, signal: AbortSignal): Promise<PlanePicture> {
  return { ...(await served(seriesId, volume, request, every, signal)), missing: 1, every };
}

function served(seriesId: number, volume: ServedVolume, request: PlaneRequest, every: number, signal: AbortSignal): Promise<Slice> {
  const projection = request.kind === "cut" ? { cut: request.cut, sampling: request } : gridSlabCut(volume, request);
  if (projection) {
    const { cut, sampling } = projection;
    if (every === 1) return getCut(seriesId, volume, cut, sampling, signal);
    return getCut(seriesId, volume, thinnedCut(cut, every), { ...sampling, method: "nearest" }, signal);
  }
  const { plane, index } = request as GridRequest;
  return getSlice(seriesId, volume, plane, index, signal, every);
}

/** How many pixels a plane's picture has. */
export function sizeOfPlane({ affine, shape }: Pick<ServedVolume, "affine" | "shape">, request: PlaneRequest): { readonly rows: number; readonly columns: number } {
  if (request.kind === "cut") return request.cut;
  const [, rows, columns] = gridTurn(affine, request.plane)?.axes ?? [0, 1, 2];
  return { rows: shape[rows], columns: shape[columns] };
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
