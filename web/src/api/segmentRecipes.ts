/** Requests for segments that are made of a volume's values by a recipe. */

import { type Accepted, accepted } from "@/api/generated/validators";
import { requestJson } from "@/api/http";

/** Which voxels a segment has, and how they were found: as the step `threshold` and the terminal have it. */
export interface SegmentRecipe {
  readonly method: string;
  readonly threshold?: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly percentile?: number;
  /** `sphere:X,Y,Z:RADIUS` or `box:X,Y,Z:X,Y,Z`, LPS mm. */
  readonly within?: string;
  /** A point, LPS mm: only what is connected to its voxel. */
  readonly component?: readonly [number, number, number];
}

/** Asks for a segmentation with one segment; a job makes it. */
export const saveSegment = (series: number, volume: number, label: string, recipe: SegmentRecipe): Promise<Accepted> =>
  requestJson("/api/segmentations", accepted, { method: "POST", json: { series, volume, label, recipe } });
