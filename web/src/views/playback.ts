/** How a view's slices are played. */

import { computed, ref, type Ref } from "vue";

import type { Volume } from "@/api/series";
import type { Plane } from "@/core/geometry";

/** What is played. */
export interface PlayedSlices {
  readonly volume: Readonly<Ref<Volume | null>>;
  readonly plane: Readonly<Ref<Plane>>;
  readonly index: Readonly<Ref<number>>;
  readonly count: Readonly<Ref<number>>;
  readonly direction: Ref<-1 | 0 | 1>;
  readonly moveToIndex: (index: number) => void;
}

/** The rate for headers without one. */
const DEFAULT_FPS = 15;

export function usePlayback({ volume, plane, index, count, direction, moveToIndex }: PlayedSlices) {
  const playing = ref(false);
  /** Frames per second; null for the header's rate. */
  const fps = ref<number | null>(DEFAULT_FPS);
  const backwards = ref(false);
  /** True if the header gives a frame rate for the current plane. */
  const hasFrameRate = computed(() => volume.value?.frame_rate !== null && volume.value?.frame_rate !== undefined && plane.value === "acquired");
  /** The slice that is played next: after the last the first, or back and forth if the header says so. */
  function nextPlayedIndex(): number {
    const last = count.value - 1;
    const sweeping = hasFrameRate.value && fps.value === null && (volume.value?.frame_sweep ?? false);
    if (!sweeping) return (index.value + 1) % count.value;
    const back = index.value >= last || (backwards.value && index.value > 0);
    return back ? index.value - 1 : index.value + 1;
  }

  function playNext(): void {
    if (count.value < 2) return;
    const next = nextPlayedIndex();
    backwards.value = next === index.value - 1;
    direction.value = backwards.value ? -1 : 1;
    moveToIndex(next);
  }

  /** How long the current slice is shown while playing, in milliseconds. */
  function shownMs(): number {
    const shown = volume.value;
    if (fps.value !== null || !hasFrameRate.value || !shown) return 1000 / (fps.value ?? DEFAULT_FPS);
    return shown.frame_times_ms?.[index.value] ?? 1000 / (shown.frame_rate ?? DEFAULT_FPS);
  }

  function togglePlaying(): void {
    playing.value = !playing.value && count.value > 1;
  }

  /** Takes the rate of a volume's header, or the usual one. */
  function takeRate(of: Volume | null): void {
    fps.value = of === null || of.frame_rate === null ? DEFAULT_FPS : null;
  }

  return { playing, fps, hasFrameRate, nextPlayedIndex, playNext, shownMs, togglePlaying, takeRate };
}
