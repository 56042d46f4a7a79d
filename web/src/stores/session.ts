import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { getMe } from "@/api/archive";
import type { Me } from "@/api/records";

/** Who is signed in, and the site's settings. */
export const useSession = defineStore("session", () => {
  const me = ref<Me | null>(null);

  async function load(): Promise<void> {
    me.value ??= await getMe();
  }

  return { me, load, threshold: computed(() => me.value?.settings.threshold ?? 0.5) };
});
