/** Slices of labels as runs, to be kept by the browser: small, and the same whatever type the labels have in memory. */

import { NumberReader, NumberWriter } from "@/core/editing/changeLog";
import type { LabelArray } from "@/core/editing/labelGrid";

/** The value and the length of each run, one after the other. */
export function packLabels(labels: LabelArray): Uint8Array<ArrayBuffer> {
  const writer = new NumberWriter();
  // Most of a slice is one long run: it is compared four bytes at a time.
  const perWord = 4 / labels.BYTES_PER_ELEMENT;
  const words = new Uint32Array(labels.buffer, labels.byteOffset, Math.floor(labels.length / perWord));
  const ones = perWord === 4 ? 0x01010101 : 0x00010001;
  for (let at = 0; at < labels.length; ) {
    const value = labels[at];
    const word = Math.imul(value, ones) >>> 0;
    let end = at + 1;
    while (end < labels.length && labels[end] === value) {
      if (end % perWord === 0 && words[end / perWord] === word) end += perWord;
      else end += 1;
    }
    writer.add(value);
    writer.add(end - at);
    at = end;
  }
  return writer.finish();
}

/** Throws if they are not those of a slice of this length. */
export function unpackLabels(packed: Uint8Array, length: number): Uint16Array {
  const labels = new Uint16Array(length);
  const reader = new NumberReader(packed);
  let at = 0;
  while (!reader.done) {
    const [value, count] = [reader.next(), reader.next()];
    if (count < 1 || at + count > length) throw new Error("What the browser kept of a slice does not fit the slice.");
    labels.fill(value, at, (at += count));
  }
  if (at !== length) throw new Error("What the browser kept of a slice does not fit the slice.");
  return labels;
}
