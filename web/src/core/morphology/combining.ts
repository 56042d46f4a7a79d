/** Two segments of one box combined. */

import type { Mask } from "@/core/morphology/maskBox";

export type Combination = "union" | "subtract" | "intersect";

/** The union of two masks, one without the other, or what both hold. */
export function combined(one: Mask, other: Mask, how: Combination): Mask {
  if (one.shape.some((size, axis) => size !== other.shape[axis])) throw new RangeError(`Masks of ${one.shape.join(" x ")} and ${other.shape.join(" x ")} voxels cannot be combined.`);
  const [a, b] = [one.data, other.data];
  const data = new Uint8Array(a.length);
  if (how === "union") for (let at = 0; at < data.length; at += 1) data[at] = a[at] | b[at];
  else if (how === "intersect") for (let at = 0; at < data.length; at += 1) data[at] = a[at] & b[at];
  else for (let at = 0; at < data.length; at += 1) data[at] = a[at] & (1 - b[at]);
  return { data, shape: one.shape };
}

/** The voxels of the box that are not in the mask. */
export function inverted({ data, shape }: Mask): Mask {
  const other = new Uint8Array(data.length);
  for (let at = 0; at < other.length; at += 1) other[at] = 1 - data[at];
  return { data: other, shape };
}
