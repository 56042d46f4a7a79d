// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";

import { useViewer } from "@/stores/viewer";
import SliceBar from "@/viewports/SliceBar.vue";

import { SERIES } from "../examples";

let unmount = (): void => undefined;

async function mounted() {
  const pinia = createPinia();
  setActivePinia(pinia);
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(SERIES)))));
  const viewer = useViewer();
  await viewer.load(5);
  const app = createApp(SliceBar).use(pinia);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  const find = (id: string) => document.querySelector<HTMLInputElement>(`[data-testid=${id}]`);
  return { viewer, slider: find("slice-slider"), position: find("slice-position") };
}

beforeEach(() => (document.body.innerHTML = ""));
afterEach(() => unmount());

it("tells the slice from 1, to eyes and to screen readers", async () => {
  const { slider, position } = await mounted();
  expect(position?.textContent).toBe("Slice 18 / 35");
  expect(slider?.getAttribute("aria-valuenow")).toBe("18");
  expect(slider?.getAttribute("aria-valuetext")).toBe("Slice 18 of 35");
});

it("moves the slice, and follows it", async () => {
  const { viewer, slider } = await mounted();
  if (!slider) throw new Error("no slider");
  slider.value = "3";
  slider.dispatchEvent(new Event("input"));
  expect(viewer.index).toBe(2);
  viewer.choosePlane("coronal");
  viewer.goTo(500);
  await nextTick();
  expect([slider.value, slider.max]).toEqual(["501", "512"]);
});
