import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { Me } from "@/api/generated/validators";
import { getMe } from "@/api/studies";

/** The signed-in user and the site's settings. */
export const useSession = defineStore("session", () => {
  const me = ref<Me | null>(null);

  async function load(): Promise<void> {
    me.value ??= await getMe();
  }

  /** After a change of projects or roles. */
  async function reload(): Promise<void> {
    me.value = await getMe();
  }

  return { me, load, reload, threshold: computed(() => me.value?.settings.threshold ?? 0.5) };
});
