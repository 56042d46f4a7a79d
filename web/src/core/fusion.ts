/** Draws one image over another. Pixels are 32-bit words in the byte order of ImageData on little-endian machines. */

import { toDisplay, type Voi } from "@/core/windowing";

const OPAQUE = 0xff;

/** How an upper layer is drawn. */
export interface LayerColours {
  /** 256 opaque colours; see `colourTable`. */
  readonly table: Uint32Array;
  readonly voi: Voi;
  /** True if dark levels are transparent, the brightest ones opaque: then an empty background hides nothing. */
  readonly fading: boolean;
}

/** The colours of the levels with their opacity in the highest byte. */
export function layerTable({ table, fading }: LayerColours): Uint32Array {
  return fading ? table.map((word, level) => ((word & 0xffffff) | (level << 24)) >>> 0) : table;
}

/** Paints a layer's values; NaN (outside of the volume) and values of `isEmpty` are transparent. */
export function paintLayer(values: ArrayLike<number>, colours: LayerColours, pixels: Uint32Array, isEmpty?: (value: number) => boolean): void {
  const table = layerTable(colours);
  const levels = toDisplay(values, colours.voi);
  for (let i = 0; i < levels.length; i += 1) {
    const value = values[i];
    pixels[i] = Number.isNaN(value) || isEmpty?.(value) ? 0 : table[levels[i]];
  }
}

/**
 * Blends `above` over the opaque `below`: each part is b + (a - b) * opacity * (opacity of the pixel), rounded to the nearest.
 *
 * @param into may be `below` itself
 */
export function blendOver(below: Uint32Array, above: Uint32Array, opacity: number, into: Uint32Array): void {
  const shares = Uint16Array.from({ length: 256 }, (_, alpha) => Math.round(Math.min(1, Math.max(0, opacity)) * (alpha / OPAQUE) * 256));
  for (let i = 0; i < below.length; i += 1) {
    const [a, b] = [above[i], below[i]];
    const share = shares[a >>> 24];
    if (share === 0) {
      into[i] = b;
      continue;
    }
    const rest = 256 - share;
    const red = ((a & 0xff) * share + (b & 0xff) * rest + 128) >> 8;
    const green = (((a >> 8) & 0xff) * share + ((b >> 8) & 0xff) * rest + 128) >> 8;
    const blue = (((a >> 16) & 0xff) * share + ((b >> 16) & 0xff) * rest + 128) >> 8;
    into[i] = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  }
}
