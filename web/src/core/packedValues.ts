/**
 * 16-bit values in less memory, without loss: a scanner's neighbours differ by its noise, which needs few bits.
 *
 * Each value is stored as its difference from the one before, modulo 2 ** 16, with the sign in the lowest bit. Every 32
 * differences have the width of the largest of them, so that a block takes as many whole words as its width has bits.
 */

const BLOCK = 32;
const MOST_BITS = 16;

export interface PackedValues {
  readonly length: number;
  /** The bits of each difference, for each block. */
  readonly widths: Uint8Array;
  readonly words: Uint32Array;
}

/** Packs values; `room` is written to, and is as long as `roomFor` says. */
export function packValues(values: Uint16Array, room: Uint32Array): PackedValues {
  const widths = new Uint8Array(Math.ceil(values.length / BLOCK));
  const steps = new Uint16Array(BLOCK);
  let previous = 0;
  let used = 0;
  for (let block = 0; block < widths.length; block += 1) {
    const first = block * BLOCK;
    const count = Math.min(BLOCK, values.length - first);
    let all = 0;
    for (let i = 0; i < count; i += 1) {
      const value = values[first + i];
      const step = ((value - previous) << 16) >> 16;
      steps[i] = (step << 1) ^ (step >> 15);
      all |= steps[i];
      previous = value;
    }
    steps.fill(0, count);
    const width = 32 - Math.clz32(all);
    widths[block] = width;
    used = writeBlock(steps, width, room, used);
  }
  return { length: values.length, widths, words: room.slice(0, used) };
}

/** Words that the packed values of so many may need. */
export const roomFor = (length: number): number => Math.ceil(length / BLOCK) * MOST_BITS;

function writeBlock(steps: Uint16Array, width: number, words: Uint32Array, start: number): number {
  if (width === 0) return start;
  let at = start;
  let word = 0;
  let filled = 0;
  for (let i = 0; i < BLOCK; i += 1) {
    word |= steps[i] << filled;
    filled += width;
    if (filled < 32) continue;
    words[at] = word;
    at += 1;
    filled -= 32;
    word = filled > 0 ? steps[i] >>> (width - filled) : 0;
  }
  return at;
}

/** Writes the values into an array of their length. */
export function unpackValues({ length, widths, words }: PackedValues, into: Uint16Array): void {
  let previous = 0;
  let at = 0;
  for (let block = 0; block < widths.length; block += 1) {
    const first = block * BLOCK;
    const end = Math.min(length, first + BLOCK);
    const width = widths[block];
    if (width === 0) {
      into.fill(previous, first, end);
      continue;
    }
    const mask = (1 << width) - 1;
    let bit = 0;
    for (let i = first; i < end; i += 1) {
      const word = at + (bit >>> 5);
      const shift = bit & 31;
      let step = words[word] >>> shift;
      if (shift + width > 32) step |= words[word + 1] << (32 - shift);
      step &= mask;
      previous = (previous + ((step >>> 1) ^ -(step & 1))) & 0xffff;
      into[i] = previous;
      bit += width;
    }
    at += width;
  }
}
