import { defineStore } from "pinia";
import { shallowRef } from "vue";

import type { SeriesRow, StudyListed } from "@/api/generated/validators";
import { errorText } from "@/api/http";
import { inTurns } from "@/core/inTurns";
import { isActive } from "@/core/jobState";
import { useSelection } from "@/stores/selection";
import { MOST_OF_STUDY, seriesOfStudy } from "@/stores/seriesOfStudy";

/** The studies of a list that show their series, and those series. */
export const useOpenStudies = defineStore("openStudies", () => {
  const open = shallowRef<ReadonlySet<number>>(new Set());
  const seriesOf = shallowRef<ReadonlyMap<number, readonly SeriesRow[]>>(new Map());
  const errors = shallowRef<ReadonlyMap<number, string>>(new Map());
  /** Studies that the user closed, which do not open by themselves. */
  const closed = new Set<number>();

  const isOpen = (study: number): boolean => open.value.has(study);

  async function load(study: number): Promise<void> {
    let failure = "";
    try {
      const rows = await seriesOfStudy(study);
      seriesOf.value = new Map(seriesOf.value).set(study, rows);
      useSelection().learn(study, rows);
    } catch (reason) {
      failure = errorText(reason);
    }
    const failures = new Map(errors.value);
    failures.delete(study);
    if (failure) failures.set(study, failure);
    errors.value = failures;
  }

  async function show(study: number): Promise<void> {
    closed.delete(study);
    if (isOpen(study)) return;
    open.value = new Set(open.value).add(study);
    await load(study);
  }

  /** Shows the series of a study, unless the user closed it. */
  async function suggest(study: number): Promise<void> {
    if (!closed.has(study)) await show(study);
  }

  function hide(study: number): void {
    closed.add(study);
    const rest = new Set(open.value);
    rest.delete(study);
    open.value = rest;
  }

  const toggle = (study: number): void => (isOpen(study) ? hide(study) : void show(study));

  /** Loads the series of open studies again, if a volume of one is being built or their number has changed. */
  async function refresh(studies: readonly Pick<StudyListed, "id" | "building" | "series_count">[]): Promise<void> {
    const isStale = ({ id, building, series_count: count }: (typeof studies)[number]): boolean => {
      const known = seriesOf.value.get(id);
      return !known || building || known.length !== Math.min(count, MOST_OF_STUDY) || known.some(({ state }) => isActive(state));
    };
    await inTurns(studies.filter((study) => isOpen(study.id) && isStale(study)).map(({ id }) => id), load);
  }

  return { open, seriesOf, errors, isOpen, show, suggest, hide, toggle, refresh, reload: load };
});
