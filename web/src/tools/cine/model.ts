export const RATES: readonly number[] = [2, 5, 10, 15, 24, 30, 60];

/** When the next slice is due. Keeps the beat over uneven frames, and starts anew after a long wait. */
export class FrameClock {
  private next = 0;

  due(now: number, fps: number): boolean {
    // A screen's frame may come a little early; half of one is near enough.
    return now >= this.next - Math.min(4, 250 / fps);
  }

  shown(now: number, fps: number): void {
    const beat = 1000 / fps;
    this.next = now - this.next > 2 * beat ? now + beat : this.next + beat;
  }
}
