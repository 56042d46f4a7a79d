/** One step on many series: which steps are possible, and what prevents the batch. */

import type { SeriesRow, StepOut } from "@/api/generated/validators";
import { plural } from "@/core/formatting";
import { whyNeverRunnable, whyNotYetRunnable } from "@/core/runnable";

/** The most series that the server takes in one request. */
export const MOST_SERIES = 10_000;

/** The steps that need a single volume. */
export const batchSteps = (steps: readonly StepOut[]): StepOut[] => steps.filter(({ inputs }) => inputs.length === 1);

/** The titles of the steps that need several volumes, as text. */
export function pairStepTitles(steps: readonly StepOut[]): string {
  const titles = steps.filter(({ inputs }) => inputs.length > 1).map(({ title }) => title);
  return titles.length < 2 ? titles.join("") : `${titles.slice(0, -1).join(", ")} and ${titles[titles.length - 1]}`;
}

/** Why no step can run on a series now; empty if one can. */
export const whyNotRunnable = (row: SeriesRow): string => whyNeverRunnable(row) || whyNotYetRunnable(row);

/** Why the batch cannot be requested; empty if it can. */
export function whyBatchBlocked(rows: readonly SeriesRow[]): string {
  if (rows.length > MOST_SERIES) return `A batch takes at most ${plural(MOST_SERIES, "series", "series")}: leave some out.`;
  const never = rows.filter((row) => whyNeverRunnable(row)).length;
  if (never > 0) return `No step can be run on ${plural(never, "series", "series")} of these: leave ${never === 1 ? "it" : "them"} out.`;
  const later = rows.filter((row) => whyNotYetRunnable(row)).length;
  if (later > 0) return `${plural(later, "series is", "series are")} still being built: wait, or leave ${later === 1 ? "it" : "them"} out.`;
  return "";
}

/** The volume indices that all of the series have; only the first until the volumes are built. */
export function commonVolumes(rows: readonly SeriesRow[]): number[] {
  const fewest = Math.min(...rows.map(({ volume_count: volumes }) => Math.max(1, volumes)));
  return Array.from({ length: rows.length > 0 ? fewest : 0 }, (_, index) => index);
}

/** The requested series that a refusal names: "series 12 forms no regular volume"; null if it names none. */
export function refusedSeries(detail: string, rows: readonly SeriesRow[]): number | null {
  for (const [, key] of detail.matchAll(/\bseries (\d+)\b/g)) {
    if (rows.some(({ id }) => id === Number(key))) return Number(key);
  }
  return null;
}
