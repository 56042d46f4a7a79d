/** Pictures that have one of several rows and columns: for a quick look at a large plane while one moves through planes. */

import type { Cut } from "@/core/plane";
import { moved } from "@/core/vectors";

/** The first index that is kept of `count` where one of `every` is: as the server counts. */
export const firstKept = (count: number, every: number): number => Math.floor((Math.min(every, count) - 1) / 2);

/** How many indices of `count` are kept where one of `every` is. */
export const keptCount = (count: number, every: number): number => Math.ceil((count - firstKept(count, every)) / every);

/** One of how many rows and columns has to be taken so that the pixels are about `most`, or fewer. */
export const everyFor = (pixels: number, most: number): number => Math.max(1, Math.ceil(Math.sqrt(pixels / most)));

/** The cut through those pixels that are kept. */
export function thinnedCut({ origin, right, down, rows, columns }: Cut, every: number): Cut {
  const first = moved(moved(origin, down, firstKept(rows, every)), right, firstKept(columns, every));
  return {
    origin: first,
    right: [right[0] * every, right[1] * every, right[2] * every],
    down: [down[0] * every, down[1] * every, down[2] * every],
    rows: keptCount(rows, every),
    columns: keptCount(columns, every),
  };
}

/** A rectangle in pixels. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a thinned picture lies in the pixels of the whole one, of so many rows and columns: each pixel's middle is its own. */
export function placementOf(picture: { readonly rows: number; readonly columns: number; readonly every?: number }, whole: { readonly rows: number; readonly columns: number }): Placement {
  const every = picture.every ?? 1;
  const start = (count: number): number => firstKept(count, every) + 0.5 - every / 2;
  return { x: start(whole.columns), y: start(whole.rows), width: picture.columns * every, height: picture.rows * every };
}
