import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { StudyListed } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import { searchStudies } from "@/api/studyList";
import { NEWEST_FIRST, sortedBy, type Sorting, type StudyOrder } from "@/core/studyColumns";
import { NO_FILTER, sameFilter, type StudyFilter } from "@/core/studyFilter";
import { useTableSettings } from "@/stores/tableSettings";

/** What a list is left with when another one is shown, so that going back finds it as it was. */
interface LeftList extends Sorting {
  readonly filter: StudyFilter;
  readonly after: string;
  readonly before: number;
  readonly scrolled: number;
}

const FIRST_PAGE = { after: "", before: 0, scrolled: 0 };
const ALL: LeftList = { ...NEWEST_FIRST, ...FIRST_PAGE, filter: NO_FILTER };
/** The studies of a patient, as they are shown first. */
const ofPatient = (patient: number): LeftList => ({ ...ALL, order: "date", filter: { ...NO_FILTER, patient } });

/** The table of studies: one page of those that match the filter. */
export const useStudyTable = defineStore("studyTable", () => {
  const settings = useTableSettings();
  const filter = shallowRef<StudyFilter>(NO_FILTER);
  const sorting = shallowRef<Sorting>(NEWEST_FIRST);
  /** The cursor of the page that is shown; empty for the first. */
  const after = ref("");
  /** How many studies the pages before have. */
  const before = ref(0);
  const studies = shallowRef<readonly StudyListed[]>([]);
  const count = ref(0);
  /** True if there are more studies than `count`. */
  const moreThan = ref(false);
  const next = ref<string | null>(null);
  const previous = ref<string | null>(null);
  const loaded = ref(false);
  /** True until the answer to what was last asked is here. */
  const asking = ref(false);
  const error = ref("");
  /** How far the list is scrolled, for whoever comes back to it. */
  const scrolled = ref(0);
  let left = ALL;
  let last = 0;
  let running: AbortController | null = null;

  const building = computed(() => studies.value.some((study) => study.building));

  /** Asks the server; an answer to an earlier question is dropped. `quiet` is for what nobody waits for. */
  async function load(signal?: AbortSignal, quiet = false): Promise<void> {
    last += 1;
    const mine = last;
    running?.abort();
    const controller = new AbortController();
    running = controller;
    signal?.addEventListener("abort", () => controller.abort(), { once: true });
    if (!quiet) asking.value = true;
    try {
      const page = await searchStudies({ filter: filter.value, ...sorting.value, limit: settings.pageSize, after: after.value }, controller.signal);
      if (mine !== last) return;
      studies.value = page.items;
      count.value = page.count;
      moreThan.value = page.more_than;
      next.value = page.next;
      previous.value = page.previous;
      if (page.previous === null) before.value = 0;
      error.value = "";
      loaded.value = true;
    } catch (failure) {
      if (mine !== last || isAbort(failure)) return;
      error.value = errorText(failure);
      loaded.value = true;
    } finally {
      if (mine === last) asking.value = false;
    }
  }

  function toFirstPage(): void {
    after.value = FIRST_PAGE.after;
    before.value = FIRST_PAGE.before;
    scrolled.value = FIRST_PAGE.scrolled;
  }

  /** Changes the filter, back to the first page; true if it asks for something else than before. */
  function setFilter(changes: Partial<StudyFilter>): boolean {
    const changed = { ...filter.value, ...changes };
    const differs = !sameFilter(changed, filter.value);
    filter.value = changed;
    if (differs) toFirstPage();
    return differs;
  }

  const clearFilter = (): boolean => setFilter({ ...NO_FILTER, patient: filter.value.patient });

  async function sortBy(order: StudyOrder): Promise<void> {
    await setSorting(sortedBy(sorting.value, order));
  }

  async function setSorting(wanted: Sorting): Promise<void> {
    sorting.value = wanted;
    toFirstPage();
    await load();
  }

  async function turn(to: "next" | "previous"): Promise<void> {
    const cursor = to === "next" ? next.value : previous.value;
    if (cursor === null || asking.value) return;
    before.value = to === "next" ? before.value + studies.value.length : Math.max(0, before.value - settings.pageSize);
    after.value = cursor;
    scrolled.value = 0;
    await load();
  }

  async function setPageSize(size: number): Promise<void> {
    settings.pageSize = size;
    toFirstPage();
    await load();
  }

  /** Shows the studies of one patient, or those of all; each list keeps its filter and its page. */
  function show(patient: number | null): void {
    if (filter.value.patient === patient) return;
    if (filter.value.patient === null) {
      left = { ...sorting.value, filter: filter.value, after: after.value, before: before.value, scrolled: scrolled.value };
    }
    const wanted = patient === null ? left : ofPatient(patient);
    filter.value = wanted.filter;
    sorting.value = { order: wanted.order, descending: wanted.descending };
    after.value = wanted.after;
    before.value = wanted.before;
    scrolled.value = wanted.scrolled;
    studies.value = [];
    loaded.value = false;
    error.value = "";
  }

  /** Leaves studies out at once; what the server says follows. */
  function leaveOut(ids: readonly number[]): void {
    const gone = new Set(ids);
    const kept = studies.value.filter(({ id }) => !gone.has(id));
    count.value = Math.max(0, count.value - (studies.value.length - kept.length));
    studies.value = kept;
  }

  return {
    filter, sorting, before, studies, count, moreThan, next, previous, loaded, asking, error, scrolled, building,
    load, setFilter, clearFilter, sortBy, setSorting, turn, setPageSize, show, leaveOut,
  };
});
