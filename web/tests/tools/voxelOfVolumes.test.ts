import { expect, it, vi } from "vitest";

import { seriesFrom, type Volume } from "@/api/series";
import { toIndex, inverseAffine } from "@/core/plane";
import type { Cut } from "@/core/plane";
import { voxelOfVolumes } from "@/tools/time/voxelOfVolumes";

import { SERIES, VOLUME } from "../examples";

const asked: { cut: Cut; method: string; at: number }[] = [];
let most = 0;
let now = 0;
vi.mock("@/api/slices", () => ({
  getCut: async (_: number, volume: { index: number }, cut: Cut, { method }: { method: string }) => {
    now += 1;
    most = Math.max(most, now);
    asked.push({ cut, method, at: volume.index });
    await Promise.resolve();
    now -= 1;
    if (volume.index === 7) throw new Error("gone");
    return { values: new Float32Array([volume.index === 8 ? NaN : volume.index * 2]), rows: 1, columns: 1, samples: 1 };
  },
}));
const volumes: readonly Volume[] = seriesFrom({ ...SERIES, volumes: Array.from({ length: 300 }, (_, index) => ({ ...VOLUME, index })) } as unknown as Parameters<typeof seriesFrom>[0]).volumes;

it("asks for one voxel of each of 300 volumes, a few at a time, and keeps their order", async () => {
  const values = await voxelOfVolumes(5, volumes, [3, 100, 200], new AbortController().signal);
  expect(values).toEqual(volumes.map((_, i) => (i === 7 || i === 8 ? null : i * 2)));
  expect(most).toBeLessThanOrEqual(4);
  const { cut, method } = asked[299];
  expect([method, cut.rows, cut.columns]).toEqual(["nearest", 1, 1]);
  const affine = volumes[0].affine;
  expect(affine && toIndex(inverseAffine(affine), cut.origin).map(Math.round)).toEqual([3, 100, 200]);
});

it("asks no more once somebody points elsewhere", async () => {
  asked.length = 0;
  const controller = new AbortController();
  controller.abort();
  expect(await voxelOfVolumes(5, volumes, [0, 0, 0], controller.signal)).toEqual(volumes.map(() => null));
  expect(asked).toEqual([]);
});
