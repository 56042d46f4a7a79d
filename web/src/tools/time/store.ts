import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import { axisOf, commonWords, nameInSet, nearestWords, othersOf, setOf } from "@/tools/time/model";
import { axesOf, volumesAlong, nearestAt, type AxisPlaces, placesOf, valueWords } from "@/tools/time/volumeAxes";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** Volumes per second. */
export const TIME_RATES: readonly number[] = [1, 2, 4, 8, 15];

/** The set of volumes that the active view's belongs to, its axes, and how it is played along one of them. */
export const useTime = defineStore("time", () => {
  const views = useViews();
  const playing = ref(false);
  const rate = ref(4);
  /** The keyword of the axis that somebody chose. */
  const wantedAxis = ref("");
  /** The places that were asked for, one on each axis. */
  const asked = shallowRef<AxisPlaces>([]);
  /** Why the shown volume is not at the places that were asked for. */
  const nearest = shallowRef<{ readonly volume: number; readonly words: string } | null>(null);

  const volumes = computed(() => views.active.series?.volumes ?? []);
  /** Indices into the series' volumes: all that lie on the grid of the active one. */
  const set = computed(() => setOf(volumes.value, views.active.volumeIndex));
  const members = computed(() => set.value.map((i) => volumes.value[i]));
  const axes = computed(() => axesOf(members.value));
  /** True if the volumes lie along several axes, each of which has a slider. */
  const isGrid = computed(() => axes.value.length > 1);
  /** The axis that is played and plotted; without a choice the longest. */
  const along = computed(() => {
    const chosen = axes.value.findIndex(({ keyword }) => keyword === wantedAxis.value);
    if (chosen >= 0) return chosen;
    return axes.value.reduce((best, { count }, i) => (count > axes.value[best].count ? i : best), 0);
  });
  const inSet = computed(() => set.value.indexOf(views.active.volumeIndex));
  const places = computed(() => (inSet.value < 0 ? [] : placesOf(axes.value, inSet.value, asked.value)));
  /** The volumes along the chosen axis, in its order; of a set with one axis all. */
  const line = computed<readonly number[]>((before) => {
    const fresh = !isGrid.value || inSet.value < 0 ? set.value : volumesAlong(axes.value, along.value, inSet.value, places.value).map((i) => set.value[i]);
    return before?.join() === fresh.join() ? before : fresh;
  });
  const axis = computed(() => axisOf(line.value.map((i) => volumes.value[i]), isGrid.value ? axes.value[along.value] : undefined));
  const at = computed(() => line.value.indexOf(views.active.volumeIndex));
  const others = computed(() => othersOf(volumes.value, set.value));
  const names = computed(() => line.value.map((i, place) => nameInSet(volumes.value[i], axis.value, place)));
  /** What the volumes of the line have in common; empty where all of the set are in it. */
  const common = computed(() => (isGrid.value && views.active.volume ? commonWords(axes.value, along.value, views.active.volume) : ""));
  const nearestText = computed(() => (nearest.value?.volume === views.active.volumeIndex && isGrid.value ? nearest.value.words : ""));
  /** What the shown volume has on each axis. */
  const values = computed(() => axes.value.map((each) => (views.active.volume ? valueWords(each, views.active.volume) : "")));

  watch(
    [() => views.active.series?.id, () => set.value.join()],
    () => {
      asked.value = [];
      nearest.value = null;
    },
    { flush: "sync" },
  );

  function show(index: number | undefined): void {
    if (index !== undefined && index !== views.active.volumeIndex) views.active.chooseVolume(index);
  }

  function goTo(place: number): void {
    show(line.value.at(Math.max(0, Math.min(line.value.length - 1, place))));
  }

  /** Goes to a place of one axis, and stays where it is on the others; to the nearest volume, and says so, if there is none. */
  function goAlong(number: number, place: number): void {
    const wanted = places.value.map((own, i) => (i === number ? place : own));
    const reached = nearestAt(axes.value, number, wanted);
    if (!reached) return;
    const index = set.value[reached.at];
    asked.value = wanted;
    nearest.value = reached.exact ? null : { volume: index, words: nearestWords(axes.value, wanted, volumes.value[index]) };
    show(index);
  }

  /** The volume `by` places further on along the chosen axis; after the last comes the first. */
  function step(by: number): void {
    if (isGrid.value) {
      const { count } = axes.value[along.value];
      goAlong(along.value, (places.value[along.value] + by + count) % count);
    } else playOn(by);
  }

  /** The next of the volumes that are there, for the cine. */
  function playOn(by = 1): void {
    const { length } = line.value;
    if (length > 1) goTo((at.value + by + length) % length);
  }

  function chooseAxis(number: number): void {
    wantedAxis.value = axes.value.at(number % Math.max(1, axes.value.length))?.keyword ?? "";
  }

  function toggle(): void {
    playing.value = !playing.value && line.value.length > 1;
  }

  const isOf = (view: View): boolean => view === views.active && set.value.length > 1;

  return { playing, rate, set, axes, isGrid, along, places, values, line, axis, at, others, names, common, nearestText, goTo, goAlong, step, playOn, chooseAxis, toggle, isOf };
});
