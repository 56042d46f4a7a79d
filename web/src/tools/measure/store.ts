import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import { limitsOf, type Choice, choiceWords, type ValueRange } from "@/tools/measure/choice";
import { useSession } from "@/stores/session";
import { useViews } from "@/views/views";

/** Which voxels the measuring tool counts in the active view's volume, and whether they are tinted. */
export const useThreshold = defineStore("threshold", () => {
  const session = useSession();
  const views = useViews();
  const begin = (): Choice => ({ scale: "range", lower: session.threshold, upper: null });
  const choice = shallowRef<Choice>(begin());
  const tinting = ref(false);

  const volume = computed(() => views.active.volume);
  const range = computed<ValueRange | null>(() => {
    const { min = null, max = null, dtype = "", colour = false } = volume.value ?? {};
    return !colour && min !== null && max !== null && max > min ? { min, max, whole: !dtype.startsWith("float") } : null;
  });
  const limits = computed(() => limitsOf(choice.value, range.value));
  const tint = computed(() => (tinting.value && range.value ? { limits: limits.value, words: choiceWords(choice.value, volume.value?.unit ?? "") } : null));

  /** Takes limits that a user has chosen, and shows what they count. */
  function choose(wanted: Choice): void {
    choice.value = wanted;
    tinting.value = true;
  }

  // Limits in one unit mean nothing in another.
  watch(
    () => volume.value?.unit,
    (unit, before) => {
      if (unit !== undefined && before !== undefined && unit !== before && choice.value.scale === "unit") choice.value = begin();
    },
  );

  return { choice, tinting, range, limits, tint, choose };
});
