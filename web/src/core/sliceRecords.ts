/** What headers say of one slice: its sides in words, its place and gap, the ultrasound region under a pixel. */

import type { Vector } from "@/core/vectors";

export interface SliceSide {
  readonly patient_orientation: readonly string[];
  /** L, R, B (both) or U (unpaired); empty without. */
  readonly laterality: string;
  readonly view: string;
}

export interface UltrasoundRegion {
  readonly first_column: number;
  readonly first_row: number;
  readonly last_column: number;
  readonly last_row: number;
  readonly spatial_format: string;
  readonly data_type: string;
  readonly unit_x: string;
  readonly unit_y: string;
  readonly delta_x: number;
  readonly delta_y: number;
  readonly pixel_spacing_mm: readonly [number, number] | null;
}

interface OfSlices {
  readonly slice_sides: { readonly words: readonly SliceSide[]; readonly slices: readonly number[] } | null;
  readonly ultrasound: { readonly regions: readonly (readonly UltrasoundRegion[])[]; readonly slices: readonly number[] } | null;
  readonly slice_places: readonly { readonly position: Vector | null; readonly gap_mm: number | null }[] | null;
}

/** What the header says of the sides of an acquired slice; null if it says nothing. */
export function sidesOf({ slice_sides: sides }: Pick<OfSlices, "slice_sides">, slice: number): SliceSide | null {
  return sides?.words[sides.slices[slice]] ?? null;
}

const LATERALITIES: Readonly<Record<string, string>> = { L: "left", R: "right", B: "both sides", U: "unpaired" };

/** The sides in words: "left, cranio-caudal"; empty if nothing is said. */
export function sideText({ laterality, view }: SliceSide): string {
  return [LATERALITIES[laterality] ?? "", view].filter((word) => word !== "").join(", ");
}

/** The calibrated regions of an acquired slice, the one that is right where several overlap first. */
export function regionsOf({ ultrasound }: Pick<OfSlices, "ultrasound">, slice: number): readonly UltrasoundRegion[] {
  return ultrasound?.regions[ultrasound.slices[slice]] ?? [];
}

/** The region that a pixel lies in; null outside of all of them, where nothing is calibrated. */
export function regionAt(regions: readonly UltrasoundRegion[], row: number, column: number): UltrasoundRegion | null {
  const [y, x] = [Math.floor(row + 0.5), Math.floor(column + 0.5)];
  return regions.find((one) => x >= one.first_column && x <= one.last_column && y >= one.first_row && y <= one.last_row) ?? null;
}

/** Millimetres between two pixels of one region; null unless one and the same region holds both and is calibrated in cm. */
export function regionDistance(
  regions: readonly UltrasoundRegion[],
  from: { readonly row: number; readonly column: number },
  to: { readonly row: number; readonly column: number },
): number | null {
  const region = regionAt(regions, from.row, from.column);
  if (!region || region !== regionAt(regions, to.row, to.column) || !region.pixel_spacing_mm) return null;
  const [rowSpacing, columnSpacing] = region.pixel_spacing_mm;
  return Math.hypot((to.row - from.row) * rowSpacing, (to.column - from.column) * columnSpacing);
}

/** Gaps that differ by less are one. */
const SAME_GAP_MM = 0.01;

/** The usual gap of an irregular volume, mm: the one that most slices have, of several the smallest; null if none is known. */
export function usualGap({ slice_places: places }: Pick<OfSlices, "slice_places">): number | null {
  const gaps = (places ?? []).flatMap(({ gap_mm: gap }) => (gap === null ? [] : [gap])).sort((a, b) => a - b);
  let [best, most, start] = [null as number | null, 0, 0];
  for (let i = 0; i < gaps.length; i += 1) {
    if (gaps[i] - gaps[start] > SAME_GAP_MM) start = i;
    if (i - start + 1 > most) [best, most] = [gaps[start], i - start + 1];
  }
  return best;
}

/** What is said at a slice of an irregular volume: "gap 10 mm" if it lies farther from, or nearer to, the one before. */
export function gapText(volume: Pick<OfSlices, "slice_places">, slice: number): string {
  const [gap, usual] = [volume.slice_places?.[slice]?.gap_mm ?? null, usualGap(volume)];
  if (gap === null || usual === null || Math.abs(gap - usual) <= SAME_GAP_MM) return "";
  return `gap ${Number(gap.toFixed(2))} mm`;
}
