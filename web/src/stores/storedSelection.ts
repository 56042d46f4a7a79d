/** What the tab's session storage keeps of a selection: keys and counts, nothing of a patient. */

import { readStored, writeStored } from "@/stores/browserStorage";

/** A study that is selected as a whole. */
export interface SelectedStudy {
  readonly id: number;
  /** The key of its project. */
  readonly project: number;
  readonly series_count: number;
}

const SERIES_KEY = "voxelry-selection";
const STUDIES_KEY = "voxelry-selected-studies";

export const storedSeries = (): number[] => read(SERIES_KEY).filter((id): id is number => Number.isInteger(id));
export const storedStudies = (): SelectedStudy[] => read(STUDIES_KEY).filter(isSelectedStudy);
export const storeSeries = (ids: readonly number[]): void => writeStored("tab", SERIES_KEY, ids);
export const storeStudies = (studies: readonly SelectedStudy[]): void => writeStored("tab", STUDIES_KEY, studies);

function read(key: string): unknown[] {
  const stored = readStored("tab", key);
  return Array.isArray(stored) ? stored : [];
}

function isSelectedStudy(value: unknown): value is SelectedStudy {
  if (typeof value !== "object" || value === null) return false;
  const { id, project, series_count: count } = value as Record<string, unknown>;
  return [id, project, count].every(Number.isInteger);
}
