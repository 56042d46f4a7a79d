import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ServerProblem } from "@/api/http";
import { getSeries } from "@/api/studies";
import { useOpenSeries } from "@/stores/openSeries";

vi.mock("@/api/studies");

const answer = (state: string) => ({ id: 5, state }) as never;

beforeEach(() => {
  vi.stubGlobal("window", globalThis);
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.mocked(getSeries).mockReset();
});

it("gives a record that was asked for ahead to the first who opens it, also after all was closed", async () => {
  vi.mocked(getSeries).mockResolvedValue(answer("succeeded"));
  const open = useOpenSeries();
  open.expect(5);
  open.clear();
  expect(await open.open(5)).toEqual(answer("succeeded"));
  expect(getSeries).toHaveBeenCalledTimes(1);
  await open.load(5);
  expect(getSeries).toHaveBeenCalledTimes(2);
});

it("hands a record over before it tells of it, at once if it is there already", async () => {
  vi.mocked(getSeries).mockResolvedValue(answer("succeeded"));
  const open = useOpenSeries();
  const known = (): boolean => open.records.has(5);
  const first = vi.fn(() => expect(known()).toBe(false));
  open.expect(5);
  await vi.mocked(getSeries).mock.results[0].value;
  const opening = open.open(5, { first });
  expect(first).toHaveBeenCalledTimes(1);
  expect(known()).toBe(true);
  expect(await opening).toEqual(answer("succeeded"));
  open.clear();
  const later = open.open(5, { first });
  expect(first).toHaveBeenCalledTimes(1);
  await later;
  expect(first).toHaveBeenCalledTimes(2);
  const again = vi.fn();
  await open.open(5, { first: again });
  expect(again).toHaveBeenCalledTimes(1);
  expect(getSeries).toHaveBeenCalledTimes(2);
});

it("asks for another series than the expected one", async () => {
  vi.mocked(getSeries).mockResolvedValue(answer("succeeded"));
  const open = useOpenSeries();
  open.expect(5);
  await open.load(6);
  expect(vi.mocked(getSeries).mock.calls.map(([id]) => id)).toEqual([5, 6]);
});

it("tells the failure of a record that was asked for ahead to who opens it", async () => {
  vi.mocked(getSeries).mockRejectedValueOnce(new Error("There is no such series."));
  const open = useOpenSeries();
  open.expect(5);
  expect(await open.open(5)).toBeNull();
  expect(open.errors.has(5)).toBe(true);
});

it("knows which series are not there, or may not be seen", async () => {
  const open = useOpenSeries();
  vi.mocked(getSeries).mockRejectedValueOnce(new ServerProblem(404, "not_found", "There is no series 5."));
  await open.load(5);
  vi.mocked(getSeries).mockRejectedValueOnce(new ServerProblem(500, "defect", "Broken"));
  await open.load(6);
  expect([...open.gone]).toEqual([5]);
  vi.mocked(getSeries).mockResolvedValue(answer("succeeded"));
  await open.load(5);
  expect(open.gone.size).toBe(0);
});

it("forgets a record that nobody opened in time", async () => {
  vi.useFakeTimers();
  vi.mocked(getSeries).mockResolvedValue(answer("succeeded"));
  const open = useOpenSeries();
  open.expect(5);
  await vi.advanceTimersByTimeAsync(60_000);
  await open.load(5);
  expect(getSeries).toHaveBeenCalledTimes(2);
});
