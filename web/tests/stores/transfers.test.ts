// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ServerProblem } from "@/api/http";
import { cancelUpload, getUpload, sendFiles } from "@/api/uploads";
import { titleOfUpload, uploadTitle, useTransfers } from "@/stores/transfers";

vi.mock("@/api/uploads");

const files = [{ name: "scan.zip", file: new File(["x"], "scan.zip") }];
const upload = (state: string, progress = 0) =>
  ({ id: 7, state, progress, problem: null, counts: { stored: 1, present: 0, skipped: 0 } }) as unknown as Awaited<ReturnType<typeof getUpload>>;

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
  vi.resetAllMocks();
});

it.each([
  [["scan.zip"], "scan.zip"],
  [["a.dcm", "b.dcm", "c.dcm"], "a.dcm and 2 more files"],
  [["head/1.dcm", "head/deep/2.dcm"], "head (2 files)"],
  [["head/1.dcm", "neck/2.dcm"], "head/1.dcm and 1 more file"],
  [[], "Upload"],
])("names an upload of %j", (names, title) => {
  expect(uploadTitle(names)).toBe(title);
});

it.each([
  ["", ["scan.zip"], "scan.zip"],
  ["CT 1", [], "CT 1"],
  ["CT 1", ["1.dcm", "2.dcm"], "CT 1 (2 files)"],
])("names an upload of the node %j with %j", (node, names, title) => {
  expect(titleOfUpload({ node, names })).toBe(title);
});

it("sends, then follows what the server makes of it", async () => {
  vi.mocked(sendFiles).mockResolvedValue({ id: 7, address: "/api/uploads/7" });
  vi.mocked(getUpload).mockResolvedValueOnce(upload("running", 0.5)).mockResolvedValue(upload("succeeded", 1));
  const store = useTransfers();
  const sending = store.send(files);
  await vi.advanceTimersByTimeAsync(1);
  expect(store.transfers[0]).toMatchObject({ phase: "reading", progress: 0.5 });
  await vi.runAllTimersAsync();
  await sending;
  expect(store.transfers[0]).toMatchObject({ phase: "done", progress: 1 });
  expect(store.ended).toBe(1);
});

it("waits for a server that is away, and says so", async () => {
  vi.mocked(sendFiles).mockResolvedValue({ id: 7, address: "/api/uploads/7" });
  vi.mocked(getUpload).mockRejectedValueOnce(new ServerProblem(0, "unreachable", "Away.")).mockResolvedValue(upload("succeeded", 1));
  const store = useTransfers();
  const sending = store.send(files);
  await vi.advanceTimersByTimeAsync(1);
  expect(store.transfers[0]).toMatchObject({ phase: "reading", error: "Away. Trying again." });
  await vi.runAllTimersAsync();
  await sending;
  expect(store.transfers[0]).toMatchObject({ phase: "done", error: "" });
});

it("gives up what the server does not know", async () => {
  vi.mocked(sendFiles).mockResolvedValue({ id: 7, address: "/api/uploads/7" });
  vi.mocked(getUpload).mockRejectedValue(new ServerProblem(404, "not_found", "There is no upload 7."));
  const store = useTransfers();
  await store.send(files);
  expect(store.transfers[0]).toMatchObject({ phase: "failed", error: "There is no upload 7." });
});

it("cancels what is being sent by ending the request, and what is being read by asking the server", async () => {
  vi.mocked(sendFiles).mockImplementation(
    (_files, _progress, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")))),
  );
  const store = useTransfers();
  const sending = store.send(files);
  await store.cancel(store.transfers[0].key);
  await sending;
  expect(store.transfers[0].phase).toBe("cancelled");
  expect(cancelUpload).not.toHaveBeenCalled();

  vi.mocked(sendFiles).mockResolvedValue({ id: 7, address: "/api/uploads/7" });
  vi.mocked(getUpload).mockResolvedValueOnce(upload("running")).mockResolvedValue(upload("cancelled"));
  const second = store.send(files);
  await vi.advanceTimersByTimeAsync(1);
  await store.cancel(store.transfers[0].key);
  expect(cancelUpload).toHaveBeenCalledWith(7);
  await vi.runAllTimersAsync();
  await second;
  expect(store.transfers[0].phase).toBe("cancelled");
});
