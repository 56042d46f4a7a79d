/** Steps from wheel events: one for a mouse's notch, one for a stretch of a trackpad's many small moves. */

const STRETCH = 36;
const NOTCH = 90;
const LINE = 16;
const PAUSE = 220;

export class WheelSteps {
  private rest = 0;
  private last = -Infinity;

  /** How many slices to step; `time` in milliseconds. */
  take(event: { deltaY: number; deltaMode: number }, time: number): number {
    if (time - this.last > PAUSE) this.rest = 0;
    this.last = time;
    if (event.deltaMode !== 0) return Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / 3));
    if (this.rest === 0 && Math.abs(event.deltaY) >= NOTCH) return Math.trunc(event.deltaY / NOTCH);
    if (Math.sign(event.deltaY) !== Math.sign(this.rest)) this.rest = 0;
    this.rest += event.deltaY;
    const steps = Math.trunc(this.rest / STRETCH);
    this.rest -= steps * STRETCH;
    return steps;
  }
}

/** The factor of a ctrl+wheel (or pinch on a trackpad). */
export function zoomFactor(event: { deltaY: number; deltaMode: number }): number {
  const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * LINE;
  return Math.exp(-Math.max(-240, Math.min(240, pixels)) * 0.0035);
}
