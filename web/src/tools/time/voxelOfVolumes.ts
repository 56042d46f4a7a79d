/** One voxel of many volumes, of which none need be in the tab: the server is asked for it, a few volumes at a time. */

import type { Volume } from "@/api/series";
import { getCut } from "@/api/slices";
import { columnOf, toPatient } from "@/core/geometry";
import { inTurns } from "@/core/inTurns";
import type { Vector } from "@/core/vectors";

/** The exact value in each volume; null where it cannot be had. */
export async function voxelOfVolumes(
  seriesId: number,
  volumes: readonly Volume[],
  index: Vector,
  signal: AbortSignal,
): Promise<(number | null)[]> {
  return inTurns(volumes, async (volume) => {
    if (!volume.affine || signal.aborted) return null;
    // A rectangle of one pixel at the voxel's own centre: its nearest voxel is that one.
    const cut = { origin: toPatient(volume.affine, index), right: columnOf(volume.affine, 2), down: columnOf(volume.affine, 1), rows: 1, columns: 1 };
    try {
      const { values } = await getCut(seriesId, volume, cut, { method: "nearest" }, signal);
      return Number.isNaN(values[0]) ? null : values[0];
    } catch {
      return null;
    }
  });
}
