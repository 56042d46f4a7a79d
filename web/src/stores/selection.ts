import { defineStore } from "pinia";
import { computed, shallowRef, watch } from "vue";

import { listSeries } from "@/api/archive";
import type { SeriesRow } from "@/api/records";
import { between, obstacle } from "@/core/selection";

/** All of some series, none, or some. */
export type Tick = boolean | "mixed";

/** In the browser's tab, as keys: nothing of a patient. */
const KEPT = "voxelry-selection";
const PORTION = 1000;

function kept(): number[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((id): id is number => Number.isInteger(id)) : [];
  } catch {
    return [];
  }
}

function keep(ids: readonly number[]): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(ids));
  } catch {
    // A browser that keeps nothing forgets the selection when the page is loaded anew.
  }
}

/** The series that a step is to be run on, gathered from any list; they stay through searches, other pages and a reload. */
export const useSelection = defineStore("selection", () => {
  const chosen = shallowRef<ReadonlyMap<number, SeriesRow>>(new Map());
  /** What the page shows, in its order. */
  const shown = shallowRef<readonly SeriesRow[]>([]);
  let last: number | null = null;
  /** Selected before the page was loaded, and not looked up yet. */
  const lost = shallowRef<readonly number[]>(kept());

  const rows = computed(() => [...chosen.value.values()]);
  const count = computed(() => chosen.value.size);
  const selectable = computed(() => shown.value.filter((row) => !obstacle(row)));
  const away = computed(() => {
    const here = new Set(shown.value.map(({ id }) => id));
    return rows.value.filter(({ id }) => !here.has(id)).length;
  });

  const has = (id: number): boolean => chosen.value.has(id);

  function ticked(some: readonly SeriesRow[]): Tick {
    const possible = some.filter((row) => !obstacle(row));
    const found = possible.filter(({ id }) => has(id)).length;
    if (found === 0) return false;
    return found === possible.length ? true : "mixed";
  }

  /** Takes them in or leaves them out; what can never be run on is not taken in. */
  function put(some: readonly SeriesRow[], taken: boolean): void {
    const changed = new Map(chosen.value);
    for (const row of some) {
      if (!taken) changed.delete(row.id);
      else if (!obstacle(row)) changed.set(row.id, row);
    }
    chosen.value = changed;
  }

  /** The one that is clicked, and with Shift all from the one before to it. */
  function toggle(row: SeriesRow, extend = false): void {
    const taken = !has(row.id);
    const range = extend ? between(shown.value, last, row.id) : [];
    put(range.length > 0 ? range : [row], taken);
    last = row.id;
  }

  const toggleAll = (some: readonly SeriesRow[]): void => put(some, ticked(some) !== true);

  /** What the page shows now; what is known of those that are selected is renewed. */
  function show(seen: readonly SeriesRow[]): void {
    shown.value = seen;
    renew(seen);
  }

  function renew(seen: readonly SeriesRow[]): void {
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
    lost.value = [];
    last = null;
  }

  /** Looks up what was selected before the page was loaded; what is gone since is left out. */
  async function restore(): Promise<void> {
    const wanted = new Set(lost.value);
    const found = new Map<number, SeriesRow>();
    for (let offset = 0; found.size < wanted.size; offset += PORTION) {
      const { items, count } = await listSeries({ limit: PORTION, offset });
      for (const row of items) if (wanted.has(row.id)) found.set(row.id, row);
      if (items.length === 0 || offset + items.length >= count) break;
    }
    put(lost.value.flatMap((id) => found.get(id) ?? []), true);
    lost.value = [];
  }

  watch([chosen, lost], () => keep([...chosen.value.keys(), ...lost.value.filter((id) => !has(id))]));

  const restoring = computed(() => lost.value.length > 0);

  return { rows, count, shown, selectable, away, restoring, has, ticked, toggle, toggleAll, show, renew, leaveOut, forgetStudy, clear, restore };
});
