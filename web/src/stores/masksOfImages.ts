import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { errorText, isAbort } from "@/api/http";
import { getSegmentation, type LabelledSegmentation, listSegmentations, type SegmentationSummary } from "@/api/segmentations";

/** Milliseconds between looks at a mask that is being built. */
const BUILDING_MS = 1000;

/** The masks over one image. */
export interface MaskList {
  readonly rows: readonly SegmentationSummary[];
  /** Why the newest list could not be had; empty if it could. */
  readonly error: string;
}

const keyOf = (seriesId: number, volume: number): string => `${seriesId}/${volume}`;

/** The masks that the server knows: lists for images, and the records of those that are shown. */
export const useSegmentations = defineStore("segmentations", () => {
  const lists = shallowReactive(new Map<string, MaskList>());
  const records = shallowReactive(new Map<number, LabelledSegmentation>());
  /** Why a mask cannot be shown, in words. */
  const errors = shallowReactive(new Map<number, string>());
  const timers = new Map<string, number>();
  const underWay = new Map<number, Promise<LabelledSegmentation | null>>();
  /** Raised when all is closed: what was on its way then is forgotten. */
  let closed = 0;

  const listOf = (seriesId: number, volume: number): MaskList | null => lists.get(keyOf(seriesId, volume)) ?? null;

  function again(name: string, task: () => void): void {
    window.clearTimeout(timers.get(name));
    timers.set(
      name,
      window.setTimeout(() => {
        if (!timers.delete(name)) return;
        if (document.hidden) again(name, task);
        else task();
      }, BUILDING_MS),
    );
  }

  /** Loads the masks over an image, again until all are built. */
  async function list(seriesId: number, volume: number, signal?: AbortSignal): Promise<MaskList | null> {
    const key = keyOf(seriesId, volume);
    const before = closed;
    try {
      const rows = await listSegmentations(seriesId, volume, signal);
      if (closed !== before) return null;
      lists.set(key, { rows, error: "" });
      if (rows.some(({ state }) => state === "building")) again(`list ${key}`, () => void list(seriesId, volume));
    } catch (failure) {
      if (isAbort(failure) || closed !== before) return null;
      lists.set(key, { rows: lists.get(key)?.rows ?? [], error: errorText(failure) });
    }
    return lists.get(key) ?? null;
  }

  /** The record of a mask; null if it cannot be shown, or is still being built: then it comes later. */
  function open(id: number): Promise<LabelledSegmentation | null> {
    const kept = records.get(id);
    if (kept) return Promise.resolve(kept);
    const asked = underWay.get(id) ?? load(id).finally(() => underWay.delete(id));
    underWay.set(id, asked);
    return asked;
  }

  async function load(id: number): Promise<LabelledSegmentation | null> {
    const before = closed;
    try {
      const record = await getSegmentation(id);
      if (closed !== before) return null;
      errors.delete(id);
      if (record.state === "building") again(`record ${id}`, () => void open(id));
      else if (record.problem) errors.set(id, record.problem.message);
      else {
        records.set(id, record);
        return record;
      }
    } catch (failure) {
      if (!isAbort(failure) && closed === before) errors.set(id, errorText(failure));
    }
    return null;
  }

  /** The SOP Instance UID of a mask that was listed or opened; empty if it is not known. */
  function uidOf(id: number): string {
    const listed = [...lists.values()].flatMap(({ rows }) => rows).find((row) => row.id === id);
    return records.get(id)?.sop_instance_uid ?? listed?.sop_instance_uid ?? "";
  }

  function clear(): void {
    closed += 1;
    for (const timer of timers.values()) window.clearTimeout(timer);
    timers.clear();
    lists.clear();
    records.clear();
    errors.clear();
  }

  return { lists, records, errors, listOf, list, open, uidOf, clear };
});
