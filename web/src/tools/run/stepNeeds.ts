/** Which volumes a step applies to. */

import { tiltDegrees } from "@/core/geometry";

/** The attributes of a volume that decide which steps apply. */
export interface StepVolume {
  readonly colour: boolean;
  readonly affine: readonly (readonly number[])[] | null;
  readonly spacing_mm: readonly (number | null)[];
}

/** Steps ignore smaller tilts; degrees. */
const SMALLEST_TILT = 0.1;

/** Why a step does not apply to a volume; empty if it does. */
export function whyInapplicable(step: { readonly needs: readonly string[] }, volume: StepVolume): string {
  const needs = new Set(step.needs);
  if (needs.has("grey") && volume.colour) return "Needs grey values; this is a colour image.";
  if (needs.has("place") && volume.affine === null) return "Needs a place in the patient, which is unknown here.";
  if (needs.has("millimetres") && volume.spacing_mm.includes(null)) return "Needs millimetres, which are unknown here.";
  if (needs.has("straight") && volume.affine && volume.affine.length > 0 && tiltDegrees(volume.affine) > SMALLEST_TILT) {
    return "Needs a straight stack; this one is tilted. Straighten it first (rectify).";
  }
  return "";
}
