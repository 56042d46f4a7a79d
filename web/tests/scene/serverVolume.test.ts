import { describe, expect, it, vi } from "vitest";

import type { Slice } from "@/api/slices";
import { ByteCache } from "@/core/byteCache";
import { SliceCache } from "@/scene/sliceCache";
import { ServerVolume } from "@/scene/serverVolume";
import type { PlanePicture, PlaneRequest } from "@/scene/volumeSource";

import { settle } from "./volumeServer";

// Slices ascend to inferior: the axial planes run backwards.
const AFFINE = [
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [-2, 0, 0, 0],
  [0, 0, 0, 1],
];
const COUNT = 100;
const SLICE_BYTES = 12;
const DEMAND = { view: "view", slice: 50, direction: 0, around: false, crossing: false } as const;
const acquired = (index: number): PlaneRequest => ({ kind: "grid", plane: "acquired", index });
const SAGITTAL: PlaneRequest = { kind: "grid", plane: "sagittal", index: 1 };
const SERVED: PlanePicture = { values: new Int16Array(200), rows: COUNT, columns: 2, samples: 1, missing: 0 };
const never = new AbortController().signal;

const sliceOf = (slice: number): Slice => ({ values: Int16Array.from({ length: 6 }, (_, i) => slice * 10 + i), rows: 2, columns: 3, samples: 1 });

function serverVolume({ slices = 40, affine = AFFINE, shape = [COUNT, 2, 3], whole = false }: { slices?: number; affine?: number[][] | null; shape?: number[]; whole?: boolean } = {}) {
  const asked: { slice: number; signal: AbortSignal; give: () => void; fail: (error: Error) => void }[] = [];
  const fetchSlice = (slice: number, signal: AbortSignal) =>
    new Promise<Slice>((resolve, reject) => {
      asked.push({ slice, signal, give: () => resolve(sliceOf(slice)), fail: reject });
      signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    });
  const cache = new SliceCache(slices * SLICE_BYTES);
  const fromServer = vi.fn(() => Promise.resolve(SERVED));
  const thinned = vi.fn((_: PlaneRequest, every: number) => Promise.resolve({ ...SERVED, missing: 1, every }));
  const parts = { slices: cache, pictures: new ByteCache<PlanePicture>(1e6), fetchSlice, fromServer, ...(whole ? {} : { thinned }), schedule: (task: () => void) => task() };
  const volume = new ServerVolume("a", { affine, shape }, parts);
  /** Answers everything that is asked until no more is. */
  const giveAll = async (): Promise<void> => {
    for (let given = 0; given < asked.length; ) {
      while (given < asked.length) asked[given++].give();
      await settle();
    }
  };
  return { volume, asked, cache, fromServer, thinned, giveAll };
}

describe("a volume that the server cuts", () => {
  it("fetches slices around what is looked at, as many as the cache can keep", async () => {
    const { volume, asked, cache, giveAll } = serverVolume();
    volume.demand(DEMAND);
    // The first picture alone.
    expect(asked.map(({ slice }) => slice)).toEqual([50]);
    asked[0].give();
    await settle();
    expect(asked.map(({ slice }) => slice)).toEqual([50, 51, 49, 52, 48]);
    await giveAll();
    expect(new Set(asked.map(({ slice }) => slice)).size).toBe(asked.length);
    expect(cache.size).toBeGreaterThan(20);
    expect(cache.bytes).toBeLessThan(cache.capacity);
    expect([volume.loaded[50], volume.loaded[45], volume.loaded[0]]).toEqual([1, 1, 0]);
    expect(volume.loadedCount).toBe(cache.size);
  });

  it("tells that slices have left the cache", async () => {
    const { volume, giveAll } = serverVolume();
    volume.demand(DEMAND);
    await giveAll();
    volume.demand({ ...DEMAND, slice: 10 });
    await giveAll();
    volume.demand({ ...DEMAND, slice: 90 });
    await giveAll();
    expect([volume.loaded[90], volume.loaded[50]]).toEqual([1, 0]);
    expect(volume.loadedCount).toBeLessThanOrEqual(40);
  });

  it("asks for a picture's slice before all others", async () => {
    const { volume, asked } = serverVolume();
    volume.demand(DEMAND);
    asked[0].give();
    await settle();
    const picture = volume.picture(acquired(3), never);
    expect(asked.filter(({ signal }) => signal.aborted).map(({ slice }) => slice)).toEqual([48]);
    expect(asked.at(-1)?.slice).toBe(3);
    asked.at(-1)?.give();
    expect([...(await picture).values]).toEqual([30, 31, 32, 33, 34, 35]);
    expect(volume.settled(acquired(3))).toBe(true);
    expect(volume.settled(acquired(4))).toBe(false);
  });

  it("turns slices for the plane that they lie in, and has the server cut the others", async () => {
    const { volume, asked, fromServer } = serverVolume();
    const axial = volume.picture({ kind: "grid", plane: "axial", index: 0 }, never);
    expect(asked.map(({ slice }) => slice)).toEqual([99]);
    asked[0].give();
    expect([...(await axial).values]).toEqual([990, 991, 992, 993, 994, 995]);
    expect(await volume.picture(SAGITTAL, never)).toBe(SERVED);
    expect(volume.recent(SAGITTAL)).toBe(SERVED);
    expect(await volume.picture({ kind: "grid", plane: "axial", index: 4, slab: { mode: "max", planes: 5 } }, never)).toBe(SERVED);
    expect(fromServer).toHaveBeenCalledTimes(2);
    expect(asked).toHaveLength(1);
  });

  it("gives large planes with fewer pixels while one moves, and with all of them at rest", async () => {
    vi.useFakeTimers();
    const { volume, fromServer, thinned } = serverVolume({ shape: [4000, 512, 512] });
    const told = vi.fn();
    volume.subscribe(told);
    const sagittal = (index: number): PlaneRequest => ({ kind: "grid", plane: "sagittal", index });
    for (const index of [1, 2, 3]) {
      const picture = await volume.picture(sagittal(index), never);
      expect([picture.every, picture.missing > 0]).toEqual([3, true]);
      vi.advanceTimersByTime(50);
    }
    expect(told).not.toHaveBeenCalled();
    expect(volume.recent(sagittal(3))?.every).toBe(3);
    expect(volume.settled(sagittal(3))).toBe(true);
    vi.advanceTimersByTime(20);
    expect(told).toHaveBeenCalledTimes(1);
    expect(fromServer).not.toHaveBeenCalled();
    expect(await volume.picture(sagittal(3), never)).toBe(SERVED);
    expect(volume.recent(sagittal(3))).toBe(SERVED);
    // Going on is quick again; what was seen whole stays whole.
    expect((await volume.picture(sagittal(4), never)).every).toBe(3);
    expect(await volume.picture(sagittal(3), never)).toBe(SERVED);
    expect(thinned).toHaveBeenCalledTimes(4);
    volume.close();
    vi.advanceTimersByTime(1000);
    expect(told).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  it("thins samples between voxels sooner, and those of slabs by all their planes", async () => {
    vi.useFakeTimers();
    const { volume, thinned } = serverVolume({ shape: [4000, 512, 512] });
    const cut = { origin: [0, 0, 0], right: [1, 0, 0], down: [0, 1, 0], rows: 300, columns: 400 } as const;
    const ask = async (request: PlaneRequest) => (await volume.picture(request, never)).every;
    expect(await ask({ kind: "cut", cut, method: "linear" })).toBeUndefined();
    expect(await ask({ kind: "cut", cut: { ...cut, rows: 512, columns: 512 }, method: "linear" })).toBe(4);
    expect(await ask({ kind: "cut", cut, method: "linear", slab: { mode: "max", depth: 20, step: [0, 0, 1] } })).toBe(7);
    expect(thinned).toHaveBeenCalledTimes(2);
    volume.close();
    vi.useRealTimers();
  });

  it("fetches a large plane once where no pixel may be left out, as of labels", async () => {
    const { volume, fromServer } = serverVolume({ shape: [4000, 512, 512], whole: true });
    expect(await volume.picture(SAGITTAL, never)).toBe(SERVED);
    expect(await volume.picture(SAGITTAL, never)).toBe(SERVED);
    expect(fromServer).toHaveBeenCalledTimes(1);
    volume.close();
  });

  it("looks at as few slices of thousands as of a hundred before the first picture", async () => {
    const looks = async (count: number): Promise<number> => {
      const { volume, cache, asked } = serverVolume({ shape: [count, 2, 3] });
      const loaded = cache.loadedOf("a", count);
      const { flags } = loaded;
      const look = vi.fn(() => flags);
      Object.defineProperty(loaded, "flags", { get: look });
      const middle = count / 2;
      const ahead = volume.ahead(acquired(middle));
      volume.demand({ ...DEMAND, slice: middle });
      const picture = volume.picture(acquired(middle), never);
      expect(asked.map(({ slice }) => slice)).toEqual([middle]);
      asked[0].give();
      await Promise.all([ahead, picture]);
      return look.mock.calls.length;
    };
    expect(await looks(4000)).toBe(await looks(100));
  });

  it("fetches a picture ahead once, and gives it to who asks meanwhile or later", async () => {
    const { volume, fromServer } = serverVolume();
    const ahead = volume.ahead(SAGITTAL);
    const meanwhile = volume.picture(SAGITTAL, never);
    await ahead;
    expect(volume.recent(SAGITTAL)).toBe(SERVED);
    expect([await meanwhile, await volume.picture(SAGITTAL, never)]).toEqual([SERVED, SERVED]);
    expect(fromServer).toHaveBeenCalledTimes(1);
  });

  it("fetches a large plane ahead with fewer pixels, and with all of them for a view that comes late", async () => {
    vi.useFakeTimers();
    const { volume, fromServer, thinned } = serverVolume({ shape: [4000, 512, 512] });
    const ahead = volume.ahead(SAGITTAL);
    const meanwhile = volume.picture(SAGITTAL, never);
    await ahead;
    expect((await meanwhile).every).toBe(3);
    expect([thinned.mock.calls.length, fromServer.mock.calls.length]).toEqual([1, 0]);
    vi.advanceTimersByTime(100);
    expect(await volume.picture(SAGITTAL, never)).toBe(SERVED);
    expect([thinned.mock.calls.length, fromServer.mock.calls.length]).toEqual([1, 1]);
    volume.close();
    vi.useRealTimers();
  });

  it("asks again for a picture that failed ahead, and then tells", async () => {
    const { volume, fromServer } = serverVolume();
    fromServer.mockRejectedValueOnce(new Error("busy"));
    const ahead = volume.ahead(SAGITTAL);
    const meanwhile = volume.picture(SAGITTAL, never);
    await ahead;
    expect(await meanwhile).toBe(SERVED);
    fromServer.mockRejectedValue(new Error("gone"));
    const other: PlaneRequest = { kind: "grid", plane: "sagittal", index: 2 };
    await volume.ahead(other);
    await expect(volume.picture(other, never)).rejects.toThrow("gone");
  });

  it("gives single voxels from slices", async () => {
    const { volume, asked } = serverVolume({ affine: null });
    const voxel = volume.voxel([7, 1, 2], never);
    asked[0].give();
    expect(await voxel).toEqual([75]);
    expect(await volume.voxel([7, 1, 0], never)).toEqual([73]);
    expect(await volume.voxel([100, 0, 0], never)).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it("keeps a failure until it is tried again", async () => {
    const { volume, asked } = serverVolume();
    const picture = volume.picture(acquired(3), never);
    asked[0].fail(new Error("Gone."));
    await expect(picture).rejects.toThrow("Gone.");
    await expect(volume.picture(acquired(3), never)).rejects.toThrow("Gone.");
    expect(volume.settled(acquired(3))).toBe(true);
    volume.retry();
    const again = volume.picture(acquired(3), never);
    asked[1].give();
    expect((await again).rows).toBe(2);
  });

  it("ends requests that nobody waits for", async () => {
    const { volume, asked } = serverVolume();
    const controller = new AbortController();
    const picture = volume.picture(acquired(3), controller.signal);
    controller.abort();
    await expect(picture).rejects.toMatchObject({ name: "AbortError" });
    volume.demand(DEMAND);
    expect(asked[0].signal.aborted).toBe(true);
    volume.withdraw("view");
    expect(asked.every(({ signal }) => signal.aborted)).toBe(true);
  });
});
