import type { Mask, MaskShape } from "@/core/morphology/maskBox";

/** Bytes in base 64. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A mask of bits, the lowest of each byte first, in base 64. */
export function unpacked(text: string, shape: MaskShape): Mask {
  const bits = bytesOf(text);
  return { data: Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, at) => (bits[at >> 3] >> (at & 7)) & 1), shape };
}

/** Bytes as text, which is compared much sooner than arrays are. */
export const textOf = (bytes: Uint8Array): string => bytes.join("");

/** The mask of the voxels that `holds` is true for. */
export function maskWhere(shape: MaskShape, holds: (slice: number, row: number, column: number) => boolean): Mask {
  const [slices, rows, columns] = shape;
  const data = new Uint8Array(slices * rows * columns);
  let at = 0;
  for (let slice = 0; slice < slices; slice += 1) {
    for (let row = 0; row < rows; row += 1) for (let column = 0; column < columns; column += 1) data[at++] = holds(slice, row, column) ? 1 : 0;
  }
  return { data, shape };
}

export const countOf = ({ data }: Mask): number => data.reduce((count, value) => count + value, 0);

/** Steps along slices, rows and columns in mm, at right angles. */
export const gridOf = (slice: number, row: number, column: number): number[][] => [
  [0, 0, column, 0],
  [0, row, 0, 0],
  [slice, 0, 0, 0],
];

/** The same numbers from 0 to 1 each time. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
