/** Slabs: several planes projected into one picture. Their thickness is chosen in mm and is always a whole number of planes. */

import { formatNumber } from "@/core/formatting";

export type SlabMode = "max" | "min" | "mean";

export const SLAB_NAMES: Readonly<Record<SlabMode, string>> = { max: "MIP", min: "MinIP", mean: "Mean" };
export const SLAB_DESCRIPTIONS: Readonly<Record<SlabMode, string>> = {
  max: "Maximum intensity projection",
  min: "Minimum intensity projection",
  mean: "Mean of the planes",
};

/** The most planes of a slab. */
export const MOST_SLAB_PLANES = 512;
/** The thicknesses to choose from in mm. */
const THICKNESSES = [2, 3, 5, 10, 15, 20, 30, 50, 100, 200];

/** How many planes, `step` mm apart, are as thick as `mm`: at least 1. */
export function planesOfThickness(mm: number, step: number, most = MOST_SLAB_PLANES): number {
  return Math.min(most, Math.max(1, Math.round(mm / step)));
}

/** The thicknesses in mm to choose from: each of two planes or more, none twice, none thicker than `extent` but the last. */
export function slabThicknesses(step: number, extent: number): number[] {
  const most = Math.min(MOST_SLAB_PLANES, Math.max(1, Math.round(extent / step)));
  const planes = [...THICKNESSES.map((mm) => planesOfThickness(mm, step, most)), most].filter((count) => count >= 2);
  return [...new Set(planes)].sort((a, b) => a - b).map((count) => count * step);
}

/** The next thickness to choose from above (`by` = 1) or below (-1) `mm`; null at the end. */
export function nextThickness(mm: number, by: 1 | -1, step: number, extent: number): number | null {
  const offered = slabThicknesses(step, extent);
  const isBeyond = (thickness: number) => (thickness - mm) * by > step / 4;
  return (by > 0 ? offered.find(isBeyond) : offered.findLast(isBeyond)) ?? null;
}

/** A slab in words: "MIP 10 mm, 5 planes". */
export function describedSlab(mode: SlabMode, planes: number, step: number | null): string {
  const count = `${planes} ${planes === 1 ? "plane" : "planes"}`;
  return step === null ? `${SLAB_NAMES[mode]} of ${count}` : `${SLAB_NAMES[mode]} ${formatNumber(planes * step, 1)} mm, ${count}`;
}
