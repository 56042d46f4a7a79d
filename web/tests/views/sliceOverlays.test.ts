import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, shallowRef } from "vue";

import { seriesFrom } from "@/api/series";
import type { ShownPicture } from "@/views/shownPicture";
import { useSliceOverlays } from "@/views/sliceOverlays";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";

const { asked } = vi.hoisted(() => ({ asked: vi.fn<(series: number, volume: object, slice: number) => Promise<object>>() }));
vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));
vi.mock("@/api/overlays", () => ({ getSliceOverlays: asked }));

let version = 0;

/** A view of a volume whose slices 3 to 12 have overlays, a version of its own for each test. */
async function opened() {
  version += 1;
  const volume = { ...VOLUME, version: String(version), overlay_slices: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12] };
  const view = useViews().active;
  view.show(seriesFrom({ ...SERIES, volumes: [volume] } as unknown as Parameters<typeof seriesFrom>[0]));
  const whole = shallowRef<ShownPicture | null>(null);
  effectScope().run(() => useSliceOverlays(view, whole));
  async function shows(index: number): Promise<void> {
    view.goTo(index);
    whole.value = { request: view.request, source: view.source, index } as ShownPicture;
    await nextTick();
    await nextTick();
  }
  await shows(0);
  return { view, shows };
}

const slices = (): number[] => asked.mock.calls.map(([, , slice]) => slice);

beforeEach(() => {
  setActivePinia(createPinia());
  asked.mockReset();
  asked.mockImplementation((_, __, slice) => Promise.resolve({ overlays: [{ group: slice, bits: new Uint8Array(8) }], problems: [] }));
});

it("overlays of the slices that come next are fetched once, and are there with their slice", async () => {
  const { view, shows } = await opened();
  await shows(4);
  await shows(5);
  expect(slices().sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9]);
  asked.mockClear();
  await shows(6);
  expect(view.overlays).toMatchObject({ state: "ready", overlays: [{ group: 6 }] });
  expect(slices()).toEqual([10]);
});

it("nothing is fetched of slices that have none", async () => {
  const { shows } = await opened();
  await shows(10);
  await shows(11);
  expect(slices().sort((a, b) => a - b)).toEqual([10, 11, 12]);
});

it("what failed ahead is asked for again, and told, when its slice is shown", async () => {
  const { view, shows } = await opened();
  asked.mockImplementation(() => Promise.reject(new Error("broken")));
  await shows(5);
  expect(slices()).toContain(6);
  asked.mockClear();
  await shows(6);
  expect(slices()).toContain(6);
  await nextTick();
  expect(view.overlays).toMatchObject({ state: "failed" });
});
