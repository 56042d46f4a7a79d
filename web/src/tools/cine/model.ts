export const RATES: readonly number[] = [2, 5, 10, 15, 24, 30, 60];

/** When the next slice is due. Keeps the beat over uneven frames, and starts anew after a long wait. */
export class FrameClock {
  private next = 0;

  /** `beat`: how long the slice that is shown stays, in milliseconds. */
  due(now: number, beat: number): boolean {
    // A screen's frame may come a little early; half of one is near enough.
    return now >= this.next - Math.min(4, beat / 4);
  }

  /** A slice is shown now, and stays for `beat` milliseconds. */
  shown(now: number, beat: number): void {
    this.next = now - this.next > 2 * beat ? now + beat : this.next + beat;
  }

  /** What is shown now stays for `beat` milliseconds, whatever was before. */
  start(now: number, beat: number): void {
    this.next = now + beat;
  }
}
