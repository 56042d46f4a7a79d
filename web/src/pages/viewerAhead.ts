/** What the viewer needs is fetched together, and before it is asked for: its program, its worker and the series' record. */

import { startWorker } from "@/scene/worker/startWorker";
import { useOpenSeries } from "@/stores/openSeries";

/** The viewer's program, which is fetched once. */
export const loadViewerPage = () => import("@/pages/viewer/ViewerPage.vue");

/** Somebody goes to the viewer: nothing that it begins with waits for its program. */
export function beginViewer(seriesId?: number): void {
  startWorker();
  if (seriesId !== undefined) useOpenSeries().expect(seriesId);
}

const SERIES_LINK = /^\/series\/(\d+)$/;
/** The longest that the program waits for an idle moment. */
const IDLE_MS = 500;

function whenIdle(task: () => void): void {
  if ("requestIdleCallback" in window) window.requestIdleCallback(task, { timeout: IDLE_MS });
  // Safari has no idle callbacks.
  else setTimeout(task, IDLE_MS / 5);
}

/** The series whose viewer a link opens; undefined for other links. */
function seriesOfLink(link: HTMLAnchorElement): number | undefined {
  const found = SERIES_LINK.exec(link.getAttribute("href") ?? "");
  return found ? Number(found[1]) : undefined;
}

/**
 * Fetches the viewer's program in an idle moment after the first sign of a person: a page that is only loaded stays small.
 * What a link to the viewer begins with begins when it is pressed, not when it is let go.
 */
export function watchForViewer(page: Document): () => void {
  const signs = ["pointermove", "pointerdown", "keydown", "input"] as const;
  const fetchProgram = (): void => {
    for (const sign of signs) page.removeEventListener(sign, fetchProgram);
    // What fails here is told when it is needed.
    whenIdle(() => void loadViewerPage().catch(() => undefined));
  };
  const press = ({ target, button, ctrlKey, metaKey, shiftKey }: PointerEvent): void => {
    const link = target instanceof Element && button === 0 && !ctrlKey && !metaKey && !shiftKey ? target.closest<HTMLAnchorElement>("a[href]") : null;
    const series = link ? seriesOfLink(link) : undefined;
    if (series !== undefined) beginViewer(series);
  };
  for (const sign of signs) page.addEventListener(sign, fetchProgram, { passive: true });
  page.addEventListener("pointerdown", press, { passive: true });
  return () => {
    for (const sign of signs) page.removeEventListener(sign, fetchProgram);
    page.removeEventListener("pointerdown", press);
  };
}
