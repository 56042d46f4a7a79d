/** What the viewer needs is fetched together, and before it is asked for: its program, its worker and the series' record. */

import { startWorker } from "@/scene/worker/startWorker";
import { useOpenSeries } from "@/stores/openSeries";

/** The page that one comes from stays so long for the first picture, so that the viewer begins with it. */
const PATIENCE_MS = 200;

/** The viewer's program, which is fetched once. */
export const loadViewerPage = () => import("@/pages/viewer/viewer");

/** Somebody goes to the viewer: nothing that it begins with waits for its program. Resolves when it may be shown. */
export async function beginViewer(seriesId?: number): Promise<void> {
  startWorker();
  if (seriesId === undefined) return;
  const record = useOpenSeries().expect(seriesId);
  const picture = Promise.all([loadViewerPage(), record]).then(([{ pictureAhead }, series]) => pictureAhead(series));
  // What fails here is told when it is needed.
  await Promise.race([picture.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
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
