/** The first picture of a series is fetched before the viewer is made, which keeps the page from everything else. */

import { effectScope } from "vue";

import type { Series } from "@/api/series";
import { createView, type Neighbours } from "@/views/view";

const ALONE: Neighbours = { turn: () => null, turning: () => false, moved: () => undefined, place: () => null };

/** Resolves when the picture with which a view of the series begins is at hand, or cannot be had so. */
export async function pictureAhead(series: Series): Promise<void> {
  const scope = effectScope(true);
  const view = scope.run(() => createView("ahead", ALONE));
  if (!view) return;
  try {
    view.show(series);
    const { source, request } = view;
    if (source && request) await source.ahead(request);
  } finally {
    view.close();
    scope.stop();
  }
}
