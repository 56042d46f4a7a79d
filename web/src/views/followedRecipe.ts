/** The recipe that somebody wants to have followed on the active view's volume: the measuring tool takes it. */

import { defineStore } from "pinia";
import { shallowRef } from "vue";

import type { ThresholdRecipe } from "@/core/thresholdRecipe";

export const useFollowedRecipe = defineStore("followedRecipe", () => {
  const wanted = shallowRef<ThresholdRecipe | null>(null);
  /** What must be known of following it, in words. */
  const notice = shallowRef("");

  /** Follows a recipe; the same one again too. */
  function follow(recipe: ThresholdRecipe): void {
    notice.value = "";
    wanted.value = { ...recipe };
  }

  return { wanted, notice, follow };
});
