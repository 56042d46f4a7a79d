/** The thickness of slabs. */

export const THINNEST_MM = 1;
export const THICKEST_MM = 100;
/** Millimetres that a slab has when it is switched on. */
export const USUAL_MM = 10;

/** A thickness within the bounds, to a tenth of a millimetre; null if it is no number. */
export function thickness(mm: number): number | null {
  if (!Number.isFinite(mm)) return null;
  return Math.round(Math.min(THICKEST_MM, Math.max(THINNEST_MM, mm)) * 10) / 10;
}

/** The next thickness: by one plane, or by a millimetre where planes are nearer together or their distance is unknown. */
export const nextThickness = (mm: number, planes: number, planeStep: number | null): number => thickness(mm + planes * Math.max(1, planeStep ?? 1)) ?? mm;
