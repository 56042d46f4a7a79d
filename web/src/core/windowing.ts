/**
 * Converts modality values to grey levels (PS3.3 C.11.2).
 *
 * The formulas and their order of operations are the server's, so that a slice looks the same in the viewer and in an
 * exported picture.
 */

export type WindowFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A range of modality values to show, in the volume's unit. */
export interface Window {
  readonly name: string;
  readonly center: number;
  readonly width: number;
  readonly function: WindowFunction;
}

/** A table from values to grey levels (VOI LUT Sequence): 8 bits for each value from `first` on. */
export interface VoiTable {
  readonly name: string;
  readonly first: number;
  readonly levels: ArrayLike<number>;
}

/** How values become grey levels: a window or a table. */
export type Voi = Window | VoiTable;

export const isTable = (voi: Voi): voi is VoiTable => "levels" in voi;

/** The nearest whole number, half to even, as numpy rounds. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** The grey level of one value by a table; values outside the table take its first or last level. */
function tableLevel(x: number, { first, levels }: VoiTable): number {
  const last = first + levels.length - 1;
  return Number.isNaN(x) ? 0 : levels[roundHalfEven(Math.min(Math.max(x, first), last)) - first];
}

/** The grey level of one value by a window, before clipping and rounding: 0 black to 255 white. */
function windowLevel(x: number, { center, width, function: kind }: Window): number {
  if (kind === "SIGMOID") return 255 / (1 + Math.exp((-4 * (x - center)) / width));
  if (kind === "LINEAR_EXACT") return ((x - center) / width + 0.5) * 255;
  if (width === 1) return x <= center - 0.5 ? 0 : 255;
  return ((x - (center - 0.5)) / (width - 1) + 0.5) * 255;
}

/**
 * Windowed 8-bit grey levels.
 *
 * Rounding is half to even and NaN is black: exactly what storing into a Uint8ClampedArray does.
 */
export function toDisplay(values: ArrayLike<number>, voi: Voi, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const grey = new Uint8ClampedArray(values.length);
  if (isTable(voi)) for (let i = 0; i < values.length; i += 1) grey[i] = tableLevel(values[i], voi);
  else for (let i = 0; i < values.length; i += 1) grey[i] = windowLevel(values[i], voi);
  if (invert) for (let i = 0; i < grey.length; i += 1) grey[i] = 255 - grey[i];
  return grey;
}

/** The whole numbers from `low` to `high` outside of which a window's levels are certainly its first or its last one. */
export function risingPart(low: number, high: number, voi: Voi): readonly [first: number, last: number] {
  if (isTable(voi) || voi.function === "SIGMOID" || !Number.isFinite(voi.center) || !(voi.width > 0)) return [low, high];
  // Twice the width, so that no rounding matters.
  const first = Math.max(low, Math.min(high, Math.floor(voi.center - voi.width) - 1));
  return [first, Math.max(first, Math.min(high, Math.ceil(voi.center + voi.width) + 1))];
}

/** The grey levels of every whole number from `low` to `high`. */
export function greyTable(low: number, high: number, voi: Voi, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const [first, last] = risingPart(low, high, voi);
  const values = new Float64Array(last - first + 1);
  for (let i = 0; i < values.length; i += 1) values[i] = first + i;
  const levels = toDisplay(values, voi, invert);
  const grey = new Uint8ClampedArray(high - low + 1).fill(levels[0]);
  grey.set(levels, first - low);
  return grey.fill(levels[levels.length - 1], last + 1 - low);
}

/** The window that shows `low` as black and `high` as white. */
export function windowOfRange(low: number, high: number, name = "Full range"): Window {
  return { name, center: (low + high) / 2, width: Math.max(high - low, 1.1754943508222875e-38), function: "LINEAR_EXACT" };
}

/** The window itself, or for a table the window of its input range. */
export function asWindow(voi: Voi): Window {
  return isTable(voi) ? windowOfRange(voi.first, voi.first + voi.levels.length - 1, voi.name) : voi;
}

/** The window, with LINEAR_EXACT instead of LINEAR if it is narrower than 1 (PS3.3 C.11.2.1.2 forbids that). */
export function withPermittedFunction(window: Window): Window {
  return window.function === "LINEAR" && window.width < 1 ? { ...window, function: "LINEAR_EXACT" } : window;
}

/**
 * The window after a drag.
 *
 * A drag to the right multiplies the width by a constant factor per pixel, so that narrow and wide windows are equally
 * easy to adjust. A drag downwards raises the centre in proportion to the width.
 */
export function dragWindow(start: Window, right: number, down: number, range: number): Window {
  const narrowest = Math.max(range * 1e-4, Number.MIN_VALUE);
  const width = Math.min(Math.max(start.width * Math.exp(right / 220), narrowest), Math.max(range, start.width) * 4);
  const center = start.center + (down * Math.max(start.width, narrowest * 10)) / 320;
  return withPermittedFunction({ name: "Custom", center: roundToRange(center, range), width: roundToRange(width, range), function: start.function });
}

/** A whole number for ranges of 200 or more, else about five digits of the range. */
function roundToRange(value: number, range: number): number {
  if (range >= 200) return Math.round(value) || (value > 0.5 ? 1 : 0);
  const step = 10 ** Math.floor(Math.log10(Math.max(range, 1e-30)) - 4);
  return Math.round(value / step) * step;
}

/** True if both give the same grey levels; names do not count. */
export function sameVoi(a: Voi, b: Voi): boolean {
  if (a === b) return true;
  if (isTable(a) || isTable(b)) {
    return isTable(a) && isTable(b) && a.first === b.first && a.levels.length === b.levels.length && Array.from(a.levels).every((level, i) => level === b.levels[i]);
  }
  return a.center === b.center && a.width === b.width && a.function === b.function;
}
