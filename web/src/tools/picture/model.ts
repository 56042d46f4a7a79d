/** What is written on a picture that leaves the viewer. */

import type { EdgeLetters } from "@/core/edgeLetters";
import { formatNumber } from "@/core/formatting";
import type { Vector } from "@/core/geometry";
import type { ScaleBar } from "@/core/regionBars";
import { isTable, type Voi } from "@/core/windowing";

export interface PictureFacts {
  readonly modality: string;
  readonly series: string;
  readonly volume: string;
  readonly plane: string;
  readonly index: number;
  readonly count: number;
  readonly place: Vector | null;
  readonly voi: Voi | null;
  readonly unit: string;
  readonly inverted: boolean;
  /** The planes that are projected, and how the picture was made, in the words that stand on the view; empty if there is nothing to say. */
  readonly slab: string;
  readonly making: string;
  /** Which voxels are tinted, in words; empty if none are. */
  readonly tint: string;
  /** The patient's name; empty unless it was asked for. */
  readonly patient: string;
  readonly edges: EdgeLetters | null;
  readonly bars: readonly ScaleBar[];
  /** The overlays that are drawn, without the header's words, which may be a person's. */
  readonly overlays: readonly string[];
}

/** The lines at the top left and at the bottom left of the picture. */
export function linesOf(facts: PictureFacts): { readonly top: string[]; readonly bottom: string[] } {
  const { voi, place } = facts;
  const window = voi === null ? "" : isTable(voi) ? "Table" : `W ${formatNumber(voi.width, 3)}  C ${formatNumber(voi.center, 3)}${facts.unit ? ` ${facts.unit}` : ""}`;
  const top = [facts.patient, [facts.modality, facts.series].filter(Boolean).join(" · "), facts.volume, facts.plane];
  const bottom = [
    [window, facts.inverted ? "inverted" : ""].filter(Boolean).join(", "),
    facts.slab,
    facts.tint && `tinted ${facts.tint}`,
    `Slice ${facts.index + 1} / ${facts.count}${place ? `, LPS ${place.map((mm) => formatNumber(Math.round(mm * 10) / 10, 1)).join(", ")} mm` : ""}`,
    facts.making,
    facts.overlays.length > 0 ? `with ${facts.overlays.join(", ")}` : "",
    "Not for diagnostic use",
  ];
  return { top: top.filter(Boolean), bottom: bottom.filter(Boolean) };
}

/** A file's name of the series' description and the plane; without a patient's name. */
export function pictureName({ modality, series, plane, index }: PictureFacts): string {
  const name = [modality, series, plane, `slice ${index + 1}`].join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${name.slice(0, 100) || "picture"}.png`;
}
