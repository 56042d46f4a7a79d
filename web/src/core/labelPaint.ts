/** Paints label maps. Pixels are 32-bit words in the byte order of ImageData on little-endian machines. */

/** How the voxels of one segment are painted. */
export interface SegmentPaint {
  /** The segment's value in its label map, from 1. */
  readonly value: number;
  /** "#rrggbb" */
  readonly colour: string;
  /** True if only the border is painted. */
  readonly outlined: boolean;
  readonly visible: boolean;
}

/** How all values of a label map are painted. */
export interface LabelPalette {
  /** The colour of each value, opaque; 0 for what is not painted. Larger values are not painted. */
  readonly words: Uint32Array;
  /** 1 for each value of which only the border is painted. */
  readonly outlined: Uint8Array;
}

/** The word of "#rrggbb", opaque. */
export function colourWord(colour: string): number {
  const rgb = parseInt(colour.slice(1), 16);
  return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

export function labelPalette(segments: readonly SegmentPaint[]): LabelPalette {
  const size = segments.reduce((most, { value }) => Math.max(most, value), 0) + 1;
  const words = new Uint32Array(size);
  const outlined = new Uint8Array(size);
  for (const { value, colour, visible, outlined: isOutlined } of segments) {
    if (!visible) continue;
    words[value] = colourWord(colour);
    outlined[value] = isOutlined ? 1 : 0;
  }
  return { words, outlined };
}

/**
 * Paints the labels of a picture; 0, NaN (outside of the label map) and unknown values are transparent.
 *
 * The outline of a segment is those of its pixels that have a pixel beside them (left, right, above, below) which is not
 * its own; pixels at the picture's edge belong to it.
 */
export function paintLabels(values: ArrayLike<number>, { rows, columns }: { readonly rows: number; readonly columns: number }, { words, outlined }: LabelPalette, pixels: Uint32Array): void {
  for (let row = 0, at = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, at += 1) {
      // NaN becomes 0.
      const value = values[at] | 0;
      const word = value > 0 && value < words.length ? words[value] : 0;
      pixels[at] = word !== 0 && outlined[value] === 1 && !isBorder(values, at, row, column, rows, columns) ? 0 : word;
    }
  }
}

function isBorder(values: ArrayLike<number>, at: number, row: number, column: number, rows: number, columns: number): boolean {
  if (row === 0 || column === 0 || row === rows - 1 || column === columns - 1) return true;
  const value = values[at];
  return values[at - 1] !== value || values[at + 1] !== value || values[at - columns] !== value || values[at + columns] !== value;
}
