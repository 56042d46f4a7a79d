/** Requests for segments that are made of a volume's values by a recipe. */

import { type Accepted, accepted } from "@/api/generated/validators";
import { requestJson } from "@/api/http";
import type { ChosenTerm } from "@/core/segmentTerms";

/** Which voxels a segment has, and how they were found: as the step `threshold` and the terminal have it. */
export interface SegmentRecipe {
  readonly method: string;
  readonly threshold?: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly percentile?: number;
  readonly classes?: number;
  readonly class_number?: number;
  /** `sphere:X,Y,Z:RADIUS` or `box:X,Y,Z:X,Y,Z`, LPS mm; or `segmentation:ID#NUMBER`. */
  readonly within?: string;
  /** A point, LPS mm: only what is connected to its voxel. */
  readonly component?: readonly [number, number, number];
}

/** What is saved: of which volume, what it is called and what it is. */
export interface SavedThreshold {
  readonly series: number;
  readonly volume: number;
  readonly label: string;
  readonly term: ChosenTerm | null;
  /** True if somebody has said that the segment of the region lies in the image's places. */
  readonly sameFrameOfReference: boolean;
}

/** Asks for a segmentation with one segment; a job makes it. */
export function saveSegment({ series, volume, label, term, sameFrameOfReference }: SavedThreshold, recipe: SegmentRecipe): Promise<Accepted> {
  const what = term && { codes: { category: term.category, type: term.type, type_modifier: term.type_modifier, anatomic_region: term.anatomic_region }, ...(term.colour ? { colour: term.colour } : {}) };
  const json = { series, volume, label, recipe, ...what, ...(sameFrameOfReference ? { same_frame_of_reference: true } : {}) };
  return requestJson("/api/segmentations", accepted, { method: "POST", json });
}
