/** Which pixels of a view's picture are tinted: those of the voxels that count. */

import { computed, onScopeDispose, shallowRef, type ShallowRef, watch } from "vue";

import { countedPixels } from "@/core/countedPixels";
import type { Tint } from "@/core/paint";
import { pixelWalk } from "@/scene/pixelWalk";
import type { CutRequest, PlanePicture } from "@/scene/volumeSource";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

/** The nearest voxels' values at the pixels of a picture whose own values lie between voxels. */
interface NearestPicture {
  readonly on: ShownPicture;
  readonly picture: PlanePicture;
}

const isInterpolated = ({ request, picture }: ShownPicture): boolean => request.kind === "cut" && request.method === "linear" && !picture.every;

/**
 * Follows a view's picture and what is tinted in its volume.
 *
 * Values between voxels are no voxels' values: of a plane that is interpolated the nearest voxels are asked for too, and
 * until they are there its own values decide.
 */
export function useTintedPixels(view: View, whole: Readonly<ShallowRef<ShownPicture | null>>) {
  const nearest = shallowRef<NearestPicture | null>(null);
  let asking: AbortController | null = null;

  watch(
    () => (view.tint && whole.value && isInterpolated(whole.value) ? whole.value : null),
    (on) => {
      asking?.abort();
      asking = null;
      if (!on) return;
      const request: CutRequest = { ...(on.request as CutRequest), method: "nearest" };
      asking = new AbortController();
      // Without it the picture's own values stand: the failure is told where the picture itself fails.
      on.source.picture(request, asking.signal).then((picture) => (nearest.value = { on, picture }), () => undefined);
    },
  );
  onScopeDispose(() => asking?.abort());

  return computed<Tint | null>(() => {
    const [on, rule, volume] = [whole.value, view.tint, view.volume];
    if (!on || !rule || !volume || volume.colour || on.request.slab) return null;
    const exact = !isInterpolated(on);
    const { picture: close } = nearest.value?.on === on ? nearest.value : { picture: null };
    const picture = !exact && close?.rows === on.picture.rows && close.columns === on.picture.columns ? close : on.picture;
    const paddings = volume.padding_ranges?.length ?? 0;
    const isPlain = !rule.region && !rule.piece && paddings < 2;
    if (isPlain && picture === on.picture) return rule.limits;
    const walk = pixelWalk(on.request, picture, volume.affine, volume.shape);
    return walk ? countedPixels(walk, picture.values, rule, { affine: volume.affine, padding: volume.padding_ranges }) : rule.limits;
  });
}
