import { describe, expect, it } from "vitest";

import { countedPixels } from "@/core/countedPixels";
import { CountedValues, type Limits, limitsAbove, limitsInUnit } from "@/core/valueLimits";
import { voxelsInSegment } from "@/core/placedLabels";
import { boxAround, eachRun, type Region, regionText, type SolidRegion } from "@/core/regions";
import { isMeant } from "@/core/voxelBits";
import { type CountedVolume, NO_PIECE, pieceAt, piecesReaching, regionHistogram } from "@/core/voxelCounts";

import regionCounts from "./fixtures/regionCounts.json";
import { ARRAYS } from "./sampling/randomVolumes";

/** A segment of a label map, on a grid of its own. */
interface StoredSegment {
  readonly kind: "segment";
  readonly labels: string;
  readonly shape: readonly number[];
  readonly affine: readonly (readonly number[])[];
  readonly value: number;
  readonly box: readonly (readonly [number, number])[];
}

interface Example {
  readonly dtype: string;
  readonly shape: readonly [number, number, number];
  readonly affine: readonly (readonly number[])[];
  readonly array: string;
  readonly padding: readonly (readonly [number, number])[] | null;
  readonly region: SolidRegion | StoredSegment;
  readonly limits: { readonly lower: number; readonly upper: number };
  readonly seed: readonly [number, number, number];
  readonly inside: readonly number[];
  readonly total: number;
  readonly counted: number;
  readonly piece: number | null;
  readonly piece_within: number | null;
  readonly reaching: number;
  readonly reaching_within: number;
  readonly reaching_piece: number | null;
}
// JSON has no tuples.
const EXAMPLES = regionCounts as unknown as readonly Example[];

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function regionOf({ region, affine, shape: image }: Example): Region {
  if (region.kind !== "segment") return region;
  const { labels, shape, affine: own, value, box } = region;
  return { kind: "segment", segmentationId: 7, number: 2, ...voxelsInSegment({ values: bytes(labels), shape, affine: own }, { value, box }, { shape: image, affine }) };
}

function volumeOf({ array, dtype, shape, padding }: Example): CountedVolume {
  const Type = ARRAYS.find(({ name }) => name.toLowerCase() === `${dtype}array`);
  if (!Type) throw new Error(dtype);
  return { values: new Type(bytes(array).buffer), shape, padding };
}
const limitsOf = ({ limits }: Example): Limits => limitsInUnit(limits.lower, limits.upper);

describe.each(EXAMPLES.map((example, i) => [i, example] as const))("example %i of the library", (_, example) => {
  const volume = volumeOf(example);
  const { affine, shape, seed } = example;
  const region = regionOf(example);

  it("has the same voxels in the region", () => {
    const inside: number[] = [];
    eachRun(region, affine, boxAround(region, affine, shape), (slice, row, first, beyond) => {
      for (let column = first; column < beyond; column += 1) inside.push((slice * shape[1] + row) * shape[2] + column);
    });
    expect(inside).toEqual(example.inside);
  });

  it("counts the same voxels between limits", () => {
    const histogram = regionHistogram(volume, affine, region);
    expect(histogram?.total).toBe(example.total);
    expect(histogram && new CountedValues(histogram).count(limitsOf(example))).toBe(example.counted);
  });

  it("finds pieces of the same size", () => {
    expect(pieceAt(volume, affine, limitsOf(example), null, seed)?.count ?? null).toBe(example.piece);
    expect(pieceAt(volume, affine, limitsOf(example), region, seed)?.count ?? null).toBe(example.piece_within);
  });

  it("keeps the same voxels by hysteresis", () => {
    const [limits, reach] = [limitsAbove(example.limits.lower, null), limitsAbove(example.limits.upper, null)];
    const count = (within: Region | null, at: readonly number[] | null): number | null => piecesReaching(volume, affine, limits, reach, within, at)?.count ?? null;
    expect([count(null, null), count(region, null), count(region, seed)]).toEqual([example.reaching, example.reaching_within, example.reaching_piece]);
  });

  it("tints just the voxels that it counts", () => {
    const rule = { limits: limitsOf(example), region, piece: null };
    let tinted = 0;
    for (let slice = 0; slice < shape[0]; slice += 1) {
      const walk = { start: [slice, 0, 0], down: [0, 1, 0], right: [0, 0, 1], rows: shape[1], columns: shape[2] };
      const values = volume.values.subarray(slice * shape[1] * shape[2], (slice + 1) * shape[1] * shape[2]);
      tinted += countedPixels(walk, values, rule, { affine, padding: volume.padding }).reduce((sum, one) => sum + one, 0);
    }
    expect(tinted).toBe(example.counted);
  });
});

describe("a piece", () => {
  // Two bodies that touch along an edge only, and a long arm that bends.
  const shape = [3, 4, 5];
  const at = (slice: number, row: number, column: number): number => (slice * 4 + row) * 5 + column;
  const values = new Int16Array(60);
  for (const [slice, row, column] of [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 3, 1], [2, 3, 2], [0, 2, 2], [0, 2, 3]]) values[at(slice, row, column)] = 7;
  const volume: CountedVolume = { values, shape, padding: null };
  const limits = { low: 7, high: 7 };

  it("is connected through faces, not edges", () => {
    expect([pieceAt(volume, null, limits, null, [0, 0, 0])?.count, pieceAt(volume, null, limits, null, [0, 2, 3])?.count, pieceAt(volume, null, limits, null, [2, 0, 0])]).toEqual([8, 2, null]);
  });

  it("knows its own voxels", () => {
    const piece = pieceAt(volume, null, limits, null, [2, 3, 2]) ?? NO_PIECE;
    expect(piece.box).toEqual([[0, 3], [0, 4], [0, 3]]);
    const own: number[] = [];
    for (let slice = 0; slice < 3; slice += 1) for (let row = 0; row < 4; row += 1) for (let column = 0; column < 5; column += 1) if (isMeant(piece, slice, row, column)) own.push(at(slice, row, column));
    expect(own).toHaveLength(8);
    expect(own.every((index) => values[index] === 7)).toBe(true);
    expect(own).not.toContain(at(0, 2, 2));
  });

  it("that reaches high enough is kept whole, and no other", () => {
    const risen = { ...volume, values: values.slice() };
    risen.values[at(2, 3, 2)] = 9;
    const [above, reach] = [{ low: 5, high: 99 }, { low: 9, high: 99 }];
    const kept = piecesReaching(risen, null, above, reach, null, null) ?? NO_PIECE;
    expect([kept.count, kept.box, isMeant(kept, 0, 0, 0), isMeant(kept, 0, 2, 2)]).toEqual([8, [[0, 3], [0, 4], [0, 3]], true, false]);
    expect(piecesReaching(risen, null, above, { low: 10, high: 99 }, null, null)).toEqual(NO_PIECE);
    expect([piecesReaching(risen, null, above, reach, null, [0, 0, 1])?.count, piecesReaching(risen, null, above, reach, null, [0, 2, 2])]).toEqual([8, null]);
  });

  it("of nothing has no voxel", () => {
    expect(isMeant(NO_PIECE, 0, 0, 0)).toBe(false);
  });

  it("fills a maze as large as its lines are many", () => {
    const size = 41;
    const maze = new Uint8Array(size * size);
    // Every second row is a wall with one gap, at its left and its right end in turn.
    for (let row = 0; row < size; row += 1) for (let column = 0; column < size; column += 1) maze[row * size + column] = row % 2 === 0 || column === (row % 4 === 1 ? 0 : size - 1) ? 1 : 0;
    const open = maze.reduce((sum, one) => sum + one, 0);
    expect(pieceAt({ values: maze, shape: [1, size, size], padding: null }, null, { low: 1, high: 1 }, null, [0, 40, 20])?.count).toBe(open);
  });
});

it("leaves NaN and infinities out of a region's values, and counts them in its size", () => {
  const volume: CountedVolume = { values: Float32Array.of(1, NaN, Infinity, 2, 2, -Infinity), shape: [1, 2, 3], padding: null };
  const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]];
  expect(regionHistogram(volume, affine, { kind: "sphere", centre: [1, 0, 0], radius: 9 })).toEqual({ values: [1, 2], counts: [1, 2], min: 1, max: 2, exact: true, total: 6 });
});

it("writes regions as addresses have them", () => {
  expect(regionText({ kind: "sphere", centre: [1.5, -2, 0], radius: 12.25 })).toBe("sphere:1.5,-2,0:12.25");
  expect(regionText({ kind: "box", low: [-1, -2, -3], high: [1, 2, 3] })).toBe("box:-1,-2,-3:1,2,3");
  expect(regionText({ kind: "segment", segmentationId: 12, number: 3, box: [], bits: new Uint8Array(0) })).toBe("segmentation:12#3");
});
