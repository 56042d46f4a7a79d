/** Islands: the pieces of a segment that are connected through faces of voxels (6 neighbours). */

import type { Affine } from "@/core/geometry";
import { emptyMask, type Mask, type MaskShape, ROUNDING_MM, voxelMm3 } from "@/core/morphology/maskBox";
import { type MaskRuns, paintRuns, rootsOfRuns, runAt, runsOf, sizesOfRoots } from "@/core/morphology/maskRuns";
import { partOfWork, type Work } from "@/core/morphology/work";

/** The islands of a mask, each with a number. */
export interface NumberedIslands {
  /** For each voxel the number of its island, from 1; 0 for none. */
  readonly labels: Uint8Array;
  /** Voxels of the islands, the largest first. */
  readonly sizes: readonly number[];
}

interface Pieces {
  readonly runs: MaskRuns;
  readonly roots: Int32Array;
  readonly sizes: Float64Array;
}

function* piecesOf(mask: Mask): Work<Pieces> {
  const runs = yield* partOfWork(runsOf(mask), 0, 0.4);
  const roots = yield* partOfWork(rootsOfRuns(runs), 0.4, 0.9);
  return { runs, roots, sizes: sizesOfRoots(runs, roots) };
}

function keptPieces({ runs, roots }: Pieces, shape: MaskShape, keeps: (root: number) => boolean): Mask {
  const mask = emptyMask(shape);
  paintRuns(runs, mask.data, (run) => (keeps(roots[run]) ? 1 : 0));
  return mask;
}

/** The largest island; of several, the one that comes first in C order. */
export function* largestIsland(mask: Mask): Work<Mask> {
  const pieces = yield* piecesOf(mask);
  const largest = pieces.sizes.reduce((best, size, root) => (size > pieces.sizes[best] ? root : best), 0);
  return keptPieces(pieces, mask.shape, (root) => root === largest);
}

/** The islands of at least some mm3. */
export function* islandsOfAtLeast(mask: Mask, affine: Affine, mm3: number): Work<Mask> {
  const pieces = yield* piecesOf(mask);
  const least = mm3 / voxelMm3(affine) - ROUNDING_MM;
  return keptPieces(pieces, mask.shape, (root) => pieces.sizes[root] >= least);
}

/** The island that holds a voxel; empty if the voxel is not in the mask. */
export function* islandAt(mask: Mask, voxel: readonly [number, number, number]): Work<Mask> {
  const pieces = yield* piecesOf(mask);
  const run = runAt(pieces.runs, voxel);
  return keptPieces(pieces, mask.shape, (root) => run >= 0 && root === pieces.roots[run]);
}

/**
 * The islands numbered by size, the largest first; islands of one size in C order.
 *
 * @param most the largest number; smaller islands beyond it get 0, and are not in `sizes`
 */
export function* splitIslands(mask: Mask, most = 254): Work<NumberedIslands> {
  const { runs, roots, sizes } = yield* piecesOf(mask);
  const bySize = Array.from(sizes.keys())
    .filter((root) => sizes[root] > 0)
    .sort((a, b) => sizes[b] - sizes[a] || a - b)
    .slice(0, most);
  const numbers = new Uint8Array(sizes.length);
  bySize.forEach((root, i) => (numbers[root] = i + 1));
  const labels = new Uint8Array(mask.data.length);
  paintRuns(runs, labels, (run) => numbers[roots[run]]);
  return { labels, sizes: bySize.map((root) => sizes[root]) };
}
