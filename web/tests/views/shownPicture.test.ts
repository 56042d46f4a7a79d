// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick } from "vue";

import { seriesFrom } from "@/api/series";
import type { PlanePicture } from "@/scene/volumeSource";
import { useShownPicture } from "@/views/shownPicture";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";

const { held } = vi.hoisted(() => ({ held: { source: undefined as object | undefined } }));
vi.mock("@/scene/volumePool", () => ({ holdVolume: () => held.source, releaseVolume: () => undefined }));

const PICTURE: PlanePicture = { rows: 512, columns: 512, samples: 1, missing: 0, every: 1, values: new Int16Array(4) };

function following(recent?: PlanePicture) {
  const source = {
    key: "a",
    recent: vi.fn(() => recent),
    picture: vi.fn(() => Promise.resolve(PICTURE)),
    demand: vi.fn(),
    withdraw: vi.fn(),
    subscribe: () => () => undefined,
  };
  held.source = source;
  const view = useViews().active;
  view.show(seriesFrom(SERIES as unknown as Parameters<typeof seriesFrom>[0]));
  const scope = effectScope();
  const shown = scope.run(() => useShownPicture(view).shown);
  return { view, source, shown, scope };
}

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => vi.useRealTimers());

it("a picture that is there already is shown at once, and not asked for", () => {
  const { shown, source } = following(PICTURE);
  expect(shown?.value?.picture).toBe(PICTURE);
  expect(source.picture).not.toHaveBeenCalled();
});

it("nothing else is fetched before the first picture has been drawn", async () => {
  const { view, source } = following(PICTURE);
  await vi.advanceTimersByTimeAsync(100);
  expect(source.demand).not.toHaveBeenCalled();
  view.noteDrawn(view.request);
  await nextTick();
  await vi.advanceTimersByTimeAsync(20);
  expect(source.demand).toHaveBeenCalledTimes(1);
  expect(source.demand.mock.calls[0]).toEqual([{ view: view.id, slice: 17, direction: 0, around: false, crossing: false }]);
  // From now on at once.
  view.goTo(20);
  await nextTick();
  expect(source.demand.mock.lastCall).toEqual([{ view: view.id, slice: 20, direction: 1, around: false, crossing: false }]);
});

it("a first picture that does not come holds up nothing", async () => {
  const { source } = following();
  expect(source.picture).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(160);
  expect(source.demand).toHaveBeenCalledTimes(1);
});

it("a view that is gone asks for nothing more", async () => {
  const { source, scope } = following();
  scope.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(source.demand).not.toHaveBeenCalled();
});
