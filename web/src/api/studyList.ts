/** Requests for the list of studies: searches, patients, saved filters, and what is done with many studies. */

import * as v from "valibot";

import type { components } from "@/api/generated/types";
import { filterList, type PatientWithStudies, patientWithStudies, type StudyList, studyList } from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";
import type { Sorting } from "@/core/studyColumns";
import { NO_FILTER, type StudyFilter } from "@/core/studyFilter";

export type StudySearch = components["schemas"]["StudySearch"];

export interface StudyQuestion extends Sorting {
  readonly filter: StudyFilter;
  readonly limit: number;
  /** The cursor of the page; empty for the first. */
  readonly after: string;
}

/** The words of a search are in the body, never in an address or a log. */
export const searchStudies = ({ filter, ...page }: StudyQuestion, signal?: AbortSignal): Promise<StudyList> =>
  requestJson("/api/studies/search", studyList, { method: "POST", reads: true, json: { ...fieldsOf(filter), ...page } satisfies StudySearch, signal });

/** The fields of a filter as the server names them. */
export const fieldsOf = (filter: StudyFilter) => ({
  ...filter,
  search: filter.search.trim(),
  projects: [...filter.projects],
  modalities: [...filter.modalities],
});

/** A patient; the studies are listed by `searchStudies`. */
export const getPatient = (id: number, signal?: AbortSignal): Promise<PatientWithStudies> =>
  requestJson(`/api/patients/${id}?limit=1`, patientWithStudies, { signal });

/** The address of a study's picture; empty if it has none. */
export const thumbnailAddress = (thumbnail: { readonly series: number; readonly version: string } | null): string =>
  thumbnail ? `/api/series/${thumbnail.series}/thumbnail.png?v=${encodeURIComponent(thumbnail.version)}` : "";

/** A filter under a name of the user's own. */
export interface NamedFilter {
  readonly id: number;
  readonly name: string;
  readonly filter: StudyFilter;
}

/** The conditions of a saved filter; those at their defaults are not kept, and unknown ones are dropped. */
const savedConditions = v.object({
  search: v.fallback(v.string(), ""),
  projects: v.fallback(v.array(v.number()), []),
  modalities: v.fallback(v.array(v.string()), []),
  date_from: v.fallback(v.string(), ""),
  date_to: v.fallback(v.string(), ""),
  has_volume: v.fallback(v.nullable(v.boolean()), null),
  has_problem: v.fallback(v.nullable(v.boolean()), null),
  patient: v.fallback(v.nullable(v.number()), null),
});

export async function listFilters(): Promise<NamedFilter[]> {
  const { items } = await requestJson("/api/filters", filterList);
  return items.map(({ id, name, filter }) => ({ id, name, filter: v.parse(savedConditions, { ...NO_FILTER, ...filter }) }));
}

/** Saves a filter; one of the same name is replaced. The name may be a patient's, so it stands in no address. */
export async function saveFilter(name: string, filter: StudyFilter): Promise<void> {
  await send("/api/filters", { method: "PUT", json: { name, filter: fieldsOf(filter) } });
}

export async function deleteFilter(id: number): Promise<void> {
  await send(`/api/filters/${id}`, { method: "DELETE" });
}

/** Moves studies to the trash. */
export async function deleteStudies(studies: readonly number[]): Promise<void> {
  await send("/api/studies/delete", { method: "POST", json: { studies } });
}
