import { defineStore } from "pinia";
import { ref } from "vue";

import { errorText } from "@/api/http";
import { deleteFilter, listFilters, type NamedFilter, saveFilter } from "@/api/studyList";
import type { StudyFilter } from "@/core/studyFilter";

/** The filters that the user has saved; the server keeps them, since they may name patients. */
export const useSavedFilters = defineStore("savedFilters", () => {
  const filters = ref<readonly NamedFilter[]>([]);
  const error = ref("");

  async function attempt(task: () => Promise<void>): Promise<boolean> {
    try {
      await task();
      filters.value = await listFilters();
      error.value = "";
      return true;
    } catch (failure) {
      error.value = errorText(failure);
      return false;
    }
  }

  const load = (): Promise<boolean> => attempt(() => Promise.resolve());
  /** Saves a filter, which is then one for all patients; one of the same name is replaced. */
  const save = (name: string, filter: StudyFilter): Promise<boolean> => attempt(() => saveFilter(name.trim(), { ...filter, patient: null }));
  const remove = (id: number): Promise<boolean> => attempt(() => deleteFilter(id));
  const rename = ({ id, name, filter }: NamedFilter, to: string): Promise<boolean> =>
    attempt(async () => {
      const wanted = to.trim();
      if (!wanted || wanted === name) return;
      await saveFilter(wanted, filter);
      await deleteFilter(id);
    });

  return { filters, error, load, save, remove, rename };
});
