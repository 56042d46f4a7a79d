import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { useSession } from "@/stores/session";
import { useViews } from "@/views/views";

/** The threshold of the measuring tool, on [0, 1] of the volume's range; it tints the active view's voxels. */
export const useThreshold = defineStore("threshold", () => {
  const session = useSession();
  const views = useViews();
  const threshold = ref(session.threshold);
  const tinting = ref(false);

  const tint = computed(() => {
    const { volume } = views.active;
    const { min, max } = volume ?? { min: null, max: null };
    return tinting.value && min !== null && max !== null ? { min, max, threshold: threshold.value } : null;
  });

  return { threshold, tinting, tint };
});
