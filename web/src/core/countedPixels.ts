/** Which pixels of a plane's picture lie in voxels that count. */

import type { Affine } from "@/core/geometry";
import { countsWithin, type Limits } from "@/core/valueLimits";
import { isInside, type Region } from "@/core/regions";
import type { PixelArray } from "@/core/pixelArray";
import type { Vector } from "@/core/vectors";
import { isMeant } from "@/core/voxelBits";
import { type PaddingOfSlices, paddingOfSlice, type Piece } from "@/core/voxelCounts";

/** The index (slice, row, column) of the first pixel, and its steps from row to row and from column to column. */
export interface PixelWalk {
  readonly start: ArrayLike<number>;
  readonly down: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** Which voxels count. */
export interface CountedRule {
  readonly limits: Limits;
  readonly region: Region | null;
  readonly piece: Piece | null;
}

/** The parts of a volume that decide beside its values. */
export interface PlacedValues {
  readonly affine: Affine | null;
  readonly padding: PaddingOfSlices;
}

const ORIGIN: Vector = [0, 0, 0];

/** A 1 for each pixel whose voxel, the nearest one, counts; `values` are those voxels' values, NaN outside of the volume. */
export function countedPixels(walk: PixelWalk, values: PixelArray, { limits, region, piece }: CountedRule, { affine, padding }: PlacedValues): Uint8Array {
  const { start, down, right, rows, columns } = walk;
  const counted = new Uint8Array(rows * columns);
  const [[xs, xr, xc, x0], [ys, yr, yc, y0], [zs, zr, zc, z0]] = affine ?? [[...ORIGIN, 0], [...ORIGIN, 0], [...ORIGIN, 0]];
  const bounded = affine && region?.kind !== "segment" ? region : null;
  const segment = region?.kind === "segment" ? region : null;
  for (let row = 0, p = 0; row < rows; row += 1) {
    const [s, r, c] = [start[0] + row * down[0], start[1] + row * down[1], start[2] + row * down[2]];
    for (let column = 0; column < columns; column += 1, p += 1) {
      const value = values[p];
      if (!countsWithin(value, limits)) continue;
      const slice = Math.floor(s + column * right[0] + 0.5);
      const range = padding && paddingOfSlice({ values, shape: [], padding }, slice);
      if (range && value >= range[0] && value <= range[1]) continue;
      const i = Math.floor(r + column * right[1] + 0.5);
      const j = Math.floor(c + column * right[2] + 0.5);
      if (bounded && !isInside(bounded, xs * slice + xr * i + xc * j + x0, ys * slice + yr * i + yc * j + y0, zs * slice + zr * i + zc * j + z0)) continue;
      if (segment && !isMeant(segment, slice, i, j)) continue;
      if (piece && !isMeant(piece, slice, i, j)) continue;
      counted[p] = 1;
    }
  }
  return counted;
}
