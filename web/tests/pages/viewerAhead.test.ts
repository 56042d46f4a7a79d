import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { getSeries } from "@/api/studies";
import { beginViewer } from "@/pages/viewerAhead";

const { pictureAhead } = vi.hoisted(() => ({ pictureAhead: vi.fn<(series: unknown) => Promise<void>>() }));
vi.mock("@/api/studies");
vi.mock("@/scene/worker/startWorker", () => ({ startWorker: vi.fn() }));
vi.mock("@/pages/viewer/viewer", () => ({ pictureAhead }));

const SERIES = { id: 5, state: "succeeded" } as never;

beforeEach(() => {
  vi.stubGlobal("window", globalThis);
  setActivePinia(createPinia());
  vi.mocked(getSeries).mockReset().mockResolvedValue(SERIES);
  pictureAhead.mockReset().mockResolvedValue();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("shows the viewer when its first picture is at hand", async () => {
  let arrive = (): void => undefined;
  pictureAhead.mockReturnValue(new Promise((resolve) => (arrive = resolve)));
  const shown = vi.fn();
  const begun = beginViewer(5).then(shown);
  await vi.waitFor(() => expect(pictureAhead).toHaveBeenCalledWith(SERIES));
  expect(shown).not.toHaveBeenCalled();
  arrive();
  await begun;
});

it("does not wait long for a picture, nor for one that cannot be had", async () => {
  pictureAhead.mockRejectedValueOnce(new Error("Broken."));
  await beginViewer(5);
  vi.mocked(getSeries).mockRejectedValueOnce(new Error("There is no such series."));
  await beginViewer(5);
  await beginViewer();
  expect(getSeries).toHaveBeenCalledTimes(2);
  vi.useFakeTimers();
  pictureAhead.mockReturnValue(new Promise(() => undefined));
  const begun = beginViewer(5);
  await vi.advanceTimersByTimeAsync(200);
  await begun;
});
