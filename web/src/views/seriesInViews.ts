/** The series that can be shown, and which of them is shown in which view. */

import { defineStore } from "pinia";
import { computed, shallowReactive, shallowRef, watch } from "vue";

import type { SeriesRow, StudyListed } from "@/api/generated/validators";
import { errorText } from "@/api/http";
import { searchStudies } from "@/api/studyList";
import { isActive } from "@/core/jobState";
import { followingSeries, nextSeries } from "@/core/seriesOrder";
import { NO_FILTER } from "@/core/studyFilter";
import { useNotices } from "@/stores/notices";
import { useOpenSeries } from "@/stores/openSeries";
import { seriesOfStudy } from "@/stores/seriesOfStudy";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** The most studies of a patient that are offered. */
const MOST_STUDIES = 100;

export const useSeriesInViews = defineStore("seriesInViews", () => {
  const views = useViews();
  const open = useOpenSeries();
  /** The study whose series are offered. */
  const studyId = shallowRef<number | null>(null);
  const rows = shallowRef<readonly SeriesRow[]>([]);
  /** The studies of the patient, the last ones first. */
  const studies = shallowRef<readonly StudyListed[]>([]);
  const error = shallowRef("");
  /** The series that a view waits for, by the view's id. */
  const waiting = shallowReactive(new Map<string, number>());
  let patient: number | null = null;

  /** Offers the series of a study, and the patient's other studies. */
  async function offer(study: number, patientId: number): Promise<void> {
    if (patientId !== patient) {
      patient = patientId;
      studies.value = [];
      void listStudies(patientId);
    }
    if (study !== studyId.value) rows.value = [];
    studyId.value = study;
    await refresh();
  }

  async function refresh(): Promise<void> {
    const study = studyId.value;
    if (study === null) return;
    try {
      const found = await seriesOfStudy(study);
      if (study !== studyId.value) return;
      rows.value = found;
      error.value = "";
    } catch (failure) {
      if (study === studyId.value) error.value = errorText(failure);
    }
  }

  async function listStudies(patientId: number): Promise<void> {
    const page = { order: "date", descending: true, limit: MOST_STUDIES, after: "" } as const;
    const found = await searchStudies({ filter: { ...NO_FILTER, patient: patientId }, ...page }).catch(() => null);
    if (found && patientId === patient) studies.value = found.items;
  }

  /** Shows a series in a view, at the place that the linked views look at. The last wish for a view counts. */
  async function show(view: View, id: number, { onlyEmpty = false } = {}): Promise<void> {
    if (view.series?.id === id) {
      waiting.delete(view.id);
      return;
    }
    waiting.set(view.id, id);
    const record = await open.open(id);
    if (waiting.get(view.id) !== id || !views.views.includes(view)) return;
    if (!record) {
      // An empty view says it itself.
      if (view.series === null) return;
      waiting.delete(view.id);
      useNotices().tell(`The series could not be loaded: ${open.errors.get(id) ?? ""}`, "bad");
      return;
    }
    waiting.delete(view.id);
    if (onlyEmpty && view.series !== null) return;
    const { plane } = view;
    view.close();
    view.show(record);
    view.choosePlane(plane);
    views.adoptPlace(view);
  }

  function empty(view: View): void {
    waiting.delete(view.id);
    view.close();
  }

  /** Shows the next or the previous series with pictures in the active view. */
  async function showNext(by: 1 | -1): Promise<void> {
    const view = views.active;
    const wanted = nextSeries(rows.value, waiting.get(view.id) ?? view.series?.id ?? null, by);
    if (wanted) await show(view, wanted.id);
  }

  /** Gives each empty view one of the series that follow the active view's. */
  function fill(): void {
    const shown = views.views.flatMap((view) => waiting.get(view.id) ?? view.series?.id ?? []);
    const following = followingSeries(rows.value, views.active.series?.id ?? null, shown);
    views.views
      .filter((view) => view.series === null && !waiting.has(view.id))
      .forEach((view, i) => {
        const row = following.at(i);
        if (row) void show(view, row.id, { onlyEmpty: true });
        // One series beside itself: two windows, two places.
        else if (views.layout === "2" && i === 0) views.copyInto(view, views.active);
      });
  }

  function clear(): void {
    waiting.clear();
    studyId.value = null;
    patient = null;
    rows.value = [];
    studies.value = [];
    error.value = "";
  }

  /** The series that are shown, with the numbers of their views. */
  const placesOf = computed(() => {
    const places = new Map<number, number[]>();
    views.views.forEach(({ series }, i) => {
      if (series) places.set(series.id, [...(places.get(series.id) ?? []), i + 1]);
    });
    return places;
  });

  // Volumes that were being built are shown as soon as they are there.
  watch(
    () => [...open.records.values()],
    (records) => {
      for (const record of records) if (views.views.some(({ series }) => series?.id === record.id && series !== record)) views.renew(record);
    },
  );
  const building = computed(() => rows.value.some(({ state }) => isActive(state)));

  return { studyId, rows, studies, error, waiting, placesOf, building, offer, refresh, show, empty, showNext, fill, clear };
});
