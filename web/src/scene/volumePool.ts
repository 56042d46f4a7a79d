/** The sources of the volumes that are shown. */

import { getSlice } from "@/api/slices";
import type { Volume } from "@/api/series";
import type { PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";

/** Asks the server for each plane; takes the place of the worker's source until that stands. */
export function holdVolume(seriesId: number, volume: Volume): VolumeSource {
  const kept = new Map<string, PlanePicture>();
  const listeners = new Set<() => void>();
  const loaded = new Uint8Array(volume.shape[0]);
  return {
    key: `${seriesId}/${volume.index}/${volume.version}`,
    inTab: false,
    loaded,
    get loadedCount() {
      return loaded.reduce((sum, each) => sum + each, 0);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recent: (request) => kept.get(JSON.stringify(request)),
    settled: (request) => kept.has(JSON.stringify(request)),
    picture: async (request: PlaneRequest, signal) => {
      if (request.kind === "cut") throw new Error("not yet");
      const slice = await getSlice(seriesId, volume, request.plane, request.index, signal);
      const picture = { ...slice, missing: 0 };
      kept.set(JSON.stringify(request), picture);
      return picture;
    },
    voxel: () => Promise.resolve(null),
    demand: () => undefined,
    withdraw: () => undefined,
    retry: () => undefined,
  };
}

export function releaseVolume(source: VolumeSource): void {
  source.retry();
}
