// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { watchForViewer } from "@/pages/viewerAhead";
import { startWorker } from "@/scene/worker/startWorker";

const { program, getSeries } = vi.hoisted(() => ({ program: vi.fn(), getSeries: vi.fn() }));
vi.mock("@/pages/viewer/ViewerPage.vue", () => (program(), { default: {} }));
vi.mock("@/scene/worker/startWorker", () => ({ startWorker: vi.fn() }));
vi.mock("@/api/studies", () => ({ getSeries }));

let end = (): void => undefined;

beforeEach(() => {
  setActivePinia(createPinia());
  getSeries.mockReset().mockReturnValue(new Promise(() => undefined));
  vi.mocked(startWorker).mockClear();
  document.body.innerHTML = '<a href="/series/7"><b>View</b></a><a href="/studies/7"><i>Open</i></a>';
  vi.stubGlobal("requestIdleCallback", (task: () => void) => setTimeout(task));
  end = watchForViewer(document);
});
afterEach(() => {
  end();
  vi.unstubAllGlobals();
});

const press = (selector: string, more: MouseEventInit = {}) => document.querySelector(selector)?.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true, ...more }));

it("fetches the viewer's program after the first sign of a person, once", async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(program).not.toHaveBeenCalled();
  document.dispatchEvent(new MouseEvent("pointermove"));
  document.dispatchEvent(new MouseEvent("keydown"));
  await vi.waitFor(() => expect(program).toHaveBeenCalledTimes(1));
});

it("begins when a link to a series is pressed, and asks for its record once", () => {
  press("b");
  press("b");
  expect(startWorker).toHaveBeenCalled();
  expect(getSeries.mock.calls).toEqual([[7]]);
});

it("begins nothing for other links, other buttons, or a new window", () => {
  press("i");
  press("b", { button: 2 });
  press("b", { ctrlKey: true });
  press("b", { metaKey: true });
  expect(startWorker).not.toHaveBeenCalled();
  expect(getSeries).not.toHaveBeenCalled();
});
