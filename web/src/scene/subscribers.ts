/** Functions that are called when something has changed, once for all changes of a frame. */

/** Calls a task before the next frame is drawn; soon, if none is drawn because the page is hidden. */
export function onNextFrame(task: () => void): void {
  if (typeof document !== "undefined" && document.visibilityState === "visible") requestAnimationFrame(task);
  else setTimeout(task, 16);
}

export class Subscribers {
  private readonly listeners = new Set<() => void>();
  private scheduled = false;

  constructor(private readonly schedule: (task: () => void) => void = onNextFrame) {}

  /** Returns the function that ends it. */
  add(listener: () => void): () => void {
    // A function of its own, so that one listener may subscribe twice.
    const own = () => listener();
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  notify(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      for (const listener of [...this.listeners]) listener();
    });
  }
}
