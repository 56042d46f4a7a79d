import { onScopeDispose } from "vue";

/**
 * Calls `task` repeatedly until it returns null or the calling scope is disposed.
 *
 * `task` returns the milliseconds to wait before the next call. Calls never overlap, and none is made while the page is
 * hidden.
 */
export function usePolling(task: (signal: AbortSignal) => Promise<number | null>): { start: () => void; stop: () => void } {
  let timer: number | undefined;
  let running: AbortController | null = null;

  function stop(): void {
    window.clearTimeout(timer);
    running?.abort();
    running = null;
  }

  async function poll(controller: AbortController): Promise<void> {
    const wait = document.hidden ? 500 : await task(controller.signal).catch(() => 3000);
    if (wait === null || controller.signal.aborted) return;
    timer = window.setTimeout(() => void poll(controller), wait);
  }

  function start(): void {
    stop();
    running = new AbortController();
    void poll(running);
  }

  onScopeDispose(stop);
  return { start, stop };
}
