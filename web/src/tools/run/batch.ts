/** One step on many series: which steps that can be, and what stands in its way. */

import type { Step } from "@/api/jobs";
import type { SeriesRow } from "@/api/records";
import { delay, obstacle } from "@/core/selection";
import { plural } from "@/core/words";

/** The server takes no more in one request. */
export const MOST_SERIES = 10_000;

/** Steps on one volume; what they may take besides is left out. */
export const batchSteps = (steps: readonly Step[]): Step[] => steps.filter(({ inputs }) => inputs.length === 1);

/** Steps that need several volumes, by title, in words. */
export function pairwise(steps: readonly Step[]): string {
  const titles = steps.filter(({ inputs }) => inputs.length > 1).map(({ title }) => title);
  return titles.length < 2 ? titles.join("") : `${titles.slice(0, -1).join(", ")} and ${titles[titles.length - 1]}`;
}

/** Why a series cannot be run on, now or ever. */
export const hindrance = (row: SeriesRow): string => obstacle(row) || delay(row);

/** Why nothing can be asked for; empty where it can. */
export function blockage(rows: readonly SeriesRow[]): string {
  if (rows.length > MOST_SERIES) return `A batch takes at most ${plural(MOST_SERIES, "series", "series")}: leave some out.`;
  const never = rows.filter((row) => obstacle(row)).length;
  if (never > 0) return `No step can be run on ${plural(never, "series", "series")} of these: leave ${never === 1 ? "it" : "them"} out.`;
  const later = rows.filter((row) => delay(row)).length;
  if (later > 0) return `${plural(later, "series is", "series are")} still being built: wait, or leave ${later === 1 ? "it" : "them"} out.`;
  return "";
}

/** The volumes that each of the series has, by index; the first one until they are built. */
export function commonVolumes(rows: readonly SeriesRow[]): number[] {
  const least = Math.min(...rows.map(({ volume_count: volumes }) => Math.max(1, volumes)));
  return Array.from({ length: rows.length > 0 ? least : 0 }, (_, index) => index);
}

/** The series among those asked for that a refusal names: "series 12 forms no regular volume". */
export function refusedSeries(detail: string, rows: readonly SeriesRow[]): number | null {
  for (const [, key] of detail.matchAll(/\bseries (\d+)\b/g)) {
    if (rows.some(({ id }) => id === Number(key))) return Number(key);
  }
  return null;
}
