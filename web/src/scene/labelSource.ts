/** Label maps as sources of pictures, beside volumes: in the tab's worker, or cut by the server if they are too large. */

import { getLabelsCut, getLabelsSlice, type LabelMap } from "@/api/segmentations";
import type { Slice } from "@/api/slices";
import { holdPooled, type ServerWays, sourceInTab, sourceOnServer } from "@/scene/volumePool";
import type { PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";

/** The source of a label map, to be given back by `releaseVolume`. Its pictures are cuts by the nearest voxel. */
export function holdLabels(map: LabelMap): VolumeSource {
  const { segmentationId, layer, version, dtype, shape, affine } = map;
  const family = `labels ${segmentationId}/${layer}/`;
  const key = `${family}${version}`;
  // Plain objects: what Vue watches cannot be sent to a worker.
  const facts = { segmentationId, layer, version, dtype, shape: [...shape], affine: affine.map((row) => [...row]) };
  const ways: ServerWays = {
    fetchSlice: (slice, signal) => getLabelsSlice(facts, slice, signal),
    fromServer: (request, signal) => labelsPicture(facts, request, signal),
    // No `thinned`: of labels no pixel may be missing, as a small segment would be.
  };
  return holdPooled({ key, family, dtype, shape, inTab: () => sourceInTab(key, facts, ways), onServer: () => sourceOnServer(key, facts, ways) });
}

async function labelsPicture(map: LabelMap, request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
  // Labels are never projected nor interpolated.
  if (request.kind !== "cut" || request.slab) throw new Error("A label map is cut by planes.");
  const slice: Slice = await getLabelsCut(map, request.cut, signal);
  return { ...slice, missing: 0 };
}
