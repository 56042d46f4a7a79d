/** Pictures of planes from a volume's values. */

import { type Affine, gridTurn } from "@/core/geometry";
import { inverseAffine } from "@/core/plane";
import { gridPlane, gridSlab } from "@/core/sampling/gridPlanes";
import { sampleCut } from "@/core/sampling/sampleCut";
import type { SampledVolume } from "@/core/sampling/sampledVolume";
import { slabPlanes } from "@/scene/neededSlices";
import type { GridRequest, PlanePicture, PlaneRequest } from "@/scene/volumeSource";

/** Throws if the volume has no place in the patient, and the plane needs one. */
export function planePicture(volume: SampledVolume, affine: Affine | null, request: PlaneRequest): PlanePicture {
  if (request.kind === "grid") return gridPicture(volume, affine, request);
  if (!affine) throw noPlane();
  return sampleCut(volume, inverseAffine(affine), request.cut, request);
}

function gridPicture(volume: SampledVolume, affine: Affine | null, { plane, index, slab }: GridRequest): PlanePicture {
  const turn = gridTurn(affine, plane);
  if (!turn) throw noPlane();
  const count = volume.shape[turn.axes[0]];
  if (!Number.isInteger(index) || index < 0 || index >= count) throw new Error(`There is no plane ${index + 1}: there are ${count}.`);
  if (!slab || slab.planes < 2) return gridPlane(volume, turn, index);
  const [first, last] = slabPlanes(index, slab.planes, count);
  return gridSlab(volume, turn, [first, last + 1], slab.mode);
}

const noPlane = (): Error => new Error("The place of these slices in the patient is unknown or irregular: there are no other planes than the slices themselves.");
