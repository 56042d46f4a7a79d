import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { errorText, isAbort, ServerProblem } from "@/api/http";
import type { Series } from "@/api/series";
import { getSeries } from "@/api/studies";
import { isActive } from "@/core/jobState";

/** Milliseconds between looks at a series whose volumes are being built. */
const BUILDING_MS = 1000;
/** How long a record that was asked for ahead may be waited for. */
const AHEAD_MS = 10_000;

/** The records of the series that are open in views. */
export const useOpenSeries = defineStore("openSeries", () => {
  const records = shallowReactive(new Map<number, Series>());
  const errors = shallowReactive(new Map<number, string>());
  /** Series that are not there, or may not be seen. */
  const gone = new Set<number>();
  const timers = new Map<number, number>();
  /** Raised when all is closed: what was on its way then is forgotten. */
  let closed = 0;

  let ahead: { readonly id: number; readonly answer: Promise<Series> } | null = null;

  /** Asks for a record before the page that shows it is there; it is given to the first who loads it. */
  function expect(id: number): void {
    const asked = { id, answer: getSeries(id) };
    ahead = asked;
    // Its failure is told to who loads it.
    asked.answer.catch(() => undefined);
    window.setTimeout(() => {
      if (ahead === asked) ahead = null;
    }, AHEAD_MS);
  }

  function fetched(id: number, signal?: AbortSignal): Promise<Series> {
    if (ahead?.id !== id) return getSeries(id, signal);
    const { answer } = ahead;
    ahead = null;
    return answer;
  }

  /** Loads a series, again if it was open; its error if that fails. */
  async function load(id: number, signal?: AbortSignal): Promise<Series | null> {
    const before = closed;
    try {
      const loaded = await fetched(id, signal);
      if (signal?.aborted || closed !== before) return null;
      records.set(id, loaded);
      errors.delete(id);
      gone.delete(id);
      return loaded;
    } catch (failure) {
      if (!isAbort(failure) && closed === before) errors.set(id, errorText(failure));
      if (failure instanceof ServerProblem && failure.status === 404) gone.add(id);
      return null;
    }
  }

  /** The record of a series, which is loaded again until its volumes are built. */
  async function open(id: number, signal?: AbortSignal): Promise<Series | null> {
    const kept = records.get(id);
    if (kept && !isActive(kept.state)) return kept;
    const loaded = await load(id, signal);
    // One answer that fails does not end the waiting.
    const known = records.get(id);
    if (known && isActive(known.state)) waitForVolumes(id);
    return loaded;
  }

  function waitForVolumes(id: number): void {
    window.clearTimeout(timers.get(id));
    timers.set(
      id,
      window.setTimeout(() => {
        if (!timers.delete(id)) return;
        if (document.hidden) waitForVolumes(id);
        else void open(id);
      }, BUILDING_MS),
    );
  }

  function clear(): void {
    closed += 1;
    for (const timer of timers.values()) window.clearTimeout(timer);
    timers.clear();
    records.clear();
    errors.clear();
  }

  return { records, errors, gone, expect, load, open, clear };
});
