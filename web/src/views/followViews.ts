/** Views that follow each other in zoom, in what is in the middle, and in the window. */

import { onScopeDispose, watch } from "vue";

import { centredOn, sameLayout, scaledTo } from "@/core/linkedLayout";
import type { Layout } from "@/core/stageTransform";
import { sameChoice } from "@/core/voiChoices";
import { alongOneDirection, choiceFor } from "@/views/links";
import type { View } from "@/views/view";
import { useViews, type Views } from "@/views/views";

/** Lays `to` as `from`: a millimetre is as long, and the same point is in the middle where both look in one direction. */
function followLayout(views: Views, from: View, to: View): void {
  if (!from.pixelsPerMm || !to.pixelsPerMm || to.stage.width === 0 || from.stage.width === 0) return;
  put(to, scaledTo(to.layout, to.pixelsPerMm, from.pixelsPerMm));
  const middle = from.pointAt({ x: from.stage.width / 2, y: from.stage.height / 2 });
  const same = middle && alongOneDirection(from, to) ? views.placeFor(from, middle, to) : null;
  const at = same && to.stagePoint(same);
  if (at) put(to, centredOn(to.layout, at, to.stage));
}

function put(view: View, layout: Layout): void {
  if (!sameLayout(view.layout, layout)) view.layout = layout;
}

function followWindow(from: View, to: View): void {
  const choice = choiceFor(from, to);
  if (choice && !sameChoice(choice, to.choice)) to.choice = choice;
  if (choice && from.series?.id === to.series?.id) to.invert = from.invert;
}

/** Lets the views follow each other while the calling scope lives. */
export function useFollowingViews(): void {
  const views = useViews();
  let following = false;

  function spread(from: View, how: (from: View, to: View) => void): void {
    if (following || !from.volume) return;
    following = true;
    for (const to of views.views) if (to !== from && to.volume) how(from, to);
    following = false;
  }

  let stops: (() => void)[] = [];
  function unwatch(): void {
    for (const stop of stops) stop();
    stops = [];
  }

  watch(
    () => views.views,
    (all) => {
      unwatch();
      for (const view of all) {
        // In the same turn, so that the views it changes are known as followers.
        stops.push(watch(() => view.layout, () => views.linkZoom && spread(view, (from, to) => followLayout(views, from, to)), { flush: "sync" }));
        stops.push(watch(() => [view.choice, view.invert], () => views.linkWindow && spread(view, followWindow), { flush: "sync" }));
      }
    },
    { immediate: true },
  );
  // What is newly linked, newly shown or of another size follows the active view.
  watch(
    () => [views.linkZoom, views.offsets, ...views.views.map(({ stage, volume, plane, frame }) => [stage, volume, plane, frame !== null])],
    () => views.linkZoom && spread(views.active, (from, to) => followLayout(views, from, to)),
    { flush: "post" },
  );
  watch(
    () => [views.linkWindow, ...views.views.map(({ volume }) => volume)],
    () => views.linkWindow && spread(views.active, followWindow),
  );
  onScopeDispose(unwatch);
}
