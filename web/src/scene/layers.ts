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

/** What somebody changed of how a segment looks; absent parts are the segmentation's and the layer's own. */
export interface SegmentLook {
  /** "#rrggbb" */
  readonly colour?: string;
  readonly outlined?: boolean;
  readonly hidden?: boolean;
}

/** The segments of a mask, over every image at the same places of the patient. */
export interface LabelsLayer {
  readonly kind: "labels";
  readonly segmentationId: number;
  /** The Frame of Reference of the mask; empty if it is unknown. */
  readonly space: string;
  /** Images of which only somebody says that the mask lies over them. */
  readonly assumedOver: readonly ImagePlace[];
  /** 0 to 1. */
  readonly opacity: number;
  /** True if segments are outlined that nobody has given another look. */
  readonly outlined: boolean;
  readonly visible: boolean;
  /** By segment number. */
  readonly looks: Readonly<Record<number, SegmentLook>>;
}

/** All volumes of a series that share their places. */
export interface ImagePlace {
  readonly seriesId: number;
  /** Their Frame of Reference; empty if it is unknown. */
  readonly space: string;
}

/** How it is known that a mask lies over an image; null if it does not. */
export function overImage({ space, assumedOver }: Pick<LabelsLayer, "space" | "assumedOver">, image: ImagePlace): "frame" | "assumed" | null {
  if (space !== "" && space === image.space) return "frame";
  return assumedOver.some(({ seriesId, space: other }) => seriesId === image.seriesId && other === image.space) ? "assumed" : null;
}
