import type { SeriesRow } from "@/api/generated/validators";
import { listSeries } from "@/api/studies";
import { bySeriesNumber } from "@/core/names";

/** The most series of one study that lists and selections know; its own page shows all. */
export const MOST_OF_STUDY = 1000;

/** Fetches the series of a study, in the order of their numbers. */
export async function seriesOfStudy(study: number): Promise<SeriesRow[]> {
  const { items } = await listSeries({ study, limit: MOST_OF_STUDY });
  return [...items].sort(bySeriesNumber);
}
