/** What a view draws over each other, from below: an image, fused images, tinted voxels. */

import type { PaddingRange, Tint } from "@/core/paint";
import type { VoiChoice } from "@/core/voiChoices";

/** An image over another, at the same places of the patient. */
export interface FusedLayer {
  readonly kind: "fused";
  readonly seriesId: number;
  readonly volumeIndex: number;
  readonly choice: VoiChoice;
  /** A name of `core/colourMaps`. */
  readonly colourMap: string;
  /** 0 to 1. */
  readonly opacity: number;
  readonly visible: boolean;
}

/** Voxels above a threshold, tinted. */
export interface ThresholdLayer {
  readonly kind: "threshold";
  readonly tint: Tint;
}

export type Layer = FusedLayer | ThresholdLayer;
export type { PaddingRange, Tint };
