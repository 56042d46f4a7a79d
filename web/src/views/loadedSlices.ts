/** Which slices of a view's volume are loaded, as stripes along the scroll bar. */

import { computed, onScopeDispose, type Ref, ref, watch } from "vue";

import { sliceOfPlane } from "@/core/geometry";
import { stripesOf } from "@/core/stripes";
import type { View } from "@/views/view";

export function useLoadedSlices(view: Readonly<Ref<View>>) {
  /** Raised when slices arrive. */
  const arrivals = ref(0);
  let unsubscribe: (() => void) | null = null;
  watch(
    () => view.value.source,
    (source) => {
      unsubscribe?.();
      unsubscribe = source?.subscribe(() => (arrivals.value += 1)) ?? null;
      arrivals.value += 1;
    },
    { immediate: true },
  );
  onScopeDispose(() => unsubscribe?.());

  const loaded = computed(() => (arrivals.value >= 0 ? (view.value.source?.loadedCount ?? 0) : 0));
  const count = computed(() => view.value.volume?.shape[0] ?? 0);
  const stripes = computed(() => {
    const { source, volume, plane, frame } = view.value;
    if (arrivals.value < 0 || !source || !volume) return [];
    const along = frame ? null : sliceOfPlane(volume.affine, volume.shape, plane, 0);
    // Planes that cross the slices need all of them: the bar fills from the left.
    if (along === null) return loaded.value ? [{ from: 0, to: loaded.value / Math.max(1, count.value) }] : [];
    return stripesOf(along === 0 ? source.loaded : Uint8Array.from(source.loaded).reverse());
  });
  return { loaded, count, stripes };
}
