// @vitest-environment jsdom
import { beforeEach, afterEach, expect, it, vi } from "vitest";
import { nextTick } from "vue";

import { seriesFrom } from "@/api/series";
import { useOpenSeries } from "@/stores/openSeries";
import type { FusedLayer } from "@/scene/layers";
import SegmentsPanel from "@/tools/segments/SegmentsPanel.vue";
import { useSegments } from "@/tools/segments/store";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";
import { all, asked, click, closePage, json, mounted, named, openDocument, press, settle, text, type } from "../pages/mounting";

/** Labels of which slices 4 and 9 have a 2. */
const source = {
  picture: vi.fn(({ cut }: { cut: { origin: readonly number[] } }) => Promise.resolve({ values: Float32Array.of(NaN, 1, [-70, -45].includes(cut.origin[2]) ? 2 : 0), rows: 1, columns: 3, samples: 1, missing: 0 })),
};
vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, holdPooled: () => source, releaseVolume: () => undefined, sourceInTab: () => null, sourceOnServer: () => null }));

const MASK = { id: 31, series_id: 9, study_id: 2, sop_instance_uid: "1.2.77", kind: "SEG", label: "Organs", created: "2026-11-30T09:00:00", segment_count: 2, problem: null, state: "ready", space: "1.2.3.4", placed: "frame" };
const SEGMENT = { number: 1, label: "Liver", colour: "#dd3c3c", category: null, type: { value: "1", scheme: "SCT", meaning: "Liver" }, anatomic_region: null, type_modifier: null, region_modifier: null, algorithm: "", algorithm_type: "MANUAL", layer: 0, value: 1, count: 8, mm3: 25.6, box: [[3, 5, 6], [5, 7, 8]], contour_mm3: null };
const LESION = { ...SEGMENT, number: 2, label: "Lesion", colour: "#41a04b", value: 2, box: [[4, 0, 0], [10, 100, 100]] };
const RECORD = {
  ...MASK, version: "1", shape: [35, 512, 512], affine: [[0, 0, 0.8, -200], [0, 0.8, 0, -180], [5, 0, 0, -90], [0, 0, 0, 1]], spacing_mm: [5, 0.8, 0.8], voxel_mm3: 3.2,
  dtype: "uint8", layers: 1, fractional: null, recipe: "", warnings: [], segments: [SEGMENT, LESION],
};
const FIGURES = { count: 8, mean: 51.25, std: 2.5, minimum: 48, p5: 48, p25: 49, median: 51, p75: 53, p95: 55, maximum: 55 };

let masks: object[] = [MASK];
let record: object = RECORD;

let file: () => Response = () => new Response("solid", { headers: { "Content-Disposition": 'attachment; filename="segmentation-31.stl"' } });

function respond(address: string): Response {
  if (address.includes("/file?")) return file();
  if (address.startsWith("/api/segmentations?")) return json({ segmentations: masks });
  if (address.includes("/statistics")) return json({ unit: "HU", segments: [{ number: 1, count: 8, mm3: 25.6, values: FIGURES, missing: 0 }] });
  if (address.startsWith("/api/segmentations/")) return json(record);
  throw new Error(address);
}

async function opened(): Promise<void> {
  await mounted(SegmentsPanel, { respond });
  useViews().active.show(seriesFrom(structuredClone(SERIES) as unknown as Parameters<typeof seriesFrom>[0]));
  await settle();
}

beforeEach(() => {
  openDocument();
  masks = [MASK];
  record = RECORD;
});
afterEach(closePage);

it("says that no mask lies over the image", async () => {
  masks = [];
  await opened();
  expect(all("segments-empty")[0].textContent).toBe("No segmentation lies over this image.");
  expect(asked).toContain("/api/segmentations?series=5&volume=0");
});

it("shows a mask with its segments, and hides it again", async () => {
  await opened();
  expect(text()).toContain("SEG · 2 segments · 2026-11-30 09:00");
  await click("mask-show");
  expect(useMaskLayers().layers).toMatchObject([{ segmentationId: 31, space: "1.2.3.4", assumedOver: [] }]);
  expect(all("segment-name").map((one) => one.textContent)).toEqual(["Liver0.026 ml", "Lesion0.026 ml"]);
  await click("segment-eye", 1);
  await click("segments-outline-all");
  await type("segment-colour", "#0000ff");
  expect(useMaskLayers().layers[0].looks).toEqual({ 1: { colour: "#0000ff", outlined: true }, 2: { hidden: true, outlined: true } });
  await click("mask-show");
  expect(useMaskLayers().layers).toEqual([]);
});

it.each(["other", "unknown"])("asks before a mask is shown whose place is %s, and says so then", async (placed) => {
  masks = [{ ...MASK, placed, space: placed === "other" ? "9.9" : "" }];
  await opened();
  await click("mask-show");
  expect(useMaskLayers().layers).toEqual([]);
  expect(all("segments-question")[0].textContent).toContain("other places of the patient");
  named("Cancel").click();
  await settle();
  expect(useMaskLayers().layers).toEqual([]);
  await click("mask-show");
  document.querySelector("dialog form")?.dispatchEvent(new Event("submit", { cancelable: true }));
  await settle();
  expect(useMaskLayers().masksOf(useViews().active)).toMatchObject([{ placed: "assumed" }]);
  expect(all("mask-assumed")[0].textContent).toContain("Placed by your word");
});

it("tells why a mask cannot be shown, where it stands", async () => {
  masks = [{ ...MASK, problem: { code: "segmentation", message: "Its frames have no positions." } }];
  await opened();
  expect(all("mask-problem")[0].textContent).toBe("Its frames have no positions.");
  expect((all("mask-show")[0] as HTMLButtonElement).disabled).toBe(true);
});

it("shows a mask that is being built as soon as it is ready", async () => {
  masks = [{ ...MASK, state: "building" }];
  record = { ...RECORD, state: "building", shape: [], layers: 0, segments: [], affine: null };
  await opened();
  await click("mask-show");
  expect(text()).toContain("It is being prepared, and shown as soon as it is ready.");
  record = RECORD;
  masks = [MASK];
  await vi.waitFor(() => expect(all("segment")).toHaveLength(2), { timeout: 30_000 });
}, 40_000);

it("moves the views to a segment, and from slice to slice with it", async () => {
  await opened();
  await click("mask-show");
  const view = useViews().active;
  await click("segment-jump", 0);
  expect(view.place?.map((part) => Math.round(part * 1e6) / 1e6)).toEqual([-194.8, -175.6, -72.5]);
  await click("segment-jump", 1);
  view.goTo(0);
  const tool = useSegments();
  tool.withChosen((shown, found) => void tool.stepTo(shown, found, 1));
  await settle();
  expect(view.index).toBe(4);
  tool.withChosen((shown, found) => void tool.stepTo(shown, found, 1));
  await settle();
  expect(view.index).toBe(9);
  tool.withChosen((shown, found) => void tool.stepTo(shown, found, 1));
  await settle();
  expect(view.index).toBe(9);
  expect(all("segments-notice")[0].textContent).toBe("No further slice with “Lesion”.");
  // Only planes of its box were looked at.
  expect(source.picture.mock.calls.length).toBeLessThan(10);
});

it("tells the values of the image in a segment, on request", async () => {
  await opened();
  await click("mask-show");
  expect(asked.some((address) => address.includes("statistics"))).toBe(false);
  await click("segments-statistics");
  expect(asked).toContain("/api/segmentations/31/statistics?series=5&volume=0");
  expect(all("segments-table")[0].textContent).toContain("Liver51.252.5485155825.600 mm³");
  const saved = all("segments-save")[0].getAttribute("href") ?? "";
  expect(decodeURIComponent(saved)).toContain("1,Liver,8,25.6,8,51.25,2.5,48,48,49,51,53,55,55,0,HU");
});

it("tells the values of each image at the places of the view", async () => {
  await opened();
  await click("mask-show");
  const pet = seriesFrom({ ...structuredClone(SERIES), id: 6, number: 4, modality: "PT", description: "PET" } as unknown as Parameters<typeof seriesFrom>[0]);
  useOpenSeries().records.set(6, pet);
  const layer: Omit<FusedLayer, "choice"> & { choice: unknown } = { kind: "fused", seriesId: 6, volumeIndex: 0, space: "1.2.3.4", offset: [0, 0, 0], placed: "assumed", choice: "auto", colourMap: "hot", fading: true, opacity: 1, visible: true };
  const moved = { ...layer, offset: [1, 0, 0] as const, placed: "hand" as const };
  useViews().active.fused = [layer, moved] as FusedLayer[];
  await settle();
  // One that was moved by hand does not lie where the segment is.
  expect([...(all("segments-image")[0] as HTMLSelectElement).options]).toHaveLength(2);
  await type("segments-image", "1");
  await click("segments-statistics");
  expect(asked.at(-1)).toBe("/api/segmentations/31/statistics?series=6&volume=0&same_frame_of_reference=true");
});

it("finds one of a hundred segments, and shows it alone, by the keyboard", async () => {
  record = { ...RECORD, segments: Array.from({ length: 100 }, (_, i) => ({ ...SEGMENT, number: i + 1, value: i + 1, label: `vertebra_T${i + 1}` })) };
  await opened();
  await click("mask-show");
  expect(all("segment")).toHaveLength(100);
  await type("segment-search", "vertebra t42");
  expect(all("segment").map((one) => one.dataset.segment)).toEqual(["42"]);
  all("segment-name")[0].focus();
  await press("Enter");
  await click("segment-only");
  const { looks } = useMaskLayers().layers[0];
  expect(Object.values(looks).filter(({ hidden }) => hidden)).toHaveLength(99);
  await nextTick();
  expect(looks[42].hidden).toBe(false);
}, 30_000);

it("downloads a mask as a file, and says why it cannot", async () => {
  await opened();
  await click("mask-show");
  const made: string[] = [];
  vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: () => "blob:1", revokeObjectURL: () => undefined }));
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function click(this: HTMLAnchorElement) { made.push(`${this.href} ${this.download}`); });
  await click("mask-file-stl");
  await click("mask-file-rtstruct");
  expect(asked.filter((address) => address.includes("/file?"))).toEqual(["/api/segmentations/31/file?kind=stl", "/api/segmentations/31/file?kind=rtstruct&series=5"]);
  expect(made).toEqual(["blob:1 segmentation-31.stl", "blob:1 segmentation-31.stl"]);
  file = () => json({ title: "", status: 422, code: "too_slow", detail: "The conversion took too long." }, 422);
  await click("mask-file-ply");
  expect(all("mask-file-problem")[0].textContent).toBe("The conversion took too long.");
});
