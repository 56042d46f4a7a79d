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

/** A table from values to grey levels (VOI LUT Sequence): 8 bits for each value from `first` on. */
export interface Table {
  readonly name: string;
  readonly first: number;
  readonly levels: ArrayLike<number>;
}

/** What is shown of the values. */
export type Voi = Window | Table;

export const isTable = (voi: Voi): voi is Table => "levels" in voi;

/** The nearest whole number; of two as near the even one, as numpy has it. */
function nearest(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

function through(x: number, { first, levels }: Table): number {
  const last = first + levels.length - 1;
  return Number.isNaN(x) ? 0 : levels[nearest(Math.min(Math.max(x, first), last)) - first];
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
export function toDisplay(values: ArrayLike<number>, voi: Voi, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const grey = new Uint8ClampedArray(values.length);
  if (isTable(voi)) for (let i = 0; i < values.length; i += 1) grey[i] = through(values[i], voi);
  else for (let i = 0; i < values.length; i += 1) grey[i] = shade(values[i], voi);
  if (invert) for (let i = 0; i < grey.length; i += 1) grey[i] = 255 - grey[i];
  return grey;
}

/** The grey levels of every whole number from `low` to `high`. */
export function greyTable(low: number, high: number, voi: Voi, invert = false): Uint8ClampedArray<ArrayBuffer> {
  const values = new Float64Array(high - low + 1);
  for (let i = 0; i < values.length; i += 1) values[i] = low + i;
  return toDisplay(values, voi, invert);
}

/** The window that shows `low` as black and `high` as white. */
export function windowOfRange(low: number, high: number, name = "Full range"): Window {
  return { name, center: (low + high) / 2, width: Math.max(high - low, 1.1754943508222875e-38), function: "LINEAR_EXACT" };
}

/** A window for what is shown: itself, or the range that a table tells apart. */
export function asWindow(voi: Voi): Window {
  return isTable(voi) ? windowOfRange(voi.first, voi.first + voi.levels.length - 1, voi.name) : voi;
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

/** Whether two show the same, whatever they are called. */
export function sameVoi(a: Voi, b: Voi): boolean {
  if (a === b) return true;
  if (isTable(a) || isTable(b)) {
    return isTable(a) && isTable(b) && a.first === b.first && a.levels.length === b.levels.length && Array.from(a.levels).every((level, i) => level === b.levels[i]);
  }
  return a.center === b.center && a.width === b.width && a.function === b.function;
}

const HU_PRESETS: readonly Window[] = [
  { name: "Lung", center: -600, width: 1500, function: "LINEAR" },
  { name: "Mediastinum", center: 40, width: 400, function: "LINEAR" },
  { name: "Abdomen", center: 60, width: 400, function: "LINEAR" },
  { name: "Bone", center: 400, width: 1800, function: "LINEAR" },
  { name: "Brain", center: 40, width: 80, function: "LINEAR" },
];

/** What the viewer offers to show a volume with; `voi` is null for each slice its own. */
export interface Choice {
  readonly name: string;
  readonly voi: Voi | null;
}

/** Whether two choices are one, in whatever list they stand. */
export function sameChoice(a: Choice, b: Choice): boolean {
  if (a.name !== b.name) return false;
  return a.voi === null || b.voi === null ? a.voi === b.voi : sameVoi(a.voi, b.voi);
}

/** Each slice's own where they differ; the header's windows and tables, those for Hounsfield units, the full range. */
export function voiChoices(volume: {
  windows: readonly Window[];
  tables: readonly Table[];
  default_view: Voi;
  slice_views: unknown;
  unit: string;
  min: number | null;
  max: number | null;
}): Choice[] {
  const offered: Choice[] = volume.slice_views ? [{ name: "Each slice its own", voi: null }] : [];
  const offer = (name: string, voi: Voi) => {
    if (!offered.some((other) => other.voi && sameVoi(other.voi, voi))) offered.push({ name, voi });
  };
  const source = volume.slice_views ? "Of the middle slice" : "From the file";
  const numbered = (what: string, among: readonly Voi[]) => {
    const nameless = among.filter(({ name }) => name === "").length;
    return among.map((voi, i) => ({ name: voi.name || (nameless > 1 ? `${what}, ${i + 1}` : what), voi }));
  };
  const named = [...numbered(source, volume.windows), ...numbered(`${source}: table`, volume.tables)];
  const first = volume.default_view;
  offer(named.find(({ voi }) => sameVoi(voi, first))?.name ?? (first.name || "Default"), first);
  for (const { name, voi } of named) offer(name, voi);
  if (volume.unit === "HU") {
    const names = new Set(offered.map(({ name }) => name.toLowerCase()));
    for (const preset of HU_PRESETS) if (!names.has(preset.name.toLowerCase())) offer(preset.name, preset);
  }
  if (volume.min !== null && volume.max !== null) offer("Full range", windowOfRange(volume.min, volume.max));
  return offered;
}
