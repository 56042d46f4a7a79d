/** Requests for studies, series and the signed-in user. */

import { type Page, page } from "@/api/decode";
import { ask, send, withQuery } from "@/api/http";
import * as records from "@/api/records";
import type { Histogram } from "@/core/histogram";

export const getMe = (): Promise<records.Me> => ask("/api/me", records.me);

export function listStudies(
  query: { search?: string; limit?: number; offset?: number },
  signal?: AbortSignal,
): Promise<Page<records.Study>> {
  return ask(withQuery("/api/studies", query), page(records.study), { signal });
}

export const getStudy = (id: number, signal?: AbortSignal): Promise<records.Study> =>
  ask(`/api/studies/${id}`, records.study, { signal });

/** Lists the newest series first. */
export const listSeries = (query: { limit?: number; offset?: number }, signal?: AbortSignal): Promise<Page<records.SeriesRow>> =>
  ask(withQuery("/api/series", query), page(records.seriesRow), { signal });

export async function deleteStudy(id: number): Promise<void> {
  await send(`/api/studies/${id}`, { method: "DELETE" });
}

export const originalsAddress = (studyId: number): string => `/api/studies/${studyId}/archive.zip`;

export const getSeries = (id: number, signal?: AbortSignal): Promise<records.Series> =>
  ask(`/api/series/${id}`, records.series, { signal });

export const getHistogram = (id: number, volume: number, signal?: AbortSignal): Promise<Histogram> =>
  ask(withQuery(`/api/series/${id}/histogram`, { volume }), records.histogram, { signal });

export function measureSeries(
  id: number,
  volume: number,
  threshold: number,
  signal?: AbortSignal,
): Promise<records.Measurement> {
  return ask(withQuery(`/api/series/${id}/measure`, { volume, threshold }), records.measurement, { signal });
}
