/** Slices of labels as runs, to be kept by the browser: small, and the same whatever type the labels have in memory. */

import { NumberReader, NumberWriter } from "@/core/editing/changeLog";
import type { LabelArray } from "@/core/editing/labelGrid";

/** The value and the length of each run, one after the other. */
export function packLabels(labels: LabelArray): Uint8Array<ArrayBuffer> {
  const writer = new NumberWriter();
  for (let at = 0; at < labels.length; ) {
    const value = labels[at];
    let end = at + 1;
    while (end < labels.length && labels[end] === value) end += 1;
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
