import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { Series } from "@/api/series";
import { getSeries } from "@/api/studies";

/** The records of the series that are open in views. */
export const useOpenSeries = defineStore("openSeries", () => {
  const records = shallowReactive(new Map<number, Series>());
  const errors = shallowReactive(new Map<number, string>());

  /** Loads a series, again if it was open; its error if that fails. */
  async function load(id: number, signal?: AbortSignal): Promise<Series | null> {
    try {
      const loaded = await getSeries(id, signal);
      records.set(id, loaded);
      errors.delete(id);
      return loaded;
    } catch (failure) {
      if (!isAbort(failure)) errors.set(id, errorText(failure));
      return null;
    }
  }

  function clear(): void {
    records.clear();
    errors.clear();
  }

  return { records, errors, load, clear };
});
