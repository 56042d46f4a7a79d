/** The filter of the list of studies, and the dates that people choose from. */

/** What studies have to have; an empty field asks for nothing. */
export interface StudyFilter {
  readonly search: string;
  readonly projects: readonly number[];
  readonly modalities: readonly string[];
  /** The first and the last day, as 2003-12-31; empty: open. */
  readonly date_from: string;
  readonly date_to: string;
  readonly has_volume: boolean | null;
  readonly has_problem: boolean | null;
  /** The key of a patient. */
  readonly patient: number | null;
}

export const NO_FILTER: StudyFilter = {
  search: "",
  projects: [],
  modalities: [],
  date_from: "",
  date_to: "",
  has_volume: null,
  has_problem: null,
  patient: null,
};

/** True if two filters ask for the same; the order in a list does not count. */
export const sameFilter = (a: StudyFilter, b: StudyFilter): boolean => textOf(a) === textOf(b);

/** True if a filter asks for anything but a patient. */
export const isFiltering = (filter: StudyFilter): boolean => !sameFilter({ ...filter, patient: null }, NO_FILTER);

const textOf = ({ search, projects, modalities, ...others }: StudyFilter): string =>
  JSON.stringify([
    search.trim(),
    [...projects].sort((a, b) => a - b),
    [...modalities].sort(),
    others.date_from,
    others.date_to,
    others.has_volume,
    others.has_problem,
    others.patient,
  ]);

/** The item is added to the list, or left out if it is there. */
export const toggled = <T>(items: readonly T[], item: T): T[] => (items.includes(item) ? items.filter((each) => each !== item) : [...items, item]);

/** The modalities that are offered; others of the listed studies are added. */
export const MODALITIES: readonly string[] = ["CT", "MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "SEG", "RTSTRUCT", "RTDOSE", "SR", "OT"];

export interface DateRange {
  readonly date_from: string;
  readonly date_to: string;
}

/** The presets for a range of study dates, with their ranges on a day. */
export function datePresets(today: Date): readonly (DateRange & { readonly name: string })[] {
  const year = today.getFullYear();
  const range = (name: string, from: Date, to: Date = today) => ({ name, date_from: isoDay(from), date_to: isoDay(to) });
  return [
    range("Today", today),
    range("Yesterday", daysBefore(today, 1), daysBefore(today, 1)),
    range("Last 7 days", daysBefore(today, 6)),
    range("Last 30 days", daysBefore(today, 29)),
    range("This year", new Date(year, 0, 1)),
    range("Last year", new Date(year - 1, 0, 1), new Date(year - 1, 11, 31)),
  ];
}

const daysBefore = (day: Date, count: number): Date => new Date(day.getFullYear(), day.getMonth(), day.getDate() - count);

/** A day of the local calendar as 2003-12-31. */
export const isoDay = (day: Date): string =>
  [String(day.getFullYear()).padStart(4, "0"), String(day.getMonth() + 1).padStart(2, "0"), String(day.getDate()).padStart(2, "0")].join("-");

/** Why a range holds no day; empty if it holds some. */
export const whyNoDay = ({ date_from: from, date_to: to }: DateRange): string =>
  from && to && from > to ? "The first day is after the last." : "";
