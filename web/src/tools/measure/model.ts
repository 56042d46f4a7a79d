import { countAbove, type Histogram, type Spacing, volumeAbove } from "@/core/histogram";

export interface Figures {
  readonly count: number | null;
  readonly mm3: number | null;
}

/** Count and volume from the histogram; null if only the server can compute them. */
export function liveFigures(histogram: Histogram | null, threshold: number, spacing: Spacing): Figures {
  const count = histogram ? countAbove(histogram, threshold) : null;
  return { count, mm3: volumeAbove(count, spacing) };
}

/** The most values of a histogram that is not counted in bins. */
const MOST_VALUES = 65_536;

/** True for a segmentation: its histogram has each value, and still tells no count. */
export const isSegmentation = ({ exact, values }: Histogram): boolean => !exact && values.length < MOST_VALUES;

const AXIS_NAMES = ["slice", "row", "column"] as const;

/** Why the volume in mm³ is unknown: the server's warning about it, or the missing spacings. */
export function whyNoVolume(spacing: Spacing, warnings: readonly string[]): string {
  const warning = warnings.find((each) => /spacing|millimet|mm3|volume/i.test(each));
  if (warning) return warning;
  const unknown = AXIS_NAMES.filter((_, i) => spacing[i] === null);
  return unknown.length ? `the ${unknown.join(", ")} spacing is not in the file` : "the spacing is not in the file";
}

/** True for the server's notes on padding: every series with padding has one, so it is not shown as a warning. */
export const isRoutineNote = (warning: string): boolean =>
  /^[\d,]+ of [\d,]+ pixels are (padding \(Pixel Padding Value \(0028,0120\)\)|NaN or infinite, which are no numbers \(padding: [^:]*\)): they take part/.test(warning);
