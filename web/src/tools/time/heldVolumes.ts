/** The sources of several volumes of a series, held as long as a component lives. */

import { onScopeDispose, shallowRef, watch } from "vue";

import type { Series } from "@/api/series";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import type { VolumeSource } from "@/scene/volumeSource";

/** `wanted` gives indices of the series' volumes. The sources are in the same order. */
export function useHeldVolumes(wanted: () => { readonly series: Series | null; readonly volumes: readonly number[] }) {
  const sources = shallowRef<readonly VolumeSource[]>([]);

  function put(fresh: readonly VolumeSource[]): void {
    const before = sources.value;
    sources.value = fresh;
    for (const source of before) releaseVolume(source);
  }

  watch(
    () => {
      const { series, volumes } = wanted();
      return { series, volumes, key: series ? volumes.map((i) => `${series.id}/${i}/${series.volumes[i].version}`).join() : "" };
    },
    ({ series, volumes, key }, before) => {
      // The same ones are kept, not given back and taken again.
      if (key === before?.key) return;
      put(series ? volumes.map((i) => holdVolume(series.id, series.volumes[i])) : []);
    },
    { immediate: true },
  );
  onScopeDispose(() => put([]));
  return sources;
}
