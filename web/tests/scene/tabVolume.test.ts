import { describe, expect, it, vi } from "vitest";

import { ServerProblem } from "@/api/http";
import { ByteCache } from "@/core/byteCache";
import { TabVolume, type TabVolumeParts } from "@/scene/tabVolume";
import type { PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import type { FromWorker, ToWorker } from "@/scene/worker/protocol";
import { VolumeDesk } from "@/scene/worker/volumeDesk";
import { WorkerLink, type WorkerPort } from "@/scene/worker/workerLink";

import { ADDRESS, settle, stoppedClock, volumeServer } from "./volumeServer";

const AFFINE = [
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [2, 0, 0, 0],
  [0, 0, 0, 1],
];
const FACTS = { ...ADDRESS, affine: AFFINE };
const DEMAND = { view: "view", slice: 5, direction: 0, around: false, crossing: false } as const;
const SAGITTAL: PlaneRequest = { kind: "grid", plane: "sagittal", index: 1 };
const acquired = (index: number): PlaneRequest => ({ kind: "grid", plane: "acquired", index });
const SERVED: PlanePicture = { values: new Int16Array(24), rows: 12, columns: 2, samples: 1, missing: 0 };

/** A desk that stands where the worker stands; copies of messages pass, as between threads. */
function port(server: ReturnType<typeof volumeServer>, heard: ToWorker[]): WorkerPort & { pass: (ms: number) => void } {
  const { clock, pass } = stoppedClock();
  const own: WorkerPort & { pass: (ms: number) => void } = { onmessage: null, onerror: null, postMessage: () => undefined, pass };
  const give = (data: FromWorker): void => void setTimeout(() => own.onmessage?.({ data } as MessageEvent<FromWorker>), 0);
  const desk = new VolumeDesk(
    server.fetch,
    clock,
    (message, transfer) => give(structuredClone(message, { transfer: transfer as ArrayBuffer[] })),
    (task) => void setTimeout(task, 0),
  );
  own.postMessage = (message) => {
    heard.push(message);
    const copy = structuredClone(message);
    setTimeout(() => desk.receive(copy), 0);
  };
  return own;
}

function tabVolume(server: ReturnType<typeof volumeServer>, fromServer: TabVolumeParts["fromServer"] = vi.fn(() => Promise.resolve(SERVED)), room = 1e6) {
  const heard: ToWorker[] = [];
  const worker = port(server, heard);
  const substitute = vi.fn<() => VolumeSource>();
  const onProblem = vi.fn();
  const frames: (() => void)[] = [];
  const volume = new TabVolume("a", FACTS, {
    link: new WorkerLink(worker),
    pictures: new ByteCache(room),
    fromServer,
    substitute,
    onProblem,
    schedule: (task) => frames.push(task),
  });
  return { volume, heard, fromServer, substitute, onProblem, frames, worker };
}

const never = new AbortController().signal;

/** All slices are there, and the volume knows it. */
async function loadAll({ volume, worker }: Pick<ReturnType<typeof tabVolume>, "volume" | "worker">): Promise<void> {
  volume.demand(DEMAND);
  await settle();
  await settle();
  worker.pass(16);
  await settle();
  expect(volume.loadedCount).toBe(12);
}

describe("a volume in the tab", () => {
  it("gives a slice when it arrives, and keeps its picture", async () => {
    const { volume, fromServer } = tabVolume(volumeServer());
    const picture = await volume.picture(acquired(4), never);
    expect([...picture.values]).toEqual([400, 401, 402, 403, 404, 405]);
    expect(volume.recent(acquired(4))).toBe(picture);
    expect(volume.recent(acquired(3))).toBeUndefined();
    expect([volume.loadedCount, volume.loaded[4]]).toEqual([1, 1]);
    expect(await volume.voxel([4, 1, 0], never)).toEqual([403]);
    expect(fromServer).not.toHaveBeenCalled();
  });

  it("asks the server for planes across slices that are not there", async () => {
    const { volume, fromServer } = tabVolume(volumeServer({ waiting: true }));
    expect(volume.settled(SAGITTAL)).toBe(false);
    expect(await volume.picture(SAGITTAL, never)).toBe(SERVED);
    expect(fromServer).toHaveBeenCalledTimes(1);
    expect(volume.recent(SAGITTAL)).toBe(SERVED);
    expect(volume.settled(SAGITTAL)).toBe(true);
  });

  it("takes the tab's plane as soon as all slices are there", async () => {
    const answer = vi.fn((_: PlaneRequest, signal: AbortSignal) => {
      return new Promise<PlanePicture>((_resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
    });
    const made = tabVolume(volumeServer(), answer);
    const asked = made.volume.picture(SAGITTAL, never);
    await loadAll(made);
    const picture = await asked;
    expect(picture.missing).toBe(0);
    expect([...picture.values].slice(0, 2)).toEqual([1101, 1104]);
    expect(answer.mock.calls[0][1].aborted).toBe(true);
    expect(await made.volume.picture({ kind: "grid", plane: "sagittal", index: 2 }, never)).toMatchObject({ missing: 0 });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it("gives what there is if the server fails, and does not keep it", async () => {
    const { volume } = tabVolume(volumeServer({ waiting: true }), vi.fn(() => Promise.reject(new ServerProblem(503, "busy", "Busy."))));
    expect(await volume.picture(SAGITTAL, never)).toMatchObject({ rows: 12, columns: 2, missing: 12 });
    expect(volume.recent(SAGITTAL)).toBeUndefined();
  });

  it("ends a request that is no longer wanted", async () => {
    const server = volumeServer({ waiting: true });
    const { volume, heard } = tabVolume(server);
    const controller = new AbortController();
    const asked = volume.picture(acquired(4), controller.signal);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(heard.at(-1)).toMatchObject({ kind: "cancel" });
    await expect(volume.picture(acquired(4), controller.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("gives the first picture that the page fetched ahead, or the worker's if that fails", async () => {
    let answer: (picture: PlanePicture) => void = () => undefined;
    const slow = new Promise<never>(() => undefined);
    const stalled = { ...volumeServer(), fetch: () => slow };
    const ahead = tabVolume(stalled, vi.fn(() => new Promise<PlanePicture>((resolve) => (answer = resolve))));
    void ahead.volume.ahead(acquired(4));
    void ahead.volume.ahead(acquired(5));
    expect(ahead.fromServer).toHaveBeenCalledTimes(1);
    const shown = ahead.volume.picture(acquired(4), never);
    answer(SERVED);
    expect(await shown).toBe(SERVED);
    expect(ahead.volume.recent(acquired(4))).toBe(SERVED);
    const failing = tabVolume(volumeServer(), vi.fn(() => Promise.reject(new ServerProblem(500, "defect", "Broken"))));
    void failing.volume.ahead(acquired(4));
    expect([...(await failing.volume.picture(acquired(4), never)).values]).toEqual([400, 401, 402, 403, 404, 405]);
    await loadAll(failing);
    await failing.volume.ahead(acquired(6));
    expect(failing.fromServer).toHaveBeenCalledTimes(1);
  });

  it("has a first picture at hand that is larger than all room for recent ones", async () => {
    const { volume } = tabVolume(volumeServer(), vi.fn(() => Promise.resolve(SERVED)), 1);
    await volume.ahead(acquired(4));
    expect(volume.recent(acquired(4))).toBe(SERVED);
    expect(volume.recent(acquired(5))).toBeUndefined();
  });

  it("tells of arrivals once a frame", async () => {
    const made = tabVolume(volumeServer());
    const listener = vi.fn();
    const end = made.volume.subscribe(listener);
    await loadAll(made);
    expect(made.frames).toHaveLength(1);
    made.frames.shift()?.();
    expect(listener).toHaveBeenCalledTimes(1);
    end();
    made.volume.retry();
    made.frames.shift()?.();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("cuts the next slices while they are stepped through", async () => {
    const made = tabVolume(volumeServer());
    await loadAll(made);
    made.volume.demand({ ...DEMAND, slice: 6, direction: 1 });
    await made.volume.picture({ kind: "grid", plane: "axial", index: 6 }, never);
    await settle();
    expect([5, 7, 8, 9].map((index) => made.volume.recent({ kind: "grid", plane: "axial", index })?.values[0])).toEqual([undefined, 700, 800, undefined]);
  });

  it("passes a lost session on, and is settled about what cannot be had", async () => {
    const server = volumeServer({ waiting: true });
    const { volume, onProblem } = tabVolume(server);
    const asked = volume.picture(acquired(4), never);
    asked.catch(() => undefined);
    await settle();
    server.asked[0].answer(new Response("", { status: 401 }));
    await expect(asked).rejects.toMatchObject({ status: 401 });
    await settle();
    expect(onProblem).toHaveBeenCalledWith(expect.objectContaining({ status: 401 }));
    expect(volume.settled(acquired(4))).toBe(true);
    volume.retry();
    expect(volume.settled(acquired(4))).toBe(false);
  });

  it("hands over to the server if the browser has no memory", async () => {
    const made = tabVolume(volumeServer({ waiting: true }));
    const other = { inTab: false, picture: vi.fn(() => Promise.resolve(SERVED)), demand: vi.fn(), subscribe: vi.fn(() => () => undefined), recent: vi.fn(), settled: vi.fn() };
    made.substitute.mockReturnValue(other as unknown as VolumeSource);
    made.volume.demand(DEMAND);
    made.worker.onmessage?.({ data: { kind: "noRoom", key: "a" } } as MessageEvent<FromWorker>);
    expect(made.volume.inTab).toBe(false);
    expect(other.demand).toHaveBeenCalledWith(DEMAND);
    expect(await made.volume.picture(acquired(2), never)).toBe(SERVED);
  });
});
