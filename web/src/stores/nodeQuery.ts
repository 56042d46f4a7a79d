import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { NodeSeries, NodeStudy } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import { fetchStudy, queryNode } from "@/api/nodes";
import {
  type ChosenParts,
  foundRows,
  isSeriesChosen,
  NO_QUERY,
  type NodeQueryForm,
  NOTHING_CHOSEN,
  stateOfStudy,
  withSeriesToggled,
  withStudies,
} from "@/core/nodeAnswer";

/** The most studies that a search shows. */
export const MOST_FOUND = 200;

/** A job that fetches a study, or some of its series, from a node. */
export interface Retrieval {
  readonly job: number;
  readonly node: number;
  readonly study: NodeStudy;
  /** Empty: all. */
  readonly series: readonly string[];
}

/** The search of a node: its form, the answer, what is chosen of it and what is being fetched. It outlives the page, so that one can go back to it. */
export const useNodeQuery = defineStore("nodeQuery", () => {
  const node = ref<number | null>(null);
  const form = ref<NodeQueryForm>(NO_QUERY);
  const studies = shallowRef<readonly NodeStudy[]>([]);
  /** What the answer belongs to; null while there is none. */
  const asked = shallowRef<{ readonly node: number; readonly form: NodeQueryForm } | null>(null);
  const isCut = ref(false);
  /** True if the node did not match by all that was asked. */
  const ignoresKeys = ref(false);
  const asking = ref(false);
  const error = ref("");
  const open = shallowRef<ReadonlySet<string>>(new Set());
  const seriesOf = shallowRef<ReadonlyMap<string, readonly NodeSeries[]>>(new Map());
  const seriesErrors = shallowRef<ReadonlyMap<string, string>>(new Map());
  const chosen = shallowRef<ChosenParts>(NOTHING_CHOSEN);
  const retrievals = shallowRef<readonly Retrieval[]>([]);
  let running: AbortController | null = null;
  let last = "";

  const uids = computed(() => studies.value.map(({ study_instance_uid: uid }) => uid));
  const rows = computed(() => foundRows(studies.value, { open: open.value, seriesOf: seriesOf.value, errors: seriesErrors.value }));
  const stateOf = (uid: string): boolean | "mixed" => stateOfStudy(chosen.value, uid);
  const isChosen = (study: string, series: string): boolean => isSeriesChosen(chosen.value, study, series);
  const chosenStudies = computed(() => chosen.value.studies.size);
  const chosenSeries = computed(() => [...chosen.value.series.values()].reduce((sum, own) => sum + own.size, 0));
  const stateOfAll = computed(() => {
    if (!chosenStudies.value && !chosenSeries.value) return false;
    return chosenStudies.value === studies.value.length ? true : ("mixed" as const);
  });

  function clear(): void {
    studies.value = [];
    asked.value = null;
    isCut.value = ignoresKeys.value = false;
    error.value = "";
    open.value = new Set();
    seriesOf.value = new Map();
    seriesErrors.value = new Map();
    chosen.value = NOTHING_CHOSEN;
  }

  function stop(): void {
    running?.abort();
    running = null;
    asking.value = false;
  }

  /** Chooses another node; the answer of the one before goes. */
  function choose(id: number | null): void {
    if (id === node.value) return;
    stop();
    node.value = id;
    clear();
  }

  async function search(): Promise<void> {
    const id = node.value;
    if (id === null) return;
    stop();
    const controller = (running = new AbortController());
    const wanted = { ...form.value };
    asking.value = true;
    error.value = "";
    try {
      const answer = await queryNode(id, { ...wanted, level: "study", limit: MOST_FOUND }, controller.signal);
      if (running !== controller) return;
      clear();
      studies.value = answer.studies;
      isCut.value = answer.is_cut;
      ignoresKeys.value = answer.ignores_keys;
      asked.value = { node: id, form: wanted };
    } catch (failure) {
      if (isAbort(failure) || running !== controller) return;
      clear();
      error.value = errorText(failure);
    }
    stop();
  }

  async function loadSeries(uid: string): Promise<void> {
    const before = asked.value;
    if (!before) return;
    const failures = new Map(seriesErrors.value);
    failures.delete(uid);
    try {
      const { series } = await queryNode(before.node, { level: "series", study_instance_uid: uid, limit: MOST_FOUND });
      if (asked.value !== before) return;
      seriesOf.value = new Map(seriesOf.value).set(uid, series);
    } catch (failure) {
      failures.set(uid, errorText(failure));
    }
    seriesErrors.value = failures;
  }

  function toggleOpen(uid: string): void {
    const changed = new Set(open.value);
    if (!changed.delete(uid)) changed.add(uid);
    open.value = changed;
    if (changed.has(uid) && !seriesOf.value.has(uid)) void loadSeries(uid);
  }

  /** Chooses a study, or leaves it out; `extend` does the same with those since the last one. */
  function toggle(uid: string, extend = false): void {
    const [from, to] = [uids.value.indexOf(last), uids.value.indexOf(uid)].sort((a, b) => a - b);
    chosen.value = withStudies(chosen.value, extend && from >= 0 ? uids.value.slice(from, to + 1) : [uid], stateOf(uid) !== true);
    last = uid;
  }

  function toggleSeries(study: string, uid: string): void {
    const all = (seriesOf.value.get(study) ?? []).map(({ series_instance_uid: each }) => each);
    chosen.value = withSeriesToggled(chosen.value, study, uid, all);
  }

  const toggleAll = (): void => void (chosen.value = withStudies(NOTHING_CHOSEN, uids.value, stateOfAll.value !== true));
  const unselect = (): void => void (chosen.value = NOTHING_CHOSEN);

  /** Has what is chosen fetched, a job for each study in the order of the table: one that fails spoils no other. */
  async function retrieve(): Promise<void> {
    const before = asked.value;
    if (!before) return;
    for (const study of studies.value) {
      const uid = study.study_instance_uid;
      if (stateOf(uid) === false) continue;
      const series = [...(chosen.value.series.get(uid) ?? [])];
      const { id: job } = await fetchStudy(before.node, uid, series);
      retrievals.value = [...retrievals.value, { job, node: before.node, study, series }];
      chosen.value = withStudies(chosen.value, [uid], false);
    }
  }

  /** Asks the node again, so that what is here by now is shown; what is chosen and open stays. */
  async function refresh(): Promise<void> {
    const before = asked.value;
    if (!before || asking.value) return;
    try {
      const answer = await queryNode(before.node, { ...before.form, level: "study", limit: MOST_FOUND });
      if (asked.value !== before) return;
      studies.value = answer.studies;
      await Promise.all([...open.value].map(loadSeries));
    } catch {
      // The table stays as it was: nobody asked for this.
    }
  }

  const dismiss = (job: number): void => void (retrievals.value = retrievals.value.filter((each) => each.job !== job));

  return {
    node, form, studies, asked, isCut, ignoresKeys, asking, error, open, rows, chosenStudies, chosenSeries, stateOfAll, retrievals,
    stateOf, isChosen, choose, search, stop, loadSeries, toggleOpen, toggle, toggleSeries, toggleAll, unselect, retrieve, refresh, dismiss,
  };
});
