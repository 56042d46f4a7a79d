/** Windows from a volume's histogram: the one definition of what "auto" shows. */

import type { Histogram } from "@/core/histogram";
import { type Window, windowOfRange } from "@/core/windowing";

/** Auto shows from the 1st to the 99th percentile. */
export const AUTO_FROM = 0.01;
export const AUTO_TO = 0.99;

/**
 * The value below or at which a share of all voxels lies: of the values in ascending order, each as often as it occurs,
 * the one with number `ceil(share * count)` (nearest rank), and for a share of 0 the smallest.
 *
 * Padding, NaN and infinities are not in the histogram. Where it is not exact, its values are the middles of bins.
 */
export function percentile({ values, counts }: Pick<Histogram, "values" | "counts">, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(Math.min(1, Math.max(0, share)) * total));
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) {
    sum += counts[i];
    if (sum >= rank) return values[i];
  }
  return values[values.length - 1];
}

/** The window that shows from one percentile to another; the whole range if both are one value; null without voxels. */
export function percentileWindow(histogram: Histogram, from: number, to: number, name: string): Window | null {
  const [low, high] = [percentile(histogram, from), percentile(histogram, to)];
  if (low === null || high === null) return null;
  if (low < high) return windowOfRange(low, high, name);
  const { min, max } = histogram;
  return min === null || max === null ? null : windowOfRange(min, max, name);
}

export const autoWindow = (histogram: Histogram): Window | null => percentileWindow(histogram, AUTO_FROM, AUTO_TO, "Auto");
