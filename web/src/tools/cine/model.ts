/** Times the slices of a playing stack. */

/** The offered rates in slices per second. */
export const RATES: readonly number[] = [2, 5, 10, 15, 24, 30, 60];

/** The times at which slices are due. Keeps the mean rate when frames are uneven; restarts after a long wait. */
export class FrameClock {
  private next = 0;

  /** True if the next slice is due; the shown one stays for `beat` milliseconds. */
  due(now: number, beat: number): boolean {
    // Animation frames may come a few milliseconds early.
    return now >= this.next - Math.min(4, beat / 4);
  }

  /** Records that a slice is shown now, for `beat` milliseconds. */
  shown(now: number, beat: number): void {
    this.next = now - this.next > 2 * beat ? now + beat : this.next + beat;
  }

  /** Starts the clock; the shown slice stays for `beat` milliseconds. */
  start(now: number, beat: number): void {
    this.next = now + beat;
  }
}
