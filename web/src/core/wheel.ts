/** Converts wheel events to slice steps: one for each notch of a mouse, one for each distance on a trackpad. */

/** Trackpad pixels for one step. */
const STEP_PIXELS = 36;
/** Events of at least this many pixels come from a mouse's notch. */
const NOTCH_PIXELS = 90;
const LINE_PIXELS = 16;
/** After a longer pause in milliseconds a new gesture begins. */
const PAUSE_MS = 220;

export class WheelSteps {
  private rest = 0;
  private last = -Infinity;

  /** The number of slices to step, negative for backwards; `time` in milliseconds. */
  stepsFor(event: { deltaY: number; deltaMode: number }, time: number): number {
    if (time - this.last > PAUSE_MS) this.rest = 0;
    this.last = time;
    if (event.deltaMode !== 0) return Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / 3));
    if (this.rest === 0 && Math.abs(event.deltaY) >= NOTCH_PIXELS) return Math.trunc(event.deltaY / NOTCH_PIXELS);
    if (Math.sign(event.deltaY) !== Math.sign(this.rest)) this.rest = 0;
    this.rest += event.deltaY;
    const steps = Math.trunc(this.rest / STEP_PIXELS);
    this.rest -= steps * STEP_PIXELS;
    return steps;
  }
}

/** The zoom factor of a ctrl + wheel event, or of a pinch on a trackpad. */
export function zoomFactor(event: { deltaY: number; deltaMode: number }): number {
  const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * LINE_PIXELS;
  return Math.exp(-Math.max(-240, Math.min(240, pixels)) * 0.0035);
}
