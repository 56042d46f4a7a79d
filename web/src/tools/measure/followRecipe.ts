/** Measures again what a segment was made of. */

import { watch } from "vue";

import type { ThresholdRecipe } from "@/core/thresholdRecipe";
import { useSegmentations } from "@/stores/masksOfImages";
import { type Choice, FOUND_BY, type FoundBy, type FoundLimits } from "@/tools/measure/choice";
import { useThreshold } from "@/tools/measure/store";
import { useFollowedRecipe } from "@/views/followedRecipe";
import { imagePlace, useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

const isFound = (method: string): method is FoundBy => method in FOUND_BY;

/** The choice of a recipe whose limits are given; null if a method finds them. */
export function choiceOf({ method, threshold, lower, upper }: ThresholdRecipe): Choice | null {
  if (method === "hysteresis" && lower !== null && upper !== null) return { scale: "unit", lower, upper, hysteresis: true };
  if (method === "fixed") return { scale: "range", lower: threshold ?? 0.5, upper: null };
  return method === "units" ? { scale: "unit", lower, upper } : null;
}

/** The method of a recipe that finds limits, with its numbers; null if they are given. */
function foundOf({ method, percentile, classes, classNumber }: ThresholdRecipe): FoundLimits | null {
  if (!isFound(method)) return null;
  if (method === "percentile") return { method, percentile: percentile ?? undefined };
  return method === "multi_otsu" ? { method, classes: classes ?? undefined, class_number: classNumber ?? undefined } : { method };
}

/** Follows each recipe that is wanted; `find` has a method's limits found. */
export function useRecipeFollowing(find: (wanted: FoundLimits) => void): void {
  const [recipes, tool, views, masks, known] = [useFollowedRecipe(), useThreshold(), useViews(), useMaskLayers(), useSegmentations()];

  function countIn({ within }: ThresholdRecipe): void {
    if (within?.kind !== "segment") {
      tool.setRegion(within);
      return;
    }
    const [view, { sopInstanceUid: uid, number }] = [views.active, within];
    const image = imagePlace(view);
    const mask = image && known.listOf(image.seriesId, view.volumeIndex)?.rows.find((row) => row.sop_instance_uid === uid);
    if (!mask) {
      recipes.notice = "The segmentation in which the recipe counted is not among the masks of this image: the whole volume is counted.";
      tool.setRegion(null);
      return;
    }
    if (mask.placed === "frame") masks.show(mask.id, mask.space);
    tool.chooseSegment({ segmentationId: mask.id, number });
  }

  watch(
    () => recipes.wanted,
    (recipe) => {
      if (!recipe) return;
      recipes.wanted = null;
      const [choice, found] = [choiceOf(recipe), foundOf(recipe)];
      if (choice) tool.choose(choice);
      else if (found) find(found);
      countIn(recipe);
      tool.setSeed(recipe.component);
      const { series } = views.active;
      if (recipe.series && series && series.series_instance_uid !== recipe.series) recipes.notice = "The recipe was made on another series: it is followed on this one.";
    },
    { immediate: true },
  );
}
