// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";

import { seriesFrom } from "@/api/series";
import SeriesStrip from "@/pages/viewer/SeriesStrip.vue";
import { useViews } from "@/views/views";

import { ROW, SERIES } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));
const PRIOR = { ...ROW, id: 6, number: 4, description: "Reformat" };
const REPORT = { ...ROW, id: 7, number: 5, modality: "SR", description: "Report", volume_count: 0, thumbnail: null, shape: null };
vi.mock("@/api/studies", () => ({
  listSeries: () => Promise.resolve({ items: [REPORT, ROW, PRIOR], count: 3 }),
  getSeries: (id: number) => Promise.resolve(seriesFrom({ ...SERIES, id } as unknown as Parameters<typeof seriesFrom>[0])),
}));
vi.mock("@/api/studyList", () => ({ searchStudies: () => Promise.resolve({ items: [], count: 0, more_than: false, next: null, previous: null }) }));

let unmount = (): void => undefined;
const warned: string[] = [];
const items = () => [...document.querySelectorAll<HTMLElement>("[data-testid=strip-item]")];
const settled = async (): Promise<void> => {
  for (let i = 0; i < 12; i += 1) await Promise.resolve();
  await nextTick();
};

beforeEach(async () => {
  localStorage.clear();
  warned.length = 0;
  localStorage.setItem("viewer.seriesStrip", "true");
  document.body.innerHTML = "";
  const pinia = createPinia();
  setActivePinia(pinia);
  const views = useViews();
  views.arrange("2");
  views.active.show(seriesFrom(SERIES as unknown as Parameters<typeof seriesFrom>[0]));
  const app = createApp(SeriesStrip).use(pinia);
  app.config.warnHandler = (words) => warned.push(words);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  await settled();
});
afterEach(() => unmount());

it("lists the series by their numbers, marks what is shown, and says what has no picture", () => {
  expect(items().map((item) => item.dataset.series)).toEqual(["5", "6", "7"]);
  expect(items()[0].querySelector("[data-testid=strip-places]")?.textContent).toBe("1");
  expect(items()[2].textContent).toContain("No picture");
});

it("has the menu of a series on its picture, and gives no part what it cannot take", () => {
  expect(items().map((item) => item.querySelector("[data-testid=strip-menu]")?.classList.contains("more"))).toEqual([true, true, true]);
  expect(warned).toEqual([]);
});

it("shows a series in the active view by click, and in a view by its digit", async () => {
  const { views } = useViews();
  const [, second] = items();
  const button = second.querySelector<HTMLElement>(".choice");
  button?.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true, cancelable: true }));
  await settled();
  expect(views.map(({ series }) => series?.id)).toEqual([5, 6]);
  button?.click();
  await settled();
  expect(views.map(({ series }) => series?.id)).toEqual([6, 6]);
});

it("takes a series to the view below the pointer, and is let go by Escape", async () => {
  const { views } = useViews();
  const target = document.createElement("div");
  target.dataset.view = views[1].id;
  document.elementFromPoint = () => target;
  const drag = (key?: string): void => {
    const button = items()[1].querySelector(".choice");
    button?.dispatchEvent(new MouseEvent("pointerdown", { button: 0, clientX: 10, clientY: 10, bubbles: true }));
    window.dispatchEvent(new MouseEvent("pointermove", { clientX: 300, clientY: 200 }));
    if (key) window.dispatchEvent(new KeyboardEvent("keydown", { key }));
    window.dispatchEvent(new MouseEvent("pointerup", { clientX: 300, clientY: 200 }));
  };
  drag("Escape");
  await settled();
  expect(views[1].series).toBeNull();
  drag();
  await settled();
  expect(views[1].series?.id).toBe(6);
});
