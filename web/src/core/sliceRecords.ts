/** What headers say of one slice: its sides in words, its place and gap, the ultrasound region under a pixel. */

import { formatNumber } from "@/core/formatting";
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
  /** Between rows and between columns; null unless both directions are distances. */
  readonly pixel_spacing_mm: readonly [number, number] | null;
  /** The column and row, from the region's first, that have the values `reference_x` and `reference_y`. */
  readonly reference: readonly [number, number] | null;
  readonly reference_x: number | null;
  readonly reference_y: number | null;
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

/** The region in words: "2D tissue", "M-mode tissue", "PW spectral Doppler". */
function regionKind({ spatial_format: format, data_type: data }: UltrasoundRegion): string {
  if (format === "" || data.toLowerCase().includes(format.toLowerCase())) return data || "region";
  return [format, data].filter((word) => word !== "").join(" ");
}

/** A quantity with the digits that one pixel's step deserves. */
function quantity(value: number, step: number, unit: string): string {
  const digits = step === 0 ? 3 : Math.min(6, Math.max(0, Math.ceil(-Math.log10(Math.abs(step)))));
  return `${formatNumber(Number(value.toFixed(digits)), digits)} ${unit}`;
}

/** What a pixel's centre is in one direction of its region: "x 1.25 s"; without a reference, what a pixel is worth. */
function coordinate(name: "x" | "y", unit: string, delta: number, from: number | null, value: number | null): string {
  if (unit === "" || delta === 0) return `${name} has no unit`;
  if (from === null || value === null) return `${name} ${formatNumber(delta, 5)} ${unit} a pixel`;
  return `${name} ${quantity(value + from * delta, delta, unit)}`;
}

/** What the calibration says of a pixel: "2D tissue: x −1.25 cm, y 4.5 cm". Where it is no region of distances: "no mm". */
export function calibrationText(regions: readonly UltrasoundRegion[], row: number, column: number): string {
  const region = regionAt(regions, row, column);
  if (!region) return "outside of the calibrated regions: no mm";
  const { reference, unit_x, unit_y, delta_x, delta_y, reference_x, reference_y } = region;
  const [right, down] = [column - region.first_column, row - region.first_row];
  const x = coordinate("x", unit_x, delta_x, reference && right - reference[0], reference_x);
  const y = coordinate("y", unit_y, delta_y, reference && down - reference[1], reference_y);
  return `${regionKind(region)}: ${x}, ${y}${region.pixel_spacing_mm ? "" : "; no mm"}`;
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
