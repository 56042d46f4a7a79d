import { onScopeDispose } from "vue";

/**
 * Calls `task` again and again, each time after the last has ended, until it answers null or the owner goes.
 *
 * `task` answers the milliseconds to wait. A page that is hidden waits until it is seen again.
 */
export function usePolling(task: (signal: AbortSignal) => Promise<number | null>): { start: () => void; stop: () => void } {
  let timer: number | undefined;
  let running: AbortController | null = null;

  function stop(): void {
    window.clearTimeout(timer);
    running?.abort();
    running = null;
  }

  async function turn(controller: AbortController): Promise<void> {
    const wait = document.hidden ? 500 : await task(controller.signal).catch(() => 3000);
    if (wait === null || controller.signal.aborted) return;
    timer = window.setTimeout(() => void turn(controller), wait);
  }

  function start(): void {
    stop();
    running = new AbortController();
    void turn(running);
  }

  onScopeDispose(stop);
  return { start, stop };
}
