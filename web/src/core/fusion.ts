/** Draws one image over another. Pixels are 32-bit words in the byte order of ImageData on little-endian machines. */

import { toDisplay, type Voi } from "@/core/windowing";

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
