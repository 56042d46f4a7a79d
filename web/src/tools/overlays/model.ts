/** The key of the overlays over a picture. */

import { overlayColour, overlayName, overlayOpacity, type SliceOverlay } from "@/core/overlayPlanes";

export interface KeyLine {
  readonly group: number;
  /** As CSS has it, with the opacity that the overlay is drawn with. */
  readonly colour: string;
  /** "overlay 6000 (graphics)". */
  readonly name: string;
  /** The header's label and description; empty without. */
  readonly words: string;
}

export function keyLine(overlay: SliceOverlay): KeyLine {
  const { group, label, description } = overlay;
  const words = [...new Set([label, description])].filter((word) => word !== "").join(": ");
  return { group, colour: `rgb(${overlayColour(overlay).join(" ")} / ${overlayOpacity(overlay)})`, name: overlayName(overlay), words };
}

/** What is to be known of overlays that are not drawn; empty if all are. */
export function missingWords(shown: boolean, { state, overlays, problems }: { state: "loading" | "ready" | "failed"; overlays: readonly SliceOverlay[]; problems: readonly string[] }): string {
  if (!shown) return "overlays hidden";
  if (state === "loading") return "loading the overlays …";
  if (state === "failed") return "the overlays could not be loaded";
  if (problems.length > 0) return problems.length === 1 ? "1 overlay cannot be read" : `${problems.length} overlays cannot be read`;
  return overlays.length > 0 ? "" : "no overlay to show";
}
