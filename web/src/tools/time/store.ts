import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { axisOf, nameInSet, othersOf, setOf } from "@/tools/time/model";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** Volumes per second. */
export const TIME_RATES: readonly number[] = [1, 2, 4, 8, 15];

/** The set of volumes that the active view's belongs to, and how it is played. */
export const useTime = defineStore("time", () => {
  const views = useViews();
  const playing = ref(false);
  const rate = ref(4);

  const volumes = computed(() => views.active.series?.volumes ?? []);
  /** Indices into the series' volumes, in the order of the axis. */
  const set = computed(() => setOf(volumes.value, views.active.volumeIndex));
  const axis = computed(() => axisOf(set.value.map((i) => volumes.value[i])));
  const at = computed(() => set.value.indexOf(views.active.volumeIndex));
  const others = computed(() => othersOf(volumes.value, set.value));
  const names = computed(() => set.value.map((i, place) => nameInSet(volumes.value[i], axis.value, place)));

  function goTo(place: number): void {
    const wanted = set.value.at(Math.max(0, Math.min(set.value.length - 1, place)));
    if (wanted !== undefined && wanted !== views.active.volumeIndex) views.active.chooseVolume(wanted);
  }

  /** The volume `by` places further on; after the last comes the first. */
  function step(by: number): void {
    const { length } = set.value;
    if (length > 1) goTo((at.value + by + length) % length);
  }

  function toggle(): void {
    playing.value = !playing.value && set.value.length > 1;
  }

  const isOf = (view: View): boolean => view === views.active && set.value.length > 1;

  return { playing, rate, set, axis, at, others, names, goTo, step, toggle, isOf };
});
