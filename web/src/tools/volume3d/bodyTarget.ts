/** Which volumes can be shown as bodies. */

import type { Series, Volume } from "@/api/series";

/** The volume that is shown. */
export interface BodyTarget {
  readonly series: Series;
  readonly volume: Volume;
}

/** Fewer slices, rows or columns are no body. */
const FEWEST = 2;

/** Why a volume cannot be shown as a body; empty if it can. */
export function whyNoBody(volume: Volume): string {
  if (volume.colour) return "Colour volumes have no values of one kind: they cannot be shown in 3-D.";
  if (volume.shape[0] < FEWEST) return "This volume has one slice only: there is nothing to show in 3-D.";
  if (volume.ultrasound && !volume.affine) return "These frames have no place in the patient: they cannot be shown in 3-D.";
  if (!volume.affine) return `The slices cannot be shown in 3-D: ${volume.problem?.message ?? "their position in the patient is unknown, or they are not equally spaced."}`;
  if (Math.min(...volume.shape.slice(1, 3)) < FEWEST) return "Slices of one row or one column cannot be shown in 3-D.";
  return "";
}

