import { gunzipSync } from "node:zlib";

import { describe, expect, it, vi } from "vitest";

import type { BrushCommand, BrushSettings, EditCommand } from "@/core/editing/editCommand";
import type { Draft, DraftStart } from "@/scene/draft";
import type { CutRequest } from "@/scene/volumeSource";
import { StoredValues } from "@/scene/worker/storedValues";

import { facts } from "../core/editing/draftExamples";
import { browserOf } from "./memoryDrafts";
import { streamOf } from "./volumeServer";

const AFFINE = [[0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]];
const GRID = { shape: [6, 10, 12], affine: AFFINE, space: "1.2.3" };
const START: DraftStart = { user: "ada", image: { seriesId: 5, volume: 0, key: "5/0/v1", padding: null }, grid: GRID, base: null, segments: [], label: "Drawn" };
const axial = (slice: number): CutRequest => ({ kind: "cut", method: "nearest", cut: { origin: [0, 0, slice * 2], right: [1, 0, 0], down: [0, 1, 0], rows: 10, columns: 12 } });
const settings = (radius: number): BrushSettings => ({ segment: 1, shape: { kind: "disc", normal: [0, 0, 1] }, radius, erase: false, range: null, overOthers: true });
const brush = (segment: number, slice: number, radius = 2): BrushCommand => ({ ...settings(radius), kind: "brush", segment, points: [[5, 5, slice * 2]] });
const never = new AbortController().signal;
const drawnIn = async (draft: Draft, slice: number, layer = 0): Promise<number> => (await draft.source(layer).picture(axial(slice), never)).values.filter((value) => value !== 0).length;

describe("a draft of the page", () => {
  it("runs commands in the worker, and tells figures, steps and what is to be drawn again", async () => {
    const { drafts } = browserOf().tab();
    const draft = await drafts.start(START);
    expect(draft.state).toMatchObject({ segments: [], undo: null, unsaved: false, revision: 0 });
    const number = await draft.addSegment(facts("Liver"));
    const revisions = [1, 2].map((slice) => draft.revisionOf(0, axial(slice)));
    const change = await draft.run(brush(number, 2));
    expect(change.boxes.get(0)).toEqual([[2, 3], [3, 8], [3, 8]]);
    expect(change.voxels).toBe(13);
    expect(draft.state).toMatchObject({ undo: "Brush", redo: null, unsaved: true, running: null, segments: [{ number: 1, label: "Liver", count: 13, mm3: 26, box: [[2, 3], [3, 8], [3, 8]] }] });
    expect([1, 2].map((slice) => draft.revisionOf(0, axial(slice)) > revisions[slice - 1])).toEqual([false, true]);
    expect([await drawnIn(draft, 2), await drawnIn(draft, 1)]).toEqual([13, 0]);
    expect(await draft.segmentsAt([5, 5, 4])).toEqual([1]);
    expect(await draft.segmentsAt([5, 5, 8])).toEqual([]);
    await draft.undo();
    expect(draft.state).toMatchObject({ undo: "Add segment", redo: "Brush", segments: [{ count: 0, box: null }] });
    expect(await drawnIn(draft, 2)).toBe(0);
    await draft.redo();
    expect(await drawnIn(draft, 2)).toBe(13);
  });

  it("tells listeners once a frame, with new snapshots only", async () => {
    const { drafts } = browserOf().tab();
    const draft = await drafts.start(START);
    const listener = vi.fn();
    const stop = draft.subscribe(listener);
    const before = draft.state;
    await draft.addSegment(facts("A"));
    await vi.waitFor(() => expect(listener).toHaveBeenCalled());
    expect(before.segments).toEqual([]);
    expect(draft.state.segments.map(({ label }) => label)).toEqual(["A"]);
    stop();
  });

  it("sends points of a stroke together while some are being drawn, as one step", async () => {
    const { drafts, heard } = browserOf().tab();
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    const stroke = draft.beginStroke(settings(1.2));
    for (let x = 1; x <= 10; x += 1) stroke.add([[x, 5, 6]]);
    const change = await stroke.end();
    const sent = heard.flatMap((message) => (message.kind === "draft" && message.ask.about === "extendStroke" ? [message.ask.points.length] : []));
    expect(sent).toEqual([1, 9]);
    expect(change.lockedVoxels).toBe(0);
    expect(await drawnIn(draft, 3)).toBe(32);
    await draft.undo();
    expect([await drawnIn(draft, 3), draft.state.undo]).toEqual([0, "Add segment"]);
  });

  it("tells at the end of a stroke what went wrong, and nothing of it stays", async () => {
    const { drafts } = browserOf().tab();
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    await draft.run(brush(1, 3));
    await draft.changeSegment(1, { locked: true });
    const stroke = draft.beginStroke(settings(2));
    stroke.add([[5, 5, 8]]);
    await expect(stroke.end()).rejects.toThrow('"A" is locked');
    const cancelled = draft.beginStroke({ ...settings(2), erase: true });
    cancelled.add([[5, 5, 6]]);
    await cancelled.cancel();
    expect([await drawnIn(draft, 3), await drawnIn(draft, 4)]).toEqual([13, 0]);
    expect(draft.state.undo).toBe("Lock");
    await draft.undo();
    await draft.run(brush(1, 4));
    expect(await drawnIn(draft, 4)).toBe(13);
  });

  it("ends a long edit that is cancelled, and nothing has changed", async () => {
    const { drafts } = browserOf().tab();
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    await draft.run(brush(1, 2));
    await draft.run(brush(1, 4));
    const controller = new AbortController();
    const command: EditCommand = { kind: "interpolate", segment: 1, normal: [0, 0, 1], overOthers: true };
    const running = draft.run(command, { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect([await drawnIn(draft, 3), draft.state.running, draft.state.undo]).toEqual([0, null, "Brush"]);
    const shares: number[] = [];
    await draft.run(command, { onProgress: (share) => shares.push(share) });
    expect(await drawnIn(draft, 3)).toBeGreaterThan(5);
    expect(shares.at(-1)).toBe(1);
  });

  it("reads the image's values as the worker holds them", async () => {
    const stored = new StoredValues("int16", GRID.shape);
    const values = (key: string) => (key === "5/0/v1" ? { facts: { seriesId: 5, index: 0, version: "v1", dtype: "int16", shape: GRID.shape, affine: AFFINE }, stored } : undefined);
    const { drafts } = browserOf({ values }).tab();
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    const bound = { ...brush(1, 2, 30), range: { low: 50, high: 70 } };
    await expect(draft.run(bound)).rejects.toThrow("slice 3 has not been loaded");
    const bytes = Int16Array.from({ length: 720 }, (_, at) => at % 120);
    stored.writer(0, 5).write(new Uint8Array(bytes.buffer));
    expect((await draft.run(bound)).voxels).toBe(21);
    expect((await draft.run({ ...bound, shape: { kind: "ball" } })).voxels).toBe(5 * 21);
    const elsewhere = await drafts.start({ ...START, image: { ...START.image, key: "other" } });
    await elsewhere.addSegment(facts("A"));
    await expect(elsewhere.run(bound)).rejects.toThrow("this tab does not hold");
  });

  it("begins with a stored segmentation, layer by layer, and packs what the server asks for", async () => {
    const labels = [0, 1].map((layer) => Uint16Array.from({ length: 720 }, (_, at) => (at % 97 === layer ? 300 + layer : 0)));
    const asked: string[] = [];
    const fetch = (address: string) => {
      asked.push(address);
      const layer = Number(/layer=(\d)/.exec(address)?.[1]);
      return Promise.resolve(new Response(streamOf(new Uint8Array(labels[layer].buffer), 100), { headers: { "X-Voxelry-Dtype": "uint16", "X-Voxelry-Shape": "6,10,12", "X-Voxelry-Version": "b1" } }));
    };
    const { drafts } = browserOf({ fetch }).tab();
    const segments = [0, 1].map((layer) => ({ ...facts(`S${layer}`), number: layer + 1, layer, value: 300 + layer }));
    const base = { id: 9, version: "b1", etag: '"x"', dtype: "uint16", layers: 2 } as const;
    const shares: number[] = [];
    const draft = await drafts.start({ ...START, base, segments }, { onProgress: (share) => shares.push(share) });
    expect(asked).toHaveLength(2);
    expect(shares).toEqual([0.5, 1]);
    expect(draft.state).toMatchObject({ unsaved: false, layers: 2, segments: [{ count: 8 }, { count: 8 }] });
    const packed = await draft.packed();
    expect(packed).toMatchObject({ dtype: "uint16", base, label: "Drawn", segments: [{ layer: 0, value: 300 }, { layer: 1, value: 301 }] });
    for (const [layer, blob] of packed.layers.entries()) expect(new Uint16Array(new Uint8Array(gunzipSync(await blob.arrayBuffer())).buffer)).toEqual(labels[layer]);
    // A layer that lost its last segment is left out, and the others move up.
    await draft.removeSegment(1);
    const fewer = await draft.packed();
    expect([fewer.segments.map(({ layer }) => layer), fewer.layers.length]).toEqual([[0], 1]);
    expect(new Uint16Array(new Uint8Array(gunzipSync(await fewer.layers[0].arrayBuffer())).buffer)).toEqual(labels[1]);
  });
});

describe("unsaved drafts", () => {
  async function drawn(browser = browserOf()) {
    const { drafts } = browser.tab();
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    await draft.run(brush(1, 2));
    await draft.run(brush(1, 3));
    await vi.waitFor(() => expect([...browser.store.kept.values()][0]?.slices.size).toBe(2));
    return { browser, draft, drafts };
  }

  it("survive a crash of the tab, voxel by voxel, and go on", async () => {
    const { browser } = await drawn();
    browser.crash();
    const { drafts } = browser.tab();
    const [stored] = await drafts.stored("ada", 5);
    expect(stored).toMatchObject({ label: "Drawn", open: false, segments: [{ label: "A" }], seriesId: 5 });
    expect([await drafts.stored("eve", 5), await drafts.stored("ada", 6)]).toEqual([[], []]);
    const again = await drafts.resume(stored, START.image);
    expect(again.state).toMatchObject({ unsaved: true, undo: null, segments: [{ count: 26 }] });
    expect(await drawnIn(again, 3)).toBe(13);
    await again.run({ kind: "clear", segment: 1, plane: { point: [0, 0, 4], normal: [0, 0, 1] } });
    await vi.waitFor(() => expect([...browser.store.kept.values()][0].slices.size).toBe(1));
  });

  it("are listed as open while another tab has them, which cannot be gone on with here", async () => {
    const { browser } = await drawn();
    const { drafts } = browser.tab();
    const [stored] = await drafts.stored("ada");
    expect(stored.open).toBe(true);
    await expect(drafts.resume(stored, START.image)).rejects.toThrow("another tab");
  });

  it("go when they are saved, unless something was changed since, and when they are discarded or old", async () => {
    const { browser, draft, drafts } = await drawn();
    const packed = await draft.packed();
    await draft.run(brush(1, 4));
    await draft.saved(packed.revision, null);
    expect([draft.state.unsaved, browser.store.kept.size]).toEqual([true, 1]);
    await draft.saved((await draft.packed()).revision, null);
    expect([draft.state.unsaved, browser.store.kept.size]).toEqual([false, 0]);
    await draft.undo();
    await vi.waitFor(() => expect([...browser.store.kept.values()][0].slices.size).toBe(2));
    expect(draft.state.unsaved).toBe(true);
    await draft.discard();
    expect(browser.store.kept.size).toBe(0);
    await drawn(browser);
    browser.clock.now += 29 * 86_400_000;
    expect(await drafts.stored("ada")).toHaveLength(1);
    browser.clock.now += 2 * 86_400_000;
    expect(await drafts.stored("ada")).toEqual([]);
    expect(browser.store.kept.size).toBe(0);
  });

  it("are forgotten by user and by series", async () => {
    const { browser, drafts } = await drawn();
    await drafts.discardWhere((record) => record.user === "eve");
    expect(browser.store.kept.size).toBe(1);
    await drafts.discardWhere((record) => record.seriesId === 5);
    expect(browser.store.kept.size).toBe(0);
  });

  it("hold what they began with, for the server may build that again", async () => {
    const bytes = Uint8Array.from({ length: 720 }, (_, at) => (at < 120 ? 1 : 0));
    const fetch = () => Promise.resolve(new Response(streamOf(bytes, 100), { headers: { "X-Voxelry-Dtype": "uint8", "X-Voxelry-Shape": "6,10,12" } }));
    const browser = browserOf({ fetch });
    const { drafts } = browser.tab();
    const base = { id: 9, version: "b1", etag: '"x"', dtype: "uint8", layers: 1 } as const;
    const draft = await drafts.start({ ...START, base, segments: [{ ...facts("A"), number: 1, layer: 0, value: 1 }] });
    expect(browser.store.kept.size).toBe(0);
    await draft.run(brush(1, 3));
    await vi.waitFor(() => expect([...browser.store.kept.values()][0]?.slices.size).toBe(2));
    browser.crash();
    const other = browser.tab().drafts;
    const again = await other.resume((await other.stored("ada"))[0], START.image);
    expect([again.base, await drawnIn(again, 0), await drawnIn(again, 3)]).toEqual([base, 120, 13]);
  });

  it("go on being edited where the browser keeps nothing, which is told once, and are kept as soon as it can", async () => {
    const browser = browserOf();
    browser.store.failure = new DOMException("full", "QuotaExceededError");
    const { drafts } = browser.tab();
    expect(await drafts.stored("ada")).toEqual([]);
    const draft = await drafts.start(START);
    await draft.addSegment(facts("A"));
    await vi.waitFor(() => expect(draft.state.notKept).toContain("no room"));
    const told = draft.state.notKept;
    await draft.run(brush(1, 2));
    await draft.run(brush(1, 3));
    expect([draft.state.notKept, await drawnIn(draft, 2)]).toEqual([told, 13]);
    browser.store.failure = null;
    await draft.run(brush(1, 4));
    await vi.waitFor(() => expect(draft.state.notKept).toBeNull());
    expect([...browser.store.kept.values()][0].slices.size).toBe(3);
  });

  it("keep no words but labels and codes, and each edit in one write", async () => {
    const { browser, draft } = await drawn();
    const [{ record }] = [...browser.store.kept.values()];
    expect(Object.keys(record).sort()).toEqual(["base", "changed", "grid", "id", "label", "segments", "seriesId", "user", "volume"]);
    const { writes } = browser.store;
    await draft.run({ ...brush(1, 0), shape: { kind: "ball" }, radius: 8 });
    await vi.waitFor(() => expect(browser.store.writes).toBe(writes + 1));
    draft.close();
  });
});
