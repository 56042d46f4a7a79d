/** Counts pixels above a threshold from a histogram; the result equals the server's. */

export interface Histogram {
  readonly values: readonly number[];
  readonly counts: readonly number[];
  readonly min: number | null;
  readonly max: number | null;
  /** False if bins hold ranges of values: then only the server can count. */
  readonly exact: boolean;
}

/** True if `(x - min) / (max - min) > threshold` in float64. Padding lies outside min to max and is never above. */
export function isAbove(x: number, min: number, max: number, threshold: number): boolean {
  return max > min && x <= max && (x - min) / (max - min) > threshold;
}

/** The number of pixels above the threshold; null if the histogram is not exact. */
export function countAbove(histogram: Histogram, threshold: number): number | null {
  const { values, counts, min, max, exact } = histogram;
  if (!exact) return null;
  if (min === null || max === null || max === min) return 0;
  // The normalised value grows with the value, so a binary search finds the first value above.
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAbove(values[middle], min, max, threshold)) high = middle;
    else low = middle + 1;
  }
  let sum = 0;
  for (let i = low; i < counts.length; i += 1) sum += counts[i];
  return sum;
}

export type Spacing = readonly [number | null, number | null, number | null];

/** The volume of one voxel in mm³, multiplied in the server's order; null if a spacing is unknown. */
export function voxelVolume([slice, row, column]: Spacing): number | null {
  return slice === null || row === null || column === null ? null : slice * row * column;
}

export function volumeAbove(count: number | null, spacing: Spacing): number | null {
  const voxel = voxelVolume(spacing);
  return count === null || voxel === null ? null : count * voxel;
}

/** The modality value at a threshold on [0, 1]; null without a range. */
export function thresholdValue(threshold: number, min: number | null, max: number | null): number | null {
  return min === null || max === null ? null : min + threshold * (max - min);
}

/** The threshold on [0, 1] for a modality value; null without a range or a finite value. */
export function thresholdOf(value: number, min: number | null, max: number | null): number | null {
  if (min === null || max === null || max <= min || !Number.isFinite(value)) return null;
  return Math.min(1, Math.max(0, (value - min) / (max - min)));
}

/** Heights on [0, 1] of `bins` histogram bars: the square root of the counts, so that small counts stay visible. */
export function bars({ values, counts, min, max }: Histogram, bins: number): number[] {
  const heights = new Array<number>(bins).fill(0);
  if (min === null || max === null || max === min) return heights;
  values.forEach((value, i) => {
    const bin = Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins));
    heights[bin] += counts[i];
  });
  const tallest = Math.sqrt(Math.max(...heights)) || 1;
  return heights.map((count) => Math.sqrt(count) / tallest);
}
