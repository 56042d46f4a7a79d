/**
 * Lets callers pass while it is open. While it is closed they wait, until its keeper opens it again.
 *
 * A gate without a keeper stays open, because nobody would open it.
 */
export class Gate {
  private keeper: (() => void) | null = null;
  private readonly waiting = new Set<() => void>();
  private closed = false;

  get isClosed(): boolean {
    return this.closed;
  }

  /** The number of callers that wait. */
  get length(): number {
    return this.waiting.size;
  }

  /** `closing` is called each time the gate closes. Returns a function that ends the keeping and lets all callers pass. */
  keep(closing: () => void): () => void {
    this.keeper = closing;
    return () => {
      if (this.keeper !== closing) return;
      this.keeper = null;
      this.open();
    };
  }

  /** Closes the gate. Returns false if nobody keeps it. */
  close(): boolean {
    if (!this.keeper) return false;
    if (!this.closed) {
      this.closed = true;
      this.keeper();
    }
    return true;
  }

  open(): void {
    this.closed = false;
    const callers = [...this.waiting];
    this.waiting.clear();
    for (const pass of callers) pass();
  }

  /** Resolves when the gate is open; rejects with the signal's reason if it is aborted before. */
  passed(signal?: AbortSignal): Promise<void> {
    if (!this.closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const pass = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.delete(pass);
        reject(new DOMException("The request was cancelled while it waited.", "AbortError"));
      };
      if (signal?.aborted) {
        leave();
        return;
      }
      this.waiting.add(pass);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}
