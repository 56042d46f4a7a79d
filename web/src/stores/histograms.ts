import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { getHistogram } from "@/api/studies";
import type { Histogram } from "@/core/histogram";

interface Counted {
  readonly index: number;
  readonly version: string;
}

const keyOf = (seriesId: number, { index, version }: Counted): string => `${seriesId}/${index}/${version}`;
/** The most histograms kept: each may have a million values. */
const MOST = 12;

/** The histograms of the volumes that are looked at; each is asked for once, however many parts of the page use it. */
export const useHistograms = defineStore("histograms", () => {
  const known = shallowReactive(new Map<string, Histogram>());
  const underWay = new Map<string, Promise<Histogram>>();

  const of = (seriesId: number, volume: Counted): Histogram | null => known.get(keyOf(seriesId, volume)) ?? null;

  /** A histogram, which is loaded if it is not known. Throws the server's problem. */
  function load(seriesId: number, volume: Counted): Promise<Histogram> {
    const key = keyOf(seriesId, volume);
    const kept = known.get(key);
    if (kept) return Promise.resolve(kept);
    const asked = underWay.get(key) ?? fetchAs(key, seriesId, volume).finally(() => underWay.delete(key));
    underWay.set(key, asked);
    return asked;
  }

  async function fetchAs(key: string, seriesId: number, { index }: Counted): Promise<Histogram> {
    const loaded = await getHistogram(seriesId, index);
    known.set(key, loaded);
    for (const oldest of known.keys()) {
      if (known.size <= MOST) break;
      known.delete(oldest);
    }
    return loaded;
  }

  return { of, load };
});
