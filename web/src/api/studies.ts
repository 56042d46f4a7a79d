/** Requests for studies, series and the signed-in user. */

import {
  type HistogramOut,
  histogramOut,
  type Me,
  me,
  type CountedOut,
  measurementOut,
  type PageSeriesRow,
  pageSeriesRow,
  type PageStudyOut,
  pageStudyOut,
  seriesOut,
  studyList,
  type StudyOut,
  studyOut,
} from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";
import { type Query, withQuery } from "@/api/query";
import { type Series, seriesFrom } from "@/api/series";

export const getMe = (): Promise<Me> => requestJson("/api/me", me);

/** Lists the newest studies first; what is searched for is sent in a body, because it may be a patient's. */
export async function listStudies(
  { search, limit }: { search: string; limit: number },
  signal?: AbortSignal,
): Promise<Pick<PageStudyOut, "items" | "count">> {
  if (!search.trim()) return requestJson(withQuery("/api/studies", { limit }), pageStudyOut, { signal });
  const json = { search, limit: Math.min(limit, 200) };
  const page = await requestJson("/api/studies/search", studyList, { method: "POST", reads: true, json, signal });
  return { items: await Promise.all(page.items.map(({ id }) => getStudy(id, signal))), count: page.count };
}

export const getStudy = (id: number, signal?: AbortSignal): Promise<StudyOut> => requestJson(`/api/studies/${id}`, studyOut, { signal });

/** Lists the newest series first. */
export const listSeries = (query: Query<"/api/series">, signal?: AbortSignal): Promise<PageSeriesRow> =>
  requestJson(withQuery("/api/series", query), pageSeriesRow, { signal });

export async function deleteStudy(id: number): Promise<void> {
  await send(`/api/studies/${id}`, { method: "DELETE" });
}

export const originalsAddress = (studyId: number): string => `/api/studies/${studyId}/archive.zip`;

export const getSeries = async (id: number, signal?: AbortSignal): Promise<Series> =>
  seriesFrom(await requestJson(`/api/series/${id}`, seriesOut, { signal }));

export function getHistogram(id: number, volume: number, signal?: AbortSignal): Promise<HistogramOut> {
  const query: Query<"/api/series/{series_id}/histogram"> = { volume };
  return requestJson(withQuery(`/api/series/${id}/histogram`, query), histogramOut, { signal });
}

/** How often each value occurs in a region, as addresses have it. */
export function getRegionHistogram(id: number, query: Query<"/api/series/{series_id}/histogram">, signal?: AbortSignal): Promise<HistogramOut> {
  return requestJson(withQuery(`/api/series/${id}/histogram`, query), histogramOut, { signal });
}

export function measureSeries(id: number, query: Query<"/api/series/{series_id}/measure">, signal?: AbortSignal): Promise<CountedOut> {
  return requestJson(withQuery(`/api/series/${id}/measure`, query), measurementOut, { signal });
}
