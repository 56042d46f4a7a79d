// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";

import { seriesFrom } from "@/api/series";
import SliceBar from "@/views/SliceBar.vue";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

let unmount = (): void => undefined;

function mounted() {
  const pinia = createPinia();
  setActivePinia(pinia);
  const view = useViews().active;
  view.show(seriesFrom(SERIES as unknown as Parameters<typeof seriesFrom>[0]));
  const app = createApp(SliceBar).use(pinia);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  const find = (id: string) => document.querySelector<HTMLInputElement>(`[data-testid=${id}]`);
  return { view, slider: find("slice-slider"), position: find("slice-position") };
}

beforeEach(() => (document.body.innerHTML = ""));
afterEach(() => unmount());

it("tells the slice from 1, to eyes and to screen readers",  () => {
  const { slider, position } = mounted();
  expect(position?.textContent).toBe("Slice 18 / 35");
  expect(slider?.getAttribute("aria-valuenow")).toBe("18");
  expect(slider?.getAttribute("aria-valuetext")).toBe("Slice 18 of 35");
});

it("moves the slice, and follows it", async () => {
  const { view, slider } = mounted();
  if (!slider) throw new Error("no slider");
  slider.value = "3";
  slider.dispatchEvent(new Event("input"));
  expect(view.index).toBe(2);
  view.choosePlane("coronal");
  view.goTo(500);
  await nextTick();
  expect([slider.value, slider.max]).toEqual(["501", "512"]);
});
