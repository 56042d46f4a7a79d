/**
 * From modality values to grey levels (PS3.3 C.11.2): the same formulas, in the same order of operations, as
 * the server's, so that a slice looks alike in the viewer and in an exported picture.
 */

export type WindowFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A range of modality values to show, in the unit of the volume. */
export interface Window {
  readonly name: string;
  readonly center: number;
  readonly width: number;
  readonly function: WindowFunction;
}

/** The grey level of one value, before clipping and rounding: 0 black to 255 white. */
function shade(x: number, { center, width, function: kind }: Window): number {
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
export function toDisplay(values: ArrayLike<number>, window: Window, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const grey = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i += 1) grey[i] = shade(values[i], window);
  if (invert) for (let i = 0; i < grey.length; i += 1) grey[i] = 255 - grey[i];
  return grey;
}

/** The grey levels of every whole number from `low` to `high`. */
export function greyTable(low: number, high: number, window: Window, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const values = new Float64Array(high - low + 1);
  for (let i = 0; i < values.length; i += 1) values[i] = low + i;
  return toDisplay(values, window, invert);
}

/** The window that shows `low` as black and `high` as white. */
export function windowOfRange(low: number, high: number, name = "Full range"): Window {
  return { name, center: (low + high) / 2, width: Math.max(high - low, 1.1754943508222875e-38), function: "LINEAR_EXACT" };
}

/** The window with its function changed to one that allows its width (PS3.3 C.11.2.1.2 wants 1 or more of LINEAR). */
export function permitted(window: Window): Window {
  return window.function === "LINEAR" && window.width < 1 ? { ...window, function: "LINEAR_EXACT" } : window;
}

/**
 * The window after a drag.
 *
 * To the right widens by a constant factor per pixel, so that a brain window and a bone window are equally easy to
 * fine-tune; downwards raises the centre in steps of the width.
 */
export function dragWindow(start: Window, right: number, down: number, range: number): Window {
  const narrowest = Math.max(range * 1e-4, Number.MIN_VALUE);
  const width = Math.min(Math.max(start.width * Math.exp(right / 220), narrowest), Math.max(range, start.width) * 4);
  const center = start.center + (down * Math.max(start.width, narrowest * 10)) / 320;
  return permitted({ name: "Custom", center: tidy(center, range), width: tidy(width, range), function: start.function });
}

/** Whole numbers where the range has room for them, else about five digits of it. */
function tidy(value: number, range: number): number {
  if (range >= 200) return Math.round(value) || (value > 0.5 ? 1 : 0);
  const step = 10 ** Math.floor(Math.log10(Math.max(range, 1e-30)) - 4);
  return Math.round(value / step) * step;
}

export function sameWindow(a: Window, b: Window): boolean {
  return a.center === b.center && a.width === b.width && a.function === b.function;
}

const HU_PRESETS: readonly Window[] = [
  { name: "Lung", center: -600, width: 1500, function: "LINEAR" },
  { name: "Mediastinum", center: 40, width: 400, function: "LINEAR" },
  { name: "Abdomen", center: 60, width: 400, function: "LINEAR" },
  { name: "Bone", center: 400, width: 1800, function: "LINEAR" },
  { name: "Brain", center: 40, width: 80, function: "LINEAR" },
];

/** What the viewer offers: the header's windows, those for Hounsfield units, the full range; no two alike. */
export function windowChoices(volume: {
  windows: readonly Window[];
  default_window: Window | null;
  unit: string;
  min: number | null;
  max: number | null;
}): Window[] {
  const offered: Window[] = [];
  const offer = (window: Window) => {
    if (!offered.some((other) => sameWindow(other, window))) offered.push(window);
  };
  const several = volume.windows.filter(({ name }) => name === "").length > 1;
  const fromFile = (i: number) => (several ? `From the file, ${i + 1}` : "From the file");
  const named = volume.windows.map((window, i) => ({ ...window, name: window.name || fromFile(i) }));
  const first = volume.default_window;
  if (first) offer(named.find((window) => sameWindow(window, first)) ?? { ...first, name: first.name || "Default" });
  named.forEach(offer);
  if (volume.unit === "HU") {
    const names = new Set(offered.map(({ name }) => name.toLowerCase()));
    HU_PRESETS.filter(({ name }) => !names.has(name.toLowerCase())).forEach(offer);
  }
  if (volume.min !== null && volume.max !== null) offer(windowOfRange(volume.min, volume.max));
  return offered;
}
