/** What the viewer needs is fetched together, and before it is asked for: its program and the series' record. */

import { useOpenSeries } from "@/stores/openSeries";

/** The viewer's program, which is fetched once. */
export const loadViewerPage = () => import("@/pages/viewer/ViewerPage.vue");

/** Somebody goes to the viewer: nothing that it begins with waits for its program. */
export function beginViewer(seriesId?: number): void {
  if (seriesId !== undefined) useOpenSeries().expect(seriesId);
}

const VIEWER_LINKS = 'a[href^="/series/"], a[href^="/viewer"]';

/** Fetches the viewer's program as soon as a link to it is pointed at, touched or reached by the keyboard. */
export function watchViewerLinks(page: Document): () => void {
  const kinds = ["pointerover", "pointerdown", "focusin"] as const;
  const look = ({ target }: Event): void => {
    if (!(target instanceof Element) || !target.closest(VIEWER_LINKS)) return;
    end();
    // What fails here is told when it is needed.
    loadViewerPage().catch(() => undefined);
  };
  const end = (): void => kinds.forEach((kind) => page.removeEventListener(kind, look));
  for (const kind of kinds) page.addEventListener(kind, look, { passive: true });
  return end;
}
