/** Converts values to RGBA pixels: 32-bit words in the byte order of ImageData on little-endian machines. */

import { countsWithin, type Limits } from "@/core/valueLimits";
import { greyTable, risingPart, toDisplay, type Voi } from "@/core/windowing";

/** Which pixels are tinted: those whose value lies between limits, or those that have a 1 in a mask of the picture's size. Never padding. */
export type Tint = Limits | Uint8Array;

/** The smallest and the largest padding value. */
export type PaddingRange = readonly [number, number];

export interface DisplaySettings {
  readonly voi: Voi;
  readonly invert: boolean;
  /** Padding is black, inverted or not. */
  readonly padding: PaddingRange | null;
  readonly tint: Tint | null;
}

const TINT_RGB = [255, 158, 44] as const;
const TINT_OPACITY = 0.5;

const grey = (level: number): number => (0xff000000 | (level << 16) | (level << 8) | level) >>> 0;

function tinted(level: number): number {
  const [r, g, b] = TINT_RGB.map((part) => Math.round(part * TINT_OPACITY + level * (1 - TINT_OPACITY)));
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

const TINTED = Uint32Array.from({ length: 256 }, (_, level) => tinted(level));
const GREY = Uint32Array.from({ length: 256 }, (_, level) => grey(level));

/** The range of an integer type small enough for a lookup table; null for other types. */
function rangeOf(values: ArrayBufferView): readonly [number, number] | null {
  if (values instanceof Int16Array) return [-32_768, 32_767];
  if (values instanceof Uint16Array) return [0, 65_535];
  if (values instanceof Uint8Array) return [0, 255];
  if (values instanceof Int8Array) return [-128, 127];
  return null;
}

const isMask = (tint: Tint | null): tint is Uint8Array => tint instanceof Uint8Array;

/** True if both settings give each value the same colour: each slice has settings of its own, most often equal ones. */
function paintsAlike(a: DisplaySettings, b: DisplaySettings): boolean {
  if (a === b) return true;
  const [one, other] = [a.tint, b.tint];
  const tints = one === other || (one !== null && other !== null && !isMask(one) && !isMask(other) && one.low === other.low && one.high === other.high);
  return a.voi === b.voi && a.invert === b.invert && a.padding?.[0] === b.padding?.[0] && a.padding?.[1] === b.padding?.[1] && tints;
}

/** Paints greyscale slices; keeps its lookup table while the settings stay the same. */
export class GreyPainter {
  private table: Uint32Array | null = null;
  private tableKey: { settings: DisplaySettings; low: number } | null = null;

  paint(values: ArrayLike<number> & ArrayBufferView, settings: DisplaySettings, pixels: Uint32Array): void {
    const range = rangeOf(values);
    if (!range) {
      this.paintEach(values, settings, pixels);
      return;
    }
    const [low, high] = range;
    const { tint } = settings;
    const table = this.tableFor(low, high, isMask(tint) ? { ...settings, tint: null } : settings);
    for (let i = 0; i < values.length; i += 1) pixels[i] = table[values[i] - low];
    if (isMask(tint)) for (let i = 0; i < values.length; i += 1) if (tint[i]) pixels[i] = TINTED[pixels[i] & 0xff];
  }

  private tableFor(low: number, high: number, settings: DisplaySettings): Uint32Array {
    const { table, tableKey } = this;
    if (table && tableKey?.low === low && paintsAlike(tableKey.settings, settings) && table.length === high - low + 1) return table;
    const levels = greyTable(low, high, settings.voi, settings.invert);
    const fresh = new Uint32Array(levels.length).fill(GREY[levels[0]]);
    const [rising, even] = risingPart(low, high, settings.voi);
    for (let i = rising - low; i <= even - low; i += 1) fresh[i] = GREY[levels[i]];
    fresh.fill(GREY[levels[levels.length - 1]], even + 1 - low);
    const { tint, padding } = settings;
    if (tint && !isMask(tint)) {
      const [first, last] = [Math.max(0, Math.ceil(tint.low) - low), Math.min(fresh.length - 1, Math.floor(tint.high) - low)];
      for (let i = first; i <= last; i += 1) fresh[i] = TINTED[levels[i]];
    }
    if (padding) fresh.fill(GREY[0], Math.max(0, Math.ceil(padding[0]) - low), Math.max(0, Math.floor(padding[1]) + 1 - low));
    this.table = fresh;
    this.tableKey = { settings, low };
    return fresh;
  }

  private paintEach(values: ArrayLike<number>, { voi, invert, tint, padding }: DisplaySettings, pixels: Uint32Array): void {
    const levels = toDisplay(values, voi, invert);
    // 32-bit values compare equal only to padding values rounded to 32 bits.
    const [low, high] = padding && values instanceof Float32Array ? padding.map(Math.fround) : (padding ?? [NaN, NaN]);
    for (let i = 0; i < values.length; i += 1) {
      // Points outside the volume are NaN: black, inverted or not.
      const padded = (values[i] >= low && values[i] <= high) || Number.isNaN(values[i]);
      const counts = tint !== null && (isMask(tint) ? tint[i] === 1 : !padded && countsWithin(values[i], tint));
      pixels[i] = counts ? TINTED[levels[i]] : GREY[padded ? 0 : levels[i]];
    }
  }
}

/** Paints colour samples; 16-bit samples are scaled from their type's whole range to 8 bits. */
export function paintColour(values: ArrayLike<number> & ArrayBufferView, pixels: Uint32Array): void {
  const scale = values instanceof Uint16Array ? 255 / 65_535 : 1;
  const level = new Uint8ClampedArray(3);
  for (let i = 0, j = 0; i < pixels.length; i += 1, j += 3) {
    for (let k = 0; k < 3; k += 1) level[k] = values[j + k] * scale;
    pixels[i] = (0xff000000 | (level[2] << 16) | (level[1] << 8) | level[0]) >>> 0;
  }
}
