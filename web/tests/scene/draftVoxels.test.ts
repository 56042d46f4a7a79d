import { gunzipSync } from "node:zlib";

import { describe, expect, it } from "vitest";

import { volumeAbove } from "@/core/histogram";
import { toPatient, type Affine, type Vector } from "@/core/geometry";
import type { SegmentVoxels } from "@/core/regions";
import { CountedValues, limitsInUnit } from "@/core/valueLimits";
import { isMeant } from "@/core/voxelBits";
import { regionHistogram } from "@/core/voxelCounts";
import type { Draft, DraftStart, PackedDraft } from "@/scene/draft";

import { chanceOf, facts, randomAffine } from "../core/editing/draftExamples";
import { browserOf } from "./memoryDrafts";

const SPACING = [2.5, 0.7, 0.9] as const;
const LIMITS = limitsInUnit(30, 70);

interface Image {
  readonly shape: readonly [number, number, number];
  readonly affine: Affine;
  readonly values: Int16Array;
}

/** The index of a point by Cramer's rule. */
function indexOf(affine: Affine, point: Vector): number[] {
  const column = (at: number): number[] => [affine[0][at], affine[1][at], affine[2][at]];
  const triple = (a: number[], b: number[], c: number[]): number => a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  const [a, b, c] = [column(0), column(1), column(2)];
  const to = point.map((mm, axis) => mm - affine[axis][3]);
  const whole = triple(a, b, c);
  return [triple(to, b, c) / whole, triple(a, to, c) / whole, triple(a, b, to) / whole];
}

/** Counts voxel by voxel in the label maps that are sent to the server. */
function bruteForce({ grid: { shape: own, affine: grid }, segments }: PackedDraft, maps: readonly Uint8Array[], number: number, { shape, affine, values }: Image): { total: number; counted: number } {
  const segment = segments.find((each) => each.number === number);
  if (!segment) return { total: 0, counted: 0 };
  const labels = maps[segment.layer];
  let [total, counted] = [0, 0];
  for (let slice = 0, at = 0; slice < shape[0]; slice += 1) {
    for (let row = 0; row < shape[1]; row += 1) {
      for (let column = 0; column < shape[2]; column += 1, at += 1) {
        const nearest = indexOf(grid, toPatient(affine, [slice, row, column])).map((index) => Math.floor(Number(index.toFixed(6)) + 0.5));
        if (nearest.some((index, axis) => index < 0 || index >= own[axis])) continue;
        if (labels[(nearest[0] * own[1] + nearest[1]) * own[2] + nearest[2]] !== segment.value) continue;
        total += 1;
        if (values[at] >= 30 && values[at] <= 70) counted += 1;
      }
    }
  }
  return { total, counted };
}

/** What the page counts, by the voxels that the worker tells. */
async function byPage(draft: Draft, number: number, { shape, affine, values }: Image): Promise<{ total: number | undefined; counted: number | null; mm3: number | null; revision: number }> {
  const { voxels, revision } = await draft.voxelsOf(number, { shape, affine });
  const region: SegmentVoxels = { kind: "segment", segmentationId: null, number, ...voxels };
  const histogram = regionHistogram({ values, shape, padding: null }, affine, region);
  const counted = histogram && new CountedValues(histogram).count(LIMITS);
  return { total: histogram?.total, counted, mm3: volumeAbove(counted, SPACING), revision };
}

const pick = (chance: () => number, low: number, high: number): number => low + Math.floor(chance() * (high - low + 1));

async function edited(chance: () => number, draft: Draft): Promise<void> {
  const { shape, affine } = draft.grid;
  for (const [at, label] of ["A", "B", "Over"].entries()) await draft.addSegment({ ...facts(label), overlaps: at === 2 });
  for (let edit = 0; edit < 6; edit += 1) {
    const somewhere = (): Vector => toPatient(affine, [chance() * shape[0], chance() * shape[1], chance() * shape[2]]);
    const stroke = draft.beginStroke({ segment: pick(chance, 1, 3), shape: { kind: "ball" }, radius: 1 + chance() * 4, erase: chance() < 0.2, range: null, overOthers: chance() < 0.5 });
    stroke.add([somewhere(), somewhere()]);
    await stroke.end();
  }
}

/** The image of the draft's own grid, or one that is coarser, turned and moved, partly beside it. */
function imageBy(chance: () => number, grid: DraftStart["grid"], isOwn: boolean): Image {
  const shape = isOwn ? ([grid.shape[0], grid.shape[1], grid.shape[2]] as const) : ([pick(chance, 3, 8), pick(chance, 4, 12), pick(chance, 4, 12)] as const);
  const affine = isOwn ? grid.affine : randomAffine(chance).map((row, axis) => (axis < 3 ? [row[0], row[1], row[2], toPatient(grid.affine, [1, 2, 2])[axis]] : row));
  return { shape, affine, values: Int16Array.from({ length: shape[0] * shape[1] * shape[2] }, () => Math.floor(chance() * 100)) };
}

describe("a segment that is being edited", () => {
  it.each(Array.from({ length: 120 }, (_, seed) => seed))("is counted as voxel by voxel, and after an undo (%i)", async (seed) => {
    const chance = chanceOf(40_000 + seed);
    const grid = { shape: [pick(chance, 4, 8), pick(chance, 5, 14), pick(chance, 5, 14)], affine: randomAffine(chance), space: "1.2.3" };
    const image = imageBy(chance, grid, seed % 2 === 0);
    const start: DraftStart = { user: "ada", image: { seriesId: 5, volume: 0, key: "5/0/v1", padding: null }, grid, base: null, segments: [], label: "Drawn" };
    const draft = await browserOf().tab().drafts.start(start);
    await edited(chance, draft);
    for (let step = 0; step < 3; step += 1) {
      const packed = await draft.packed();
      const maps = await Promise.all(packed.layers.map(async (layer) => gunzipSync(Buffer.from(await layer.arrayBuffer()))));
      for (const number of [1, 2, 3]) {
        const truth = bruteForce(packed, maps, number, image);
        const { total, counted, mm3, revision } = await byPage(draft, number, image);
        expect([total, counted, revision]).toEqual([truth.total, truth.counted, draft.state.revision]);
        expect(mm3).toBe(truth.counted * (SPACING[0] * SPACING[1] * SPACING[2]));
        if (seed % 2 === 0) expect(total).toBe(draft.state.segments.find((each) => each.number === number)?.count);
      }
      await draft.undo();
    }
  });

  it("has the voxels of a stroke under way, and none once the segment is undone", async () => {
    const grid = { shape: [4, 9, 9], affine: [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], space: "1.2.3" };
    const draft = await browserOf().tab().drafts.start({ user: "ada", image: { seriesId: 5, volume: 0, key: "5/0/v1", padding: null }, grid, base: null, segments: [], label: "Drawn" });
    await draft.addSegment(facts("A"));
    const stroke = draft.beginStroke({ segment: 1, shape: { kind: "disc", normal: [0, 0, 1] }, radius: 0.4, erase: false, range: null, overOthers: true });
    stroke.add([[4, 4, 2]]);
    const { voxels } = await draft.voxelsOf(1, grid);
    expect(isMeant(voxels, 2, 4, 4)).toBe(true);
    await stroke.end();
    await draft.undo();
    await draft.undo();
    expect((await draft.voxelsOf(1, grid)).voxels.bits).toHaveLength(0);
  });
});
