/**
 * Long computations as generators: they yield the share that is done, and whoever runs them may stop between two yields.
 *
 * A generator waits for nothing and knows no clock, so the same code runs at once in a test and in small pieces in a
 * worker, which reads its messages between two pieces.
 */

/** Yields the share that is done, from 0 to 1, every few milliseconds; returns the result. */
export type Work<T> = Generator<number, T, void>;

/** How a computation is run in pieces. */
export interface WorkOptions {
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
  /** How long a piece takes, about, in milliseconds. */
  readonly pieceMs?: number;
}

/** Runs a computation at once. */
export function finishWork<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/**
 * Runs a computation in pieces; timers and messages have their turn between two of them.
 *
 * Rejects with the signal's reason as soon as it is aborted.
 */
export async function runWork<T>(work: Work<T>, { onProgress, signal, pieceMs = 30 }: WorkOptions = {}): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const end = performance.now() + pieceMs;
    let share = 0;
    do {
      const step = work.next();
      if (step.done) {
        onProgress?.(1);
        return step.value;
      }
      share = step.value;
    } while (performance.now() < end);
    onProgress?.(share);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** A computation that is a part of another, from one share of it to another. */
export function* partOfWork<T>(work: Work<T>, from: number, to: number): Work<T> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    yield from + (to - from) * step.value;
  }
}
