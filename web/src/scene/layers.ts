/** Images that a view draws over its own. */

import type { Vector } from "@/core/vectors";
import type { VoiChoice } from "@/core/voiChoices";

/** An image over another, at the same places of the patient. */
export interface FusedLayer {
  readonly kind: "fused";
  readonly seriesId: number;
  readonly volumeIndex: number;
  /** The Frame of Reference of the image below, for which `offset` holds; empty if it is unknown. */
  readonly space: string;
  /** Added to a point of the image below to get the same place in this one; LPS millimetres. */
  readonly offset: Vector;
  /** How the places are known: one Frame of Reference, linked by hand, or only because somebody said so. */
  readonly placed: "frame" | "hand" | "assumed";
  readonly choice: VoiChoice;
  /** A name of `core/colourMaps`. */
  readonly colourMap: string;
  /** True if dark levels are transparent. */
  readonly fading: boolean;
  /** 0 to 1. */
  readonly opacity: number;
  readonly visible: boolean;
}
