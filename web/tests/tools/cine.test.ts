// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Component, createApp } from "vue";

import { seriesFrom } from "@/api/series";
import CineTool from "@/tools/cine/CineTool.vue";
import TimeTool from "@/tools/time/TimeTool.vue";
import { useTime } from "@/tools/time/store";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

/** What the page asked for as its next frame. */
let frames: FrameRequestCallback[] = [];
let unmount = (): void => undefined;

/** Makes the frames of a time in milliseconds. */
function showFrames(now: number): void {
  const due = frames;
  frames = [];
  for (const each of due) each(now);
}

function playable() {
  const pinia = createPinia();
  setActivePinia(pinia);
  const view = useViews().active;
  view.show(seriesFrom(SERIES as unknown as Parameters<typeof seriesFrom>[0]));
  vi.spyOn(view, "isReady").mockReturnValue(true);
  view.goTo(0);
  const mount = (tool: Component = CineTool): void => {
    const app = createApp(tool).use(pinia);
    app.mount(document.body.appendChild(document.createElement("div")));
    unmount = () => app.unmount();
  };
  return { view, mount };
}

beforeEach(() => {
  document.body.innerHTML = "";
  vi.spyOn(performance, "now").mockReturnValue(0);
  vi.stubGlobal("requestAnimationFrame", (task: FrameRequestCallback) => frames.push(task));
  vi.stubGlobal("cancelAnimationFrame", () => (frames = []));
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  frames = [];
});

it("plays what a key began before the controls were made", () => {
  const { view, mount } = playable();
  view.togglePlaying();
  mount();
  for (const now of [70, 140, 210]) showFrames(now);
  expect(view.index).toBe(3);
});

it("plays nothing that was not begun", () => {
  const { view, mount } = playable();
  mount();
  for (const now of [70, 140, 210]) showFrames(now);
  expect([frames.length, view.index]).toEqual([0, 0]);
});

it("plays volumes that a key began to play before the controls were made", () => {
  const { mount } = playable();
  useTime().playing = true;
  mount(TimeTool);
  expect(frames.length).toBe(1);
});
