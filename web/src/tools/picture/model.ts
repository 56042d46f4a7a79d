/** What is written on a picture that leaves the viewer. */

import type { EdgeLetters } from "@/core/edgeLetters";
import { formatNumber } from "@/core/formatting";
import type { Vector } from "@/core/geometry";
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
  readonly slab: { readonly mode: string; readonly mm: number; readonly planes: number } | null;
  readonly interpolated: boolean;
  readonly threshold: number | null;
  /** The patient's name; empty unless it was asked for. */
  readonly patient: string;
  readonly edges: EdgeLetters | null;
  readonly bar: { readonly mm: number; readonly pixels: number } | null;
}

const SLABS: Readonly<Record<string, string>> = { max: "MIP", min: "MinIP", mean: "Mean" };

/** The lines at the top left and at the bottom left of the picture. */
export function linesOf(facts: PictureFacts): { readonly top: string[]; readonly bottom: string[] } {
  const { voi, slab, place } = facts;
  const window = voi === null ? "" : isTable(voi) ? "Table" : `W ${formatNumber(voi.width, 3)}  C ${formatNumber(voi.center, 3)}${facts.unit ? ` ${facts.unit}` : ""}`;
  const top = [facts.patient, [facts.modality, facts.series].filter(Boolean).join(" · "), facts.volume, facts.plane];
  const bottom = [
    [window, facts.inverted ? "inverted" : ""].filter(Boolean).join(", "),
    slab ? `${SLABS[slab.mode] ?? slab.mode} ${formatNumber(slab.mm, 1)} mm (${slab.planes} planes)` : "",
    facts.threshold === null ? "" : `tinted above ${formatNumber(facts.threshold, 4)} of the range`,
    `Slice ${facts.index + 1} / ${facts.count}${place ? `, LPS ${place.map((mm) => formatNumber(Math.round(mm * 10) / 10, 1)).join(", ")} mm` : ""}`,
    facts.interpolated ? "interpolated" : "",
    "Not for diagnostic use",
  ];
  return { top: top.filter(Boolean), bottom: bottom.filter(Boolean) };
}

/** A file's name of the series' description and the plane; without a patient's name. */
export function pictureName({ modality, series, plane, index }: PictureFacts): string {
  const name = [modality, series, plane, `slice ${index + 1}`].join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${name.slice(0, 100) || "picture"}.png`;
}
