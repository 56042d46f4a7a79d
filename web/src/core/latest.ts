/** Runs one task at a time; while one runs, only the newest of the others waits. */
export class Latest<T> {
  private running: AbortController | null = null;
  private waiting: T | null = null;

  constructor(private readonly run: (input: T, signal: AbortSignal) => Promise<void>) {}

  /** Runs the task with this input, at once or after the one that runs. */
  ask(input: T): void {
    if (this.running) {
      this.waiting = input;
      return;
    }
    const controller = new AbortController();
    this.running = controller;
    void this.run(input, controller.signal).finally(() => {
      if (this.running !== controller) return;
      this.running = null;
      const next = this.waiting;
      this.waiting = null;
      if (next !== null) this.ask(next);
    });
  }

  /** What runs is no longer wanted, nor what waits. */
  end(): void {
    this.waiting = null;
    this.running?.abort();
    this.running = null;
  }
}
