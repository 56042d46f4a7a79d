/** Growth from seeds within a range of values. */

import { emptyMask, type Mask } from "@/core/morphology/maskBox";
import { paintRuns, rootsOfRuns, runsOf } from "@/core/morphology/maskRuns";
import { partOfWork, type Work } from "@/core/morphology/work";
import type { PixelArray } from "@/core/pixelArray";
import { countsWithin, type Limits } from "@/core/valueLimits";

/**
 * The seeds and all voxels within limits that are connected to one of them, through faces of voxels within the limits.
 *
 * A seed whose own value lies outside of the limits stays, and nothing grows from it.
 *
 * @param values of the same box
 * @param allowed 1 for voxels that may be taken (not those of locked segments or padding); without it, all
 */
export function* grownWithin(seeds: Mask, values: PixelArray, limits: Limits, allowed?: Uint8Array): Work<Mask> {
  const inside = emptyMask(seeds.shape);
  const perSlice = seeds.shape[1] * seeds.shape[2];
  for (let slice = 0; slice < seeds.shape[0]; slice += 1) {
    yield (0.3 * slice) / seeds.shape[0];
    for (let at = slice * perSlice; at < (slice + 1) * perSlice; at += 1) {
      if (countsWithin(values[at], limits) && (allowed === undefined || allowed[at] === 1)) inside.data[at] = 1;
    }
  }
  const runs = yield* partOfWork(runsOf(inside), 0.3, 0.5);
  const roots = yield* partOfWork(rootsOfRuns(runs), 0.5, 0.9);
  const grows = new Uint8Array(roots.length);
  const { firstOfRow, begin, beyond } = runs;
  for (let line = 0; line < firstOfRow.length - 1; line += 1) {
    const start = line * seeds.shape[2];
    for (let run = firstOfRow[line]; run < firstOfRow[line + 1]; run += 1) {
      if (grows[roots[run]] === 0 && seeds.data.subarray(start + begin[run], start + beyond[run]).includes(1)) grows[roots[run]] = 1;
    }
  }
  const grown: Mask = { data: seeds.data.slice(), shape: seeds.shape };
  paintRuns(runs, grown.data, (run) => grows[roots[run]]);
  return grown;
}
