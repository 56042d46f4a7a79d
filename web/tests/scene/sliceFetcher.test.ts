import { describe, expect, it, vi } from "vitest";

import { SliceFetcher } from "@/scene/worker/sliceFetcher";
import { StoredValues } from "@/scene/worker/storedValues";

import { ADDRESS, bytesOf, headersOf, settle, stoppedClock, streamOf, VALUES, volumeServer } from "./volumeServer";

const LOOKING = { slice: 5, direction: 0, around: false, crossing: false } as const;

function fetcherOf(server: ReturnType<typeof volumeServer>) {
  const { clock, pass } = stoppedClock();
  const arrived: number[] = [];
  const failed = vi.fn();
  const fetcher = new SliceFetcher(server.fetch, clock, { arrived: (_, slices) => arrived.push(...slices), failed });
  const stored = new StoredValues("int16", ADDRESS.shape);
  fetcher.add({ key: "a", address: ADDRESS, stored });
  return { fetcher, stored, arrived, failed, pass };
}

describe("fetching slices", () => {
  it("fetches the slice that is looked at first and alone, then all others, each one once", async () => {
    const server = volumeServer();
    const { fetcher, stored, arrived, failed } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    expect(server.asked.map(({ address }) => address)).toEqual(["/api/series/5/slices/5.raw?volume=0&v=v1"]);
    await settle();
    await settle();
    expect([...stored.values]).toEqual([...VALUES]);
    expect(arrived).toHaveLength(12);
    expect(arrived[0]).toBe(5);
    expect(server.asked.slice(1).every(({ address, range }) => address === "/api/series/5/volume.raw?volume=0&v=v1" && range !== null)).toBe(true);
    expect(server.asked.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))).toHaveLength(12);
    expect(failed).not.toHaveBeenCalled();
  });

  it("keeps to a few requests at a time, and asks for a slice beside them when it is looked at", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    server.asked[0].answer();
    await settle();
    expect(server.asked).toHaveLength(4);
    fetcher.demand("a", "view", { ...LOOKING, slice: 11 });
    expect(server.asked.at(-1)?.address).toContain("slices/11.raw");
    expect(server.asked.every(({ signal }) => !signal.aborted)).toBe(true);
  });

  it("drops single slices that are no longer looked at for those that are", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher } = fetcherOf(server);
    for (const slice of [1, 3, 8, 11]) fetcher.demand("a", "view", { ...LOOKING, slice });
    await settle();
    expect(server.asked.map(({ first, signal }) => [first, signal.aborted])).toEqual([
      [1, true],
      [3, true],
      [8, false],
      [11, false],
    ]);
  });

  it("fetches what waiting pictures need, though no view says so", async () => {
    const server = volumeServer();
    const { fetcher, stored } = fetcherOf(server);
    const release = fetcher.need("a", 7);
    await settle();
    expect([...stored.loaded]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    release();
    expect(server.asked).toHaveLength(1);
  });

  it("fetches no more when nobody looks", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    server.asked[0].answer();
    await settle();
    fetcher.withdraw("a", "view");
    await settle();
    expect(server.asked.slice(1).every(({ signal }) => signal.aborted)).toBe(true);
    expect(server.asked).toHaveLength(4);
    expect(stored.loaded[5]).toBe(1);
    fetcher.remove("a");
    fetcher.demand("a", "view", LOOKING);
    expect(server.asked).toHaveLength(4);
  });

  it("takes all slices from one answer if the server knows no ranges", async () => {
    const server = volumeServer({ ranges: false, waiting: true });
    const { fetcher, stored } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    server.asked[0].answer();
    await settle();
    server.asked[1].answer();
    await settle();
    await settle();
    expect([...stored.values]).toEqual([...VALUES]);
    expect(server.asked.slice(2).every(({ signal }) => signal.aborted)).toBe(true);
    expect(server.asked).toHaveLength(4);
  });

  it.each([
    ["another range", 206, headersOf(true, { "Content-Range": "bytes 0-11/144" }), bytesOf(0, 0), "Content-Range"],
    ["another length", 206, headersOf(true, { "Content-Range": "bytes 72-83/145" }), bytesOf(6, 6), "Content-Range"],
    ["fewer bytes", 206, headersOf(true, { "Content-Range": "bytes 72-83/144" }), bytesOf(6, 6).slice(1), "fewer bytes"],
    ["more bytes", 206, headersOf(true, { "Content-Range": "bytes 72-83/144" }), bytesOf(6, 7), "more bytes"],
    ["another type", 206, headersOf(true, { "X-Voxelry-Dtype": "uint16" }), bytesOf(6, 6), "X-Voxelry-Dtype"],
    ["another shape", 206, headersOf(true, { "X-Voxelry-Shape": "12,3,2" }), bytesOf(6, 6), "X-Voxelry-Shape"],
    ["another build", 206, headersOf(true, { "X-Voxelry-Version": "v2" }), bytesOf(6, 6), "built again"],
    ["no such range", 416, {}, new Uint8Array(), "built again"],
  ])("says what is wrong with %s, and shows no slice of it", async (_, status, headers, bytes, words) => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored, failed } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    server.asked[0].answer();
    await settle();
    expect([server.asked[1].first, server.asked[1].last]).toEqual([6, 6]);
    server.asked[1].answer(new Response(streamOf(bytes), { status, headers }));
    await settle();
    expect(failed).toHaveBeenCalledTimes(1);
    expect((failed.mock.calls[0] as [string, Error])[1].message).toContain(words);
    expect([...stored.loaded].filter(Boolean)).toHaveLength(1);
    expect(server.asked.slice(2).every(({ signal }) => signal.aborted)).toBe(true);
    expect(server.asked).toHaveLength(4);
  });

  it("tells the server's problem as it is, and tries again when it is asked to", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored, failed } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    const body = JSON.stringify({ type: "about:blank", title: "Gone", status: 404, detail: "There is no series 5.", code: "not_found" });
    server.asked[0].answer(new Response(body, { status: 404 }));
    await settle();
    expect(failed).toHaveBeenCalledWith("a", expect.objectContaining({ status: 404, code: "not_found", message: "There is no series 5." }));
    expect(fetcher.problemOf("a")?.message).toBe("There is no series 5.");
    expect(server.asked).toHaveLength(1);
    fetcher.retry("a");
    expect(fetcher.problemOf("a")).toBeNull();
    server.asked[1].answer();
    await settle();
    expect(stored.loaded[5]).toBe(1);
  });

  it("tries again by itself after the network or the server failed, with longer and longer pauses", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored, failed, pass } = fetcherOf(server);
    fetcher.demand("a", "view", LOOKING);
    server.asked[0].fail();
    await settle();
    expect(failed).not.toHaveBeenCalled();
    pass(300);
    server.asked[1].answer(new Response("", { status: 502 }));
    await settle();
    expect(failed).toHaveBeenCalledWith("a", expect.objectContaining({ status: 502 }));
    pass(300);
    expect(server.asked).toHaveLength(2);
    pass(700);
    server.asked[2].answer();
    await settle();
    expect(stored.loaded[5]).toBe(1);
    expect(fetcher.problemOf("a")).toBeNull();
  });

  it("reads into one buffer where the browser can", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored } = fetcherOf(server);
    fetcher.need("a", 7);
    let at = 0;
    const body = new ReadableStream({
      type: "bytes",
      pull(controller: ReadableByteStreamController) {
        const bytes = bytesOf(7, 7).slice(at, at + 5);
        at += 5;
        if (bytes.length > 0) controller.enqueue(bytes);
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
    server.asked[0].answer(new Response(body, { headers: headersOf(false) }));
    await settle();
    await settle();
    expect([...stored.values.slice(42, 48)]).toEqual([700, 701, 702, 703, 704, 705]);
  });

  it("keeps the slices that a broken connection brought", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher, stored, pass } = fetcherOf(server);
    fetcher.demand("a", "view", { ...LOOKING, slice: 0 });
    server.asked[0].answer();
    await settle();
    for (const request of server.asked.slice(1)) request.answer();
    await settle();
    const block = server.asked.find(({ first, last, signal }) => last - first >= 2 && !signal.aborted && !stored.loaded[first]);
    const { first = 0, last = 0 } = block ?? {};
    let sent = false;
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new TypeError("network error"));
        else controller.enqueue(bytesOf(first, last).slice(0, 14));
        sent = true;
      },
    });
    block?.answer(new Response(broken, { status: 206, headers: headersOf(true, { "Content-Range": `bytes ${first * 12}-${last * 12 + 11}/144` }) }));
    await settle();
    expect([stored.loaded[first], stored.loaded[first + 1]]).toEqual([1, 0]);
    const before = server.asked.length;
    pass(300);
    expect(server.asked.slice(before).some((request) => request.first === first)).toBe(false);
    expect(server.asked.slice(before).some((request) => request.first === first + 1)).toBe(true);
  });

  it("serves the volume of the view that was used last first", async () => {
    const server = volumeServer({ waiting: true });
    const { fetcher } = fetcherOf(server);
    fetcher.add({ key: "b", address: { ...ADDRESS, seriesId: 9 }, stored: new StoredValues("int16", ADDRESS.shape) });
    fetcher.demand("a", "left", LOOKING);
    fetcher.demand("b", "right", LOOKING);
    server.asked[0].answer();
    server.asked[1].answer();
    await settle();
    const blocks = server.asked.slice(2).map(({ address }) => address.split("/")[3]);
    expect(blocks.slice(0, 2)).toEqual(["9", "9"]);
  });
});
