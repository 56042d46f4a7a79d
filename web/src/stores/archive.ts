import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { StudyOut } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import { deleteStudy, listStudies } from "@/api/studies";
import { isActive } from "@/core/jobState";
import { useSelection } from "@/stores/selection";

const PAGE_SIZE = 50;

/** The studies on the home page: those that match the search, as many as the user asked for. */
export const useArchive = defineStore("archive", () => {
  const studies = ref<StudyOut[]>([]);
  const count = ref(0);
  const search = ref("");
  const shown = ref(PAGE_SIZE);
  const loaded = ref(false);
  const error = ref("");

  /** True while volumes of a listed series are being built. */
  const building = computed(() => studies.value.some((study) => study.series.some((series) => isActive(series.state))));
  const more = computed(() => studies.value.length < count.value);

  async function load(signal?: AbortSignal): Promise<void> {
    const asked = search.value;
    try {
      const page = await listStudies({ search: asked, limit: shown.value }, signal);
      if (asked !== search.value) return;
      studies.value = page.items;
      count.value = page.count;
      error.value = "";
      loaded.value = true;
    } catch (failure) {
      if (isAbort(failure)) return;
      error.value = errorText(failure);
      loaded.value = true;
    }
  }

  async function searchFor(query: string): Promise<void> {
    search.value = query;
    shown.value = PAGE_SIZE;
    await load();
  }

  async function showMore(): Promise<void> {
    shown.value += PAGE_SIZE;
    await load();
  }

  async function remove(id: number): Promise<void> {
    await deleteStudy(id);
    useSelection().forgetStudy(id);
    studies.value = studies.value.filter((study) => study.id !== id);
    count.value = Math.max(0, count.value - 1);
  }

  return { studies, count, search, loaded, error, building, more, load, searchFor, showMore, remove };
});
