import { countAbove, type Histogram, type Spacing, volumeAbove } from "@/core/histogram";

export interface Figures {
  readonly count: number | null;
  readonly mm3: number | null;
}

/** The live figures; null where only the server can tell. */
export function liveFigures(histogram: Histogram | null, threshold: number, spacing: Spacing): Figures {
  const count = histogram ? countAbove(histogram, threshold) : null;
  return { count, mm3: volumeAbove(count, spacing) };
}

const EXTENTS = ["slice", "row", "column"] as const;

/** Why there is no mm3, from what the server warns of or from which spacing is unknown. */
export function whyNoVolume(spacing: Spacing, warnings: readonly string[]): string {
  const told = warnings.find((warning) => /spacing|millimet|mm3|volume/i.test(warning));
  if (told) return told;
  const unknown = EXTENTS.filter((_, i) => spacing[i] === null);
  return unknown.length ? `the ${unknown.join(", ")} spacing is not in the file` : "the spacing is not in the file";
}

/** What is said of every series that has padding, and cautions nobody: a note, no warning. */
export const isOrdinary = (warning: string): boolean =>
  /^[\d,]+ of [\d,]+ pixels are (padding \(Pixel Padding Value \(0028,0120\)\)|NaN or infinite, which are no numbers \(padding: [^:]*\)): they take part/.test(warning);
