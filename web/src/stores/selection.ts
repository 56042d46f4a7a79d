import { defineStore } from "pinia";
import { computed, shallowRef, watch } from "vue";

import type { SeriesRow } from "@/api/generated/validators";
import { listSeries } from "@/api/studies";
import { rowsBetween, whyNeverRunnable } from "@/core/runnable";

/** Whether all of some series are selected, none, or some ("mixed"). */
export type CheckState = boolean | "mixed";

/** The tab's session storage holds the series' ids only, nothing of a patient. */
const STORAGE_KEY = "voxelry-selection";
const PAGE_SIZE = 1000;

function readStoredIds(): number[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((id): id is number => Number.isInteger(id)) : [];
  } catch {
    return [];
  }
}

function storeIds(ids: readonly number[]): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(ids));
  } catch {
    // Without session storage, the selection is lost when the page is reloaded.
  }
}

/** The series selected for a step, from any list; the selection survives searches, other pages and a reload. */
export const useSelection = defineStore("selection", () => {
  const chosen = shallowRef<ReadonlyMap<number, SeriesRow>>(new Map());
  /** The series that the page shows, in its order. */
  const shown = shallowRef<readonly SeriesRow[]>([]);
  let last: number | null = null;
  /** Ids selected before the page was loaded whose series are not fetched yet. */
  const unresolved = shallowRef<readonly number[]>(readStoredIds());

  const rows = computed(() => [...chosen.value.values()]);
  const count = computed(() => chosen.value.size);
  const selectable = computed(() => shown.value.filter((row) => !whyNeverRunnable(row)));
  /** How many selected series the page does not show. */
  const away = computed(() => {
    const here = new Set(shown.value.map(({ id }) => id));
    return rows.value.filter(({ id }) => !here.has(id)).length;
  });

  const has = (id: number): boolean => chosen.value.has(id);

  function checkState(some: readonly SeriesRow[]): CheckState {
    const runnable = some.filter((row) => !whyNeverRunnable(row));
    const selected = runnable.filter(({ id }) => has(id)).length;
    if (selected === 0) return false;
    return selected === runnable.length ? true : "mixed";
  }

  /** Selects or unselects series; those that no step can run on are never selected. */
  function setSelected(some: readonly SeriesRow[], selected: boolean): void {
    const changed = new Map(chosen.value);
    for (const row of some) {
      if (!selected) changed.delete(row.id);
      else if (!whyNeverRunnable(row)) changed.set(row.id, row);
    }
    chosen.value = changed;
  }

  /** Toggles a series; `extend` (Shift) gives its new state to the range from the last toggled one. */
  function toggle(row: SeriesRow, extend = false): void {
    const selected = !has(row.id);
    const range = extend ? rowsBetween(shown.value, last, row.id) : [];
    setSelected(range.length > 0 ? range : [row], selected);
    last = row.id;
  }

  const toggleAll = (some: readonly SeriesRow[]): void => setSelected(some, checkState(some) !== true);

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

  function leaveOut(ids: readonly number[]): void {
    const changed = new Map(chosen.value);
    for (const id of ids) changed.delete(id);
    chosen.value = changed;
  }

  const forgetStudy = (study: number): void => leaveOut(rows.value.filter(({ study_id }) => study_id === study).map(({ id }) => id));

  function clear(): void {
    chosen.value = new Map();
    unresolved.value = [];
    last = null;
  }

  /** Fetches the series selected before the page was loaded; those deleted since are dropped. */
  async function restore(): Promise<void> {
    const wanted = new Set(unresolved.value);
    const fetched = new Map<number, SeriesRow>();
    for (let offset = 0; fetched.size < wanted.size; offset += PAGE_SIZE) {
      const { items, count } = await listSeries({ limit: PAGE_SIZE, offset });
      for (const row of items) if (wanted.has(row.id)) fetched.set(row.id, row);
      if (items.length === 0 || offset + items.length >= count) break;
    }
    setSelected(unresolved.value.flatMap((id) => fetched.get(id) ?? []), true);
    unresolved.value = [];
  }

  watch([chosen, unresolved], () => storeIds([...chosen.value.keys(), ...unresolved.value.filter((id) => !has(id))]));

  const restoring = computed(() => unresolved.value.length > 0);

  return { rows, count, shown, selectable, away, restoring, has, checkState, toggle, toggleAll, show, refresh, leaveOut, forgetStudy, clear, restore };
});
