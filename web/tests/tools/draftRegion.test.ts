// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { JobListener } from "@/api/jobEvents";
import { BaseChanged } from "@/api/savedVoxels";
import { ServerProblem } from "@/api/http";
import { seriesFrom } from "@/api/series";
import type { Vector } from "@/core/vectors";
import type { VoxelBits } from "@/core/voxelBits";
import { regionHistogram } from "@/core/voxelCounts";
import type { DraftStart } from "@/scene/draft";
import type { CountRequest } from "@/scene/volumeSource";
import MeasureTool from "@/tools/measure/MeasureTool.vue";
import { useThreshold } from "@/tools/measure/store";
import { useDrafts } from "@/views/drafts";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";
import { all, asked, click, closePage, json, mounted, openDocument, sent, settle, text, type } from "../pages/mounting";
import { FakeDraft } from "./fakeDraft";

const AFFINE = [[0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]];
const SHAPE = [2, 4, 5];
/** Every other voxel counts above half of the range. */
const VALUES = Uint8Array.from({ length: 40 }, (_, i) => i % 2);
const HISTOGRAM = { values: [0, 1], counts: [20, 20], min: 0, max: 1, exact: true, total: null };
const FACTS = { label: "Liver", colour: "#ff0000", category: null, type: null, typeModifier: null, anatomicRegion: null, regionModifier: null, locked: false, algorithmType: "MANUAL", algorithm: "" } as const;
const MASK = { id: 40, series_id: 12, study_id: 2, sop_instance_uid: "1.2.78", kind: "SEG", label: "Organs", created: "", segment_count: 1, problem: null, state: "ready", space: "1.9", placed: "frame" };

let draft: FakeDraft;
let base: DraftStart["base"] = null;
let inTab = true;
let job: JobListener | null = null;
let refusal: Error | null = null;
let building = false;
const counter = {
  histogram: ({ region }: CountRequest) => Promise.resolve(regionHistogram({ values: VALUES, shape: SHAPE, padding: null }, AFFINE, region)),
  segment: () => Promise.resolve(boxOf([1, 0, 0], [2, 3, 5])),
};
vi.mock("@/scene/volumePool", () => {
  const source = () => ({ key: "5/0/1", counter: inTab ? counter : undefined, loaded: [], loadedCount: 0, demand: () => undefined, withdraw: () => undefined, recent: () => undefined, settled: () => true, picture: () => new Promise(() => undefined), subscribe: () => () => undefined });
  return { holdVolume: source, holdPooled: source, releaseVolume: () => undefined, sourceInTab: () => null, sourceOnServer: () => null };
});
vi.mock("@/scene/openDraft", () => ({
  startDraft: (start: DraftStart) => Promise.resolve((draft = new FakeDraft({ ...start, base }))),
  storedDrafts: () => Promise.resolve([]),
}));
vi.mock("@/api/savedVoxels", async (original) => ({
  ...(await original<object>()),
  saveVoxels: () => (refusal ? Promise.reject(refusal) : Promise.resolve({ id: 77, address: "/api/jobs/77" })),
}));
vi.mock("@/api/jobEvents", () => ({
  followJob: (_: number, listener: JobListener) => {
    job = listener;
    return () => undefined;
  },
}));

function boxOf(low: Vector, high: Vector): VoxelBits {
  const count = (high[0] - low[0]) * (high[1] - low[1]) * (high[2] - low[2]);
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (let at = 0; at < count; at += 1) bits[at >> 3] |= 1 << (at & 7);
  return { box: [0, 1, 2].map((axis) => [low[axis], high[axis]] as const), bits };
}

function respond(address: string, method: string): Response {
  if (method === "POST") return json({ id: 7, address: "/api/jobs/7" }, 202);
  const url = new URL(address, "http://site");
  const segment = { number: 1, label: "Liver", colour: "#ff0000", category: null, type: null, anatomic_region: null, type_modifier: null, region_modifier: null, algorithm: "", algorithm_type: "MANUAL", layer: 0, value: 1, count: 15, mm3: 30, box: [[1, 0, 0], [2, 3, 5]], contour_mm3: null };
  const state = building ? "building" : "ready";
  if (url.pathname === "/api/segmentations") return json({ segmentations: [{ ...MASK, state }] });
  if (url.pathname.startsWith("/api/segmentations/")) return json({ ...MASK, state, id: Number(url.pathname.split("/").at(-1)), version: "1", shape: SHAPE, affine: AFFINE, spacing_mm: [2, 1, 1], voxel_mm3: 2, dtype: "uint8", layers: 1, fractional: null, recipe: "", warnings: [], segments: building ? [] : [segment] });
  return url.pathname.endsWith("/histogram") ? json(HISTOGRAM) : json({}, 404);
}

async function opened(): Promise<void> {
  await mounted(MeasureTool, { respond });
  const volume = { ...VOLUME, min: 0, max: 1, shape: SHAPE, affine: AFFINE, spacing_mm: [2, 1, 1], frame_of_reference_uid: "1.9" };
  const { active } = useViews();
  active.show(seriesFrom({ ...SERIES, volumes: [volume] } as unknown as Parameters<typeof seriesFrom>[0]));
  await settle();
  await useDrafts().start(active, "Organs");
  await draft.addSegment(FACTS);
  await settle();
}

/** The segment has other voxels now. */
async function drawn(voxels: VoxelBits): Promise<void> {
  draft.voxels = () => voxels;
  draft.put({ revision: draft.state.revision + 1, unsaved: true, segments: draft.state.segments.map((segment) => ({ ...segment, count: 1 })) });
  await settled();
}

/** The looks at the voxels rest between each other. */
async function settled(): Promise<void> {
  await settle();
  await vi.waitFor(() => expect(useThreshold().isBehind).toBe(false));
  await settle();
}

const figures = (): (string | null)[] => [all("measure-count")[0].textContent, all("measure-volume")[0].getAttribute("data-mm3")];
const bodiesOf = (): unknown[] => sent.filter(({ address }) => address === "/api/segmentations").map(({ body }) => body);

beforeEach(() => {
  openDocument();
  inTab = true;
  building = false;
  base = refusal = null;
});
afterEach(closePage);

it("is offered as it is called, and counted and tinted as it is drawn", async () => {
  await opened();
  expect(text()).toContain("none");
  expect(all("region-segment")[0].querySelector("optgroup")?.label).toBe("Organs, not saved");
  await type("region-segment", "draft#1");
  await settled();
  expect(figures()).toEqual(["0", "0"]);
  await drawn(boxOf([0, 0, 0], [1, 2, 5]));
  // Ten voxels, half of which count.
  expect(figures()).toEqual(["5", "10"]);
  expect(text()).toContain("of 10");
  expect(useViews().active.tint).toMatchObject({ region: { segmentationId: null, box: [[0, 1], [0, 2], [0, 5]] }, words: "above 0.5 of the range, in “Liver” of “Organs”, which is not saved" });
  await drawn(boxOf([0, 0, 0], [2, 4, 5]));
  expect(figures()).toEqual(["20", "40"]);
  // The server is asked for the whole volume's values only.
  expect(asked.filter((address) => address.includes("within"))).toEqual([]);
});

it("says that its figures are of before while the voxels are looked for", async () => {
  await opened();
  await type("region-segment", "draft#1");
  await drawn(boxOf([0, 0, 0], [1, 2, 5]));
  let give: (voxels: VoxelBits) => void = () => undefined;
  draft.voxelsOf = () => new Promise((resolve) => (give = (voxels) => resolve({ revision: draft.state.revision, voxels })));
  draft.put({ revision: draft.state.revision + 1 });
  await settle();
  expect([figures()[0], all("figures")[0].hasAttribute("data-pending")]).toEqual(["5", true]);
  await vi.waitFor(() => {
    give(boxOf([0, 0, 0], [2, 4, 5]));
    expect(useThreshold().isBehind).toBe(false);
  });
  await settle();
  expect([figures()[0], all("figures")[0].hasAttribute("data-pending")]).toEqual(["20", false]);
});

it("is gone when the draft is closed, or its segment removed", async () => {
  await opened();
  await type("region-segment", "draft#1");
  await drawn(boxOf([0, 0, 0], [1, 2, 5]));
  draft.put({ segments: [] });
  await settle();
  expect(all("region-hint")[0].textContent).toContain("is not there any more");
  expect([figures()[0], useViews().active.tint]).toEqual(["…", null]);
  await draft.addSegment(FACTS);
  await settled();
  expect(figures()[0]).toBe("5");
  useDrafts().close();
  await settle();
  expect(all("region-hint")[0].textContent).toContain("is closed, and its region with it");
  expect([figures()[0], useViews().active.tint]).toEqual(["…", null]);
  await type("region-segment", "");
  expect(figures()[0]).toBe("20");
});

it("says why it cannot be counted in where the tab does not hold the values", async () => {
  inTab = false;
  await opened();
  await type("region-segment", "draft#1");
  expect(all("region-hint")[0].textContent).toContain("too large for the page: the server counts in it, and knows nothing that is not saved");
  expect([figures()[0], useViews().active.tint]).toEqual(["…", null]);
  expect(asked.some((address) => address.includes("within"))).toBe(false);
});

it("is saved before what counts in it, whose recipe names it", async () => {
  await opened();
  await type("region-segment", "draft#1");
  await drawn(boxOf([1, 0, 0], [2, 3, 5]));
  const before = figures();
  expect(all("draft-first")[0].textContent).toContain("“Organs”, which is not saved: that is saved first");
  expect(all("save-segment")[0].textContent).toBe("Save both");
  await type("segment-name", "Inner");
  await click("save-segment");
  expect(all("draft-first")[0].textContent).toContain("Saving the segmentation in which is counted");
  building = true;
  job?.onJob({ id: 77, state: "succeeded", progress: 1, problem: null, result: { segmentations: [40] } } as unknown as Parameters<JobListener["onJob"]>[0]);
  await settle();
  expect(all("draft-first")[0].textContent).toContain("is saved, and being prepared");
  expect(bodiesOf()).toEqual([]);
  building = false;
  await vi.waitFor(() => expect(bodiesOf()).toHaveLength(1), { timeout: 4000 });
  expect(bodiesOf()).toEqual([{ series: 5, volume: 0, label: "Inner", recipe: { method: "fixed", threshold: 0.5, within: "segmentation:40#1" } }]);
  await settle();
  // The stored segment is counted in from now on, with the same figures.
  expect([useThreshold().segment, draft.ended, figures()]).toEqual([{ segmentationId: 40, number: 1 }, "closed", before]);
});

it("saves nothing of what counts if its region could not be saved", async () => {
  await opened();
  await type("region-segment", "draft#1");
  await drawn(boxOf([1, 0, 0], [2, 3, 5]));
  await type("segment-name", "Inner");
  refusal = new ServerProblem(413, "", "That is more than the server accepts in one request.");
  await click("save-segment");
  expect(text()).toContain("could not be saved. That is more than the server accepts in one request.");
  refusal = new BaseChanged(new ServerProblem(412, "precondition", "“Organs” was saved from it meanwhile."), '"v8"', 39);
  await click("save-segment");
  expect(text()).toContain("“Organs” was saved from it meanwhile.");
  refusal = null;
  await click("save-segment");
  // Drawn on while it is saved: what is stored is not what was counted in.
  draft.put({ revision: draft.state.revision + 1 });
  job?.onJob({ id: 77, state: "succeeded", progress: 1, problem: null, result: { segmentations: [40] } } as unknown as Parameters<JobListener["onJob"]>[0]);
  await settle();
  expect(text()).toContain("was changed while it was saved. Save again.");
  expect([bodiesOf(), draft.ended]).toEqual([[], ""]);
});

it("of a mask that was not changed, the stored one is the region", async () => {
  base = { id: 31, version: "1", dtype: "uint8", layers: 1, etag: '"v1"' };
  await opened();
  const { useMaskLayers } = await import("@/views/maskLayers");
  useMaskLayers().show(31, "1.9");
  await settle();
  draft.voxels = () => boxOf([1, 0, 0], [2, 3, 5]);
  await type("region-segment", "draft#1");
  await settled();
  await type("segment-name", "Inner");
  await click("save-segment");
  await vi.waitFor(() => expect(bodiesOf()).toHaveLength(1));
  expect(bodiesOf()).toMatchObject([{ recipe: { within: "segmentation:31#1" } }]);
});
