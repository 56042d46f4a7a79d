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

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /**
   * Called with the record before those that watch the records hear of it, and at once if it has arrived already: what
   * they show then is made in one go, and what is fetched here is on its way meanwhile.
   */
  readonly first?: (series: Series) => void;
}

/** The records of the series that are open in views. */
export const useOpenSeries = defineStore("openSeries", () => {
  const records = shallowReactive(new Map<number, Series>());
  const errors = shallowReactive(new Map<number, string>());
  /** Series that are not there, or may not be seen. */
  const gone = new Set<number>();
  const timers = new Map<number, number>();
  /** Raised when all is closed: what was on its way then is forgotten. */
  let closed = 0;

  let ahead: { readonly id: number; readonly answer: Promise<Series>; arrived: Series | null } | null = null;

  /** Asks for a record before the page that shows it is there; it is given to the first who loads it. */
  function expect(id: number): void {
    const asked = { id, answer: getSeries(id), arrived: null as Series | null };
    ahead = asked;
    // Its failure is told to who loads it.
    asked.answer.then((series) => (asked.arrived = series)).catch(() => undefined);
    window.setTimeout(() => {
      if (ahead === asked) ahead = null;
    }, AHEAD_MS);
  }

  /** A record that has arrived already, or the answer that brings it. */
  function fetched(id: number, signal?: AbortSignal): Series | Promise<Series> {
    if (ahead?.id !== id) return getSeries(id, signal);
    const { answer, arrived } = ahead;
    ahead = null;
    return arrived ?? answer;
  }

  /** Loads a series, again if it was open; its error if that fails. */
  async function load(id: number, { signal, first }: LoadOptions = {}): Promise<Series | null> {
    const before = closed;
    try {
      const answer = fetched(id, signal);
      const loaded = answer instanceof Promise ? await answer : answer;
      if (signal?.aborted || closed !== before) return null;
      first?.(loaded);
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
  async function open(id: number, options: LoadOptions = {}): Promise<Series | null> {
    const kept = records.get(id);
    if (kept && !isActive(kept.state)) {
      options.first?.(kept);
      return kept;
    }
    const loaded = await load(id, options);
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
