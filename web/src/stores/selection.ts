import { defineStore } from "pinia";
import { computed, shallowRef, watch } from "vue";

import type { SeriesRow, StudyListed } from "@/api/generated/validators";
import { ServerProblem } from "@/api/http";
import { getSeries } from "@/api/studies";
import { inTurns } from "@/core/inTurns";
import { rowsBetween, whyNeverRunnable } from "@/core/runnable";
import { seriesOfStudy } from "@/stores/seriesOfStudy";
import { type SelectedStudy, storedSeries, storedStudies, storeSeries, storeStudies } from "@/stores/storedSelection";

/** Whether all of some series are selected, none, or some ("mixed"). */
export type CheckState = boolean | "mixed";

export type SelectableStudy = Pick<StudyListed, "id" | "project" | "series_count">;

/**
 * The series selected for a step, from any list, and the studies selected as a whole.
 *
 * All series of a whole study that a step can run on are selected as soon as they are known. The selection survives
 * searches, other pages and a reload.
 */
export const useSelection = defineStore("selection", () => {
  const chosen = shallowRef<ReadonlyMap<number, SeriesRow>>(new Map());
  const wholes = shallowRef<ReadonlyMap<number, SelectedStudy>>(new Map(storedStudies().map((study) => [study.id, study])));
  /** Whole studies whose series are known. */
  const learned = shallowRef<ReadonlySet<number>>(new Set());
  /** The series that the page shows, in its order. */
  const shown = shallowRef<readonly SeriesRow[]>([]);
  let last: number | null = null;
  let lastStudy: number | null = null;
  /** Ids selected before the page was loaded whose series are not fetched yet. */
  const unresolved = shallowRef<readonly number[]>(storedSeries());

  const rows = computed(() => [...chosen.value.values()]);
  const count = computed(() => chosen.value.size);
  const studies = computed(() => [...wholes.value.values()]);
  const unlearned = computed(() => studies.value.filter(({ id }) => !learned.value.has(id)));
  /** The selected series whose studies are not selected as a whole. */
  const singles = computed(() => rows.value.filter(({ study_id: study }) => !wholes.value.has(study)));
  const isEmpty = computed(() => wholes.value.size === 0 && chosen.value.size === 0);
  const selectable = computed(() => shown.value.filter((row) => !whyNeverRunnable(row)));
  /** How many selected series the page does not show. */
  const away = computed(() => {
    const here = new Set(shown.value.map(({ id }) => id));
    return rows.value.filter(({ id }) => !here.has(id)).length;
  });

  const has = (id: number): boolean => chosen.value.has(id);
  const hasStudy = (id: number): boolean => wholes.value.has(id);

  function checkState(some: readonly SeriesRow[]): CheckState {
    const runnable = some.filter((row) => !whyNeverRunnable(row));
    const selected = runnable.filter(({ id }) => has(id)).length;
    if (selected === 0) return false;
    return selected === runnable.length ? true : "mixed";
  }

  /** Whether a study is selected as a whole, or some of its series are. */
  function studyState(id: number): CheckState {
    if (hasStudy(id)) return true;
    return rows.value.some(({ study_id: study }) => study === id) ? "mixed" : false;
  }

  function studiesState(some: readonly SelectableStudy[]): CheckState {
    const states = some.map(({ id }) => studyState(id));
    if (states.every((state) => state === false)) return false;
    return states.every((state) => state === true) ? true : "mixed";
  }

  /** Selects or unselects series; those that no step can run on are never selected. */
  function setSelected(some: readonly SeriesRow[], selected: boolean): void {
    const changed = new Map(chosen.value);
    for (const row of some) {
      if (!selected) changed.delete(row.id);
      else if (!whyNeverRunnable(row)) changed.set(row.id, row);
    }
    chosen.value = changed;
    if (!selected) dropWholes(some.map(({ study_id: study }) => study));
  }

  /** Toggles a series; `extend` (Shift) gives its new state to the range from the last toggled one. */
  function toggle(row: SeriesRow, extend = false): void {
    const selected = !has(row.id);
    const range = extend ? rowsBetween(shown.value, last, row.id) : [];
    setSelected(range.length > 0 ? range : [row], selected);
    last = row.id;
  }

  const toggleAll = (some: readonly SeriesRow[]): void => setSelected(some, checkState(some) !== true);

  /** Selects studies as a whole, or unselects them and their series. */
  function setStudies(some: readonly SelectableStudy[], selected: boolean): void {
    if (!selected) {
      some.forEach(({ id }) => forgetStudy(id));
      return;
    }
    const changed = new Map(wholes.value);
    for (const { id, project, series_count } of some) changed.set(id, { id, project: project.id, series_count });
    wholes.value = changed;
    setSelected(shown.value.filter((row) => some.some(({ id }) => id === row.study_id)), true);
    learned.value = new Set([...learned.value, ...shown.value.map(({ study_id: study }) => study)].filter((study) => changed.has(study)));
  }

  /** Toggles a study; `extend` (Shift) gives its new state to the range of the list from the last toggled one. */
  function toggleStudy(study: SelectableStudy, list: readonly SelectableStudy[], extend = false): void {
    const selected = !hasStudy(study.id);
    const range = extend ? rowsBetween(list, lastStudy, study.id) : [];
    setStudies(range.length > 0 ? range : [study], selected);
    lastStudy = study.id;
  }

  const toggleStudies = (some: readonly SelectableStudy[]): void => setStudies(some, studiesState(some) !== true);

  /** The series of a study became known. */
  function learn(study: number, seen: readonly SeriesRow[]): void {
    if (!hasStudy(study)) refresh(seen);
    else {
      learned.value = new Set(learned.value).add(study);
      setSelected(seen, true);
    }
  }

  function dropWholes(ids: readonly number[]): void {
    if (!ids.some(hasStudy)) return;
    const changed = new Map(wholes.value);
    ids.forEach((id) => changed.delete(id));
    wholes.value = changed;
    learned.value = new Set([...learned.value].filter((id) => changed.has(id)));
  }

  /** Records the series that the page shows, and refreshes those that are selected. */
  function show(seen: readonly SeriesRow[]): void {
    shown.value = seen;
    refresh(seen);
  }

  /** Replaces the records of selected series by newer ones. */
  function refresh(seen: readonly SeriesRow[]): void {
    const known = seen.filter(({ id }) => has(id));
    if (known.length === 0) return;
    const changed = new Map(chosen.value);
    for (const row of known) changed.set(row.id, row);
    chosen.value = changed;
  }

  const leaveOut = (ids: readonly number[]): void => setSelected(rows.value.filter(({ id }) => ids.includes(id)), false);

  function forgetStudy(study: number): void {
    leaveOut(rows.value.filter(({ study_id }) => study_id === study).map(({ id }) => id));
    dropWholes([study]);
  }

  function clear(): void {
    chosen.value = new Map();
    wholes.value = new Map();
    learned.value = new Set();
    unresolved.value = [];
    last = null;
    lastStudy = null;
  }

  /** Fetches the series selected before the page was loaded; those deleted since are dropped. */
  async function restore(): Promise<void> {
    const found = await inTurns(unresolved.value, (id) => orGone(getSeries(id)));
    setSelected(found.filter((row) => row !== null), true);
    unresolved.value = [];
  }

  /** Fetches the series of the whole studies; studies deleted since are dropped. */
  async function learnStudies(): Promise<void> {
    await inTurns(unlearned.value, async ({ id }) => {
      const series = await seriesOfStudy(id);
      if (series.length === 0) dropWholes([id]);
      else learn(id, series);
    });
  }

  watch([chosen, unresolved, wholes], () => {
    const kept = singles.value.map(({ id }) => id);
    storeSeries([...kept, ...unresolved.value.filter((id) => !has(id))]);
    storeStudies(studies.value);
  });

  const restoring = computed(() => unresolved.value.length > 0);

  return {
    rows, count, studies, unlearned, singles, isEmpty, shown, selectable, away, restoring, has, hasStudy, checkState, studyState, studiesState,
    setStudies, toggle, toggleAll, toggleStudy, toggleStudies, learn, show, refresh, leaveOut, forgetStudy, clear, restore, learnStudies,
  };
});

/** An answer; null if there is no such thing (any more). */
async function orGone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (failure) {
    if (failure instanceof ServerProblem && failure.status === 404) return null;
    throw failure;
  }
}
