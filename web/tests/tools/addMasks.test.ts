// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { seriesFrom } from "@/api/series";
import SegmentsPanel from "@/tools/segments/SegmentsPanel.vue";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";
import { JOB_DETAIL } from "../pages/jobExamples";
import { all, click, closePage, json, mounted, openDocument, settle, text } from "../pages/mounting";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, holdPooled: () => null, releaseVolume: () => undefined, sourceInTab: () => null, sourceOnServer: () => null }));

/** What was sent, as XMLHttpRequest sends it; each is accepted at once. */
const forms: FormData[] = [];
class Accepting {
  upload = { onprogress: null };
  status = 202;
  responseText = JSON.stringify({ id: 8, address: "/api/jobs/8" });
  onload: () => void = () => undefined;
  open(): void { return; }
  setRequestHeader(): void { return; }
  abort(): void { return; }
  send(form: FormData): void {
    forms.push(form);
    queueMicrotask(() => this.onload());
  }
}

const MASK = { id: 31, series_id: 9, study_id: 2, sop_instance_uid: "1.2.77", kind: "SEG", label: "Liver", created: "", segment_count: 1, problem: null, state: "ready", space: "1.2.3.4", placed: "frame" };
let job: object = JOB_DETAIL;
let masks: object[] = [];

async function opened(): Promise<void> {
  const respond = (address: string): Response => {
    if (address === "/api/jobs/8") return json(job);
    if (address.startsWith("/api/segmentations?")) return json({ segmentations: masks });
    return json({ ...MASK, version: "", shape: [], affine: null, spacing_mm: [null, null, null], voxel_mm3: null, dtype: "uint8", layers: 0, fractional: null, recipe: "", warnings: [], segments: [] });
  };
  await mounted(SegmentsPanel, { respond });
  useViews().active.show(seriesFrom(structuredClone(SERIES) as unknown as Parameters<typeof seriesFrom>[0]));
  vi.stubGlobal("XMLHttpRequest", Accepting);
  await settle();
}

async function drop(name: string): Promise<void> {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(event, "dataTransfer", { value: { files: [new File(["labels"], name)] } });
  all("drop-zone")[0].dispatchEvent(event);
  await settle();
}

beforeEach(() => {
  openDocument();
  forms.length = 0;
  masks = [];
  job = { ...JOB_DETAIL, result: { ...JOB_DETAIL.result, segmentations: [31] } };
});
afterEach(closePage);

it("sends a dropped file for the image, and shows the mask over it when its job has ended", async () => {
  await opened();
  masks = [MASK];
  await drop("liver.seg.nrrd");
  expect(Object.fromEntries([...forms[0].entries()].filter(([name]) => name !== "file"))).toEqual({ series: "5", volume: "0" });
  expect((forms[0].get("file") as File).name).toBe("liver.seg.nrrd");
  await vi.waitFor(() => expect(useMaskLayers().layers).toMatchObject([{ segmentationId: 31, assumedOver: [] }]), { timeout: 30_000 });
  await settle();
  expect(all("added-mask-words")[0].textContent).toBe("liver.seg.nrrd is stored in the study, and lies over the image.");
}, 40_000);

it("tells a failure in words, and stores it again where somebody says that the places are the same", async () => {
  job = { ...JOB_DETAIL, state: "failed", result: null, problem: { code: "frame_of_reference", message: "the frame of reference is not said" } };
  await opened();
  await drop("liver.nii.gz");
  await vi.waitFor(() => expect(text()).toContain("liver.nii.gz: the frame of reference is not said"), { timeout: 30_000 });
  expect(useMaskLayers().layers).toEqual([]);
  job = { ...JOB_DETAIL, result: { ...JOB_DETAIL.result, segmentations: [31] } };
  masks = [{ ...MASK, space: "", placed: "unknown" }];
  await click("added-mask-confirm");
  expect(forms[1].get("same_frame_of_reference")).toBe("true");
  await vi.waitFor(() => expect(useMaskLayers().layers).toMatchObject([{ segmentationId: 31, assumedOver: [{ seriesId: 5 }] }]), { timeout: 30_000 });
}, 40_000);

it("says that a stored mask asks before it is shown where nothing says that it lies there", async () => {
  await opened();
  masks = [{ ...MASK, space: "", placed: "unknown" }];
  await drop("liver.nrrd");
  await vi.waitFor(() => expect(all("added-mask-words")[0]?.textContent).toContain("it asks before it is shown"), { timeout: 30_000 });
  expect(useMaskLayers().layers).toEqual([]);
}, 40_000);
