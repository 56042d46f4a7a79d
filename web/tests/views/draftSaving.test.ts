// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { ServerProblem } from "@/api/http";
import type { JobListener } from "@/api/jobEvents";
import { BaseChanged, type VoxelsToSave } from "@/api/savedVoxels";
import { seriesFrom } from "@/api/series";
import type { DraftStart } from "@/scene/draft";
import { useDraftSaving } from "@/views/draftSaving";
import { useDrafts } from "@/views/drafts";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";
import { settle } from "../pages/mounting";
import { FakeDraft } from "../tools/fakeDraft";

let draft: FakeDraft;
let sent: { voxels: VoxelsToSave; etag: string }[] = [];
let refusal: Error | null = null;
let job: JobListener | null = null;
let stopped = 0;
vi.mock("@/scene/volumePool", () => ({ holdVolume: () => ({ key: "5/0/1", withdraw: () => undefined }), holdPooled: () => null, releaseVolume: () => undefined }));
vi.mock("@/scene/openDraft", () => ({
  startDraft: (start: DraftStart) => Promise.resolve((draft = new FakeDraft({ ...start, base: { id: 31, version: "7", dtype: "uint8", layers: 1, etag: '"v7"' } }))),
  storedDrafts: () => Promise.resolve([]),
}));
vi.mock("@/api/savedVoxels", async (original) => ({
  ...(await original<object>()),
  saveVoxels: (voxels: VoxelsToSave, etag: string, progress: (fraction: number) => void) => {
    if (refusal) return Promise.reject(refusal);
    sent.push({ voxels, etag });
    progress(1);
    return Promise.resolve({ id: 77, address: "/api/jobs/77" });
  },
}));
vi.mock("@/api/jobEvents", () => ({
  followJob: (_: number, listener: JobListener) => {
    job = listener;
    return () => (stopped += 1);
  },
}));

const NEW_MASK = { id: 40, series_id: 12, study_id: 2, sop_instance_uid: "1.2.78", kind: "SEG", label: "Organs", created: "", segment_count: 0, problem: null, state: "building", space: "", placed: "unknown" };

async function begun() {
  const view = useViews().active;
  view.show(seriesFrom(structuredClone(SERIES) as unknown as Parameters<typeof seriesFrom>[0]));
  const [drafts, saving] = [useDrafts(), useDraftSaving()];
  await drafts.start(view, "Organs");
  await draft.addSegment({ label: "Liver", colour: "#ff0000", category: null, type: null, typeModifier: null, anatomicRegion: null, regionModifier: null, locked: false, algorithmType: "MANUAL", algorithm: "" });
  await settle();
  return { drafts, saving };
}

async function painted() {
  const all = await begun();
  await draft.run({ kind: "clear", segment: 1, plane: null });
  return all;
}

const tell = (state: string, changes: object = {}) => job?.onJob({ id: 77, state, progress: 1, problem: null, result: null, ...changes } as unknown as Parameters<JobListener["onJob"]>[0]);

beforeEach(() => {
  setActivePinia(createPinia());
  sent = [];
  refusal = null;
  job = null;
  stopped = 0;
  vi.stubGlobal("fetch", (address: string) =>
    Promise.resolve(new Response(JSON.stringify(address.startsWith("/api/segmentations?") ? { segmentations: [NEW_MASK] } : { ...NEW_MASK, version: "", shape: [], affine: null, spacing_mm: null, voxel_mm3: null, dtype: "uint8", layers: 0, fractional: null, recipe: "", warnings: [], segments: [] }))),
  );
});

it("nothing is sent while nothing is drawn", async () => {
  const { saving } = await begun();
  expect(saving.why).toBe("Nothing is drawn yet.");
  await saving.save();
  expect(sent).toEqual([]);
});

it("the draft is sent with its base's tag, and makes way for the new mask when the job has ended", async () => {
  const { drafts, saving } = await painted();
  useMaskLayers().show(31, "1.2.3.4");
  saving.choice.series = "base";
  saving.choice.label = " Organs, mended ";
  await saving.save();
  expect(sent).toMatchObject([{ etag: '"v7"', voxels: { series: 5, volume: 0, label: "Organs, mended", grid: "base", base: 31, seriesChoice: "base", dtype: "uint8", sameFrameOfReference: false, segments: [{ number: 1, label: "Liver" }], layers: [{}] } }]);
  expect([saving.isSaving, saving.words]).toEqual([true, "The segmentation is being made"]);
  tell("succeeded", { result: { segmentations: [40], series: [], files: [], rows: null, warnings: [] } });
  await settle();
  expect([saving.isSaving, drafts.draft, draft.ended, draft.state.unsaved, stopped]).toEqual([false, null, "closed", false, 1]);
  // It lies where it was drawn, though its record is not there yet.
  expect(useMaskLayers().layers).toMatchObject([{ segmentationId: 40, space: "1.2.3.4", assumedOver: [] }]);
});

it("what is drawn while it is saved stays, and is not saved", async () => {
  const { drafts, saving } = await painted();
  await saving.save();
  await draft.run({ kind: "clear", segment: 1, plane: null });
  tell("succeeded", { result: { segmentations: [40], series: [], files: [], rows: null, warnings: [] } });
  await settle();
  expect([drafts.draft, draft.state.unsaved, draft.ended]).toEqual([draft, true, ""]);
});

describe("the draft stays", () => {
  it("if the server refuses it, or its job fails", async () => {
    const { drafts, saving } = await painted();
    refusal = new ServerProblem(413, "", "That is more than the server accepts in one request.");
    await saving.save();
    expect([saving.error, saving.isSaving, drafts.draft]).toEqual(["That is more than the server accepts in one request.", false, draft]);
    refusal = null;
    await saving.save();
    tell("failed", { problem: { code: "segmentation", message: "The disk is full." } });
    await settle();
    expect([saving.error, drafts.draft, draft.state.unsaved]).toEqual(["The disk is full.", draft, true]);
  });

  it("if another one was saved from its base; then it is saved beside that", async () => {
    const { drafts, saving } = await painted();
    refusal = new BaseChanged(new ServerProblem(412, "precondition", "“Organs” was saved from it meanwhile."), '"v8"', 39);
    await saving.save();
    expect([saving.conflict?.why, saving.conflict?.newer, saving.error, drafts.draft]).toEqual(["“Organs” was saved from it meanwhile.", 39, "", draft]);
    refusal = null;
    await saving.saveBeside();
    expect([sent.at(-1)?.etag, saving.conflict]).toEqual(['"v8"', null]);
  });
});
