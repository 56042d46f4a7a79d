/** Which series comes next. */

interface ListedSeries {
  readonly id: number;
  readonly volume_count: number;
  readonly state: string;
}

/** True if a series has pictures, or may have them when its volumes are built. */
export const hasPictures = ({ volume_count: count, state }: ListedSeries): boolean => count > 0 || state === "queued" || state === "running";

/** The next (1) or previous (-1) series with pictures; after the last comes the first. Null if there is no other. */
export function nextSeries<T extends ListedSeries>(rows: readonly T[], id: number | null, by: 1 | -1): T | null {
  const { length } = rows;
  const at = rows.findIndex((row) => row.id === id);
  const start = at < 0 && by < 0 ? length : at;
  for (let n = 1; n <= length; n += 1) {
    const row = rows[(start + by * n + length * 2) % length];
    if (row.id !== id && hasPictures(row)) return row;
  }
  return null;
}

/** The series with pictures that follow one, and then those before it; without those that are shown already. */
export function followingSeries<T extends ListedSeries>(rows: readonly T[], id: number | null, shown: readonly number[]): T[] {
  const at = rows.findIndex((row) => row.id === id);
  return [...rows.slice(at + 1), ...rows.slice(0, Math.max(0, at))].filter((row) => hasPictures(row) && !shown.includes(row.id));
}
