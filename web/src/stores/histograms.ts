import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { getHistogram } from "@/api/studies";
import type { Histogram } from "@/core/histogram";

interface Counted {
  readonly seriesId: number;
  readonly volume: { readonly index: number; readonly version: string };
}

const keyOf = ({ seriesId, volume }: Counted): string => `${seriesId}/${volume.index}/${volume.version}`;
/** The most histograms kept: each may have a million values. */
const MOST = 12;

/** The histograms of the volumes that are looked at. */
export const useHistograms = defineStore("histograms", () => {
  const known = shallowReactive(new Map<string, Histogram>());

  const of = (seriesId: number, volume: Counted["volume"]): Histogram | null => known.get(keyOf({ seriesId, volume })) ?? null;

  /** Loads a histogram, if it is not known. Throws the server's problem, or an abort. */
  async function load(seriesId: number, volume: Counted["volume"], signal?: AbortSignal): Promise<Histogram> {
    const kept = of(seriesId, volume);
    if (kept) return kept;
    const loaded = await getHistogram(seriesId, volume.index, signal);
    known.set(keyOf({ seriesId, volume }), loaded);
    for (const oldest of known.keys()) {
      if (known.size <= MOST) break;
      known.delete(oldest);
    }
    return loaded;
  }

  return { of, load };
});
