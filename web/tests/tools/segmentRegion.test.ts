// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { seriesFrom } from "@/api/series";
import { voxelsInSegment } from "@/core/placedLabels";
import { recipeOfText, type ThresholdRecipe } from "@/core/thresholdRecipe";
import type { SegmentRequest } from "@/scene/volumeSource";
import MeasureTool from "@/tools/measure/MeasureTool.vue";
import { useThreshold } from "@/tools/measure/store";
import { useFollowedRecipe } from "@/views/followedRecipe";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";
import { all, asked, click, closePage, json, mounted, openDocument, sent, settle, text, type } from "../pages/mounting";

const AFFINE = [[0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]];
const SHAPE = [2, 4, 5];
/** Of the upper slice two rows, on the image's own grid. */
const LABELS = Uint8Array.from({ length: 40 }, (_, i) => (i >= 25 && i < 35 ? 2 : 0));
const SEGMENT = { number: 1, label: "Liver", colour: "#dd3c3c", category: null, type: null, anatomic_region: null, type_modifier: null, region_modifier: null, algorithm: "", algorithm_type: "MANUAL", layer: 0, value: 2, count: 10, mm3: 20, box: [[1, 1, 0], [2, 3, 5]], contour_mm3: null };
const MASK = { id: 31, series_id: 9, study_id: 2, sop_instance_uid: "1.2.77", kind: "SEG", label: "Organs", created: "", segment_count: 1, problem: null, state: "ready", space: "1.9", placed: "frame" };
const RECORD = { ...MASK, version: "1", shape: SHAPE, affine: AFFINE, spacing_mm: [2, 1, 1], voxel_mm3: 2, dtype: "uint8", layers: 1, fractional: null, recipe: "", warnings: [], segments: [SEGMENT] };
const HISTOGRAM = { values: [0, 1], counts: [20, 20], min: 0, max: 1, exact: true, total: null };

let inTab = true;
const segment = vi.fn(({ label, image }: SegmentRequest) => Promise.resolve(voxelsInSegment({ values: LABELS, shape: SHAPE, affine: AFFINE }, label, image)));
const demands: unknown[] = [];
vi.mock("@/scene/volumePool", () => ({
  holdVolume: () => null,
  holdPooled: () => ({ counter: inTab ? { segment } : undefined, demand: (demand: unknown) => demands.push(demand), withdraw: () => undefined, subscribe: () => () => undefined }),
  releaseVolume: () => undefined,
  sourceInTab: () => null,
  sourceOnServer: () => null,
}));

function respond(address: string, method: string): Response {
  if (method === "POST") return json({ id: 7, address: "/api/jobs/7" }, 202);
  const url = new URL(address, "http://site");
  if (url.pathname === "/api/segmentations") return json({ segmentations: [MASK] });
  if (url.pathname.startsWith("/api/segmentations/")) return json(RECORD);
  if (url.pathname.endsWith("/histogram")) return json(url.searchParams.has("within") ? { ...HISTOGRAM, counts: [4, 6], total: 10 } : HISTOGRAM);
  return json({}, 404);
}

async function opened(): Promise<void> {
  await mounted(MeasureTool, { respond });
  const volume = { ...VOLUME, min: 0, max: 1, shape: SHAPE, affine: AFFINE, spacing_mm: [2, 1, 1], frame_of_reference_uid: "1.9" };
  useViews().active.show(seriesFrom({ ...SERIES, volumes: [volume] } as unknown as Parameters<typeof seriesFrom>[0]));
  useMaskLayers().show(31, "1.9");
  await settle();
}

beforeEach(() => {
  openDocument();
  inTab = true;
  demands.length = 0;
});
afterEach(closePage);

it("counts and tints in a segment of a mask that is shown", async () => {
  await opened();
  await type("region-segment", "31#1");
  expect(all("measure-count")[0].textContent).toBe("6");
  expect(text()).toContain("Pixels above the threshold, in the segment");
  // The server of this test counts; it is asked about the segment by its own names.
  expect(asked.some((address) => address.includes("/histogram?volume=0&within=segmentation%3A31%231"))).toBe(true);
  expect(demands).toEqual([{ view: "region 31#1", slice: 1, direction: 0, around: false, crossing: true }]);
  const { tint } = useViews().active;
  expect(tint?.region).toMatchObject({ kind: "segment", segmentationId: 31, number: 1, box: expect.anything() as unknown });
  expect(tint?.words).toBe("above 0.5 of the range, in “Liver” of “Organs”");
  await type("region-segment", "");
  expect([all("measure-count")[0].textContent, useViews().active.tint?.region]).toEqual(["20", null]);
});

it("has the server count in a mask that is too large for the tab, without a tint", async () => {
  inTab = false;
  await opened();
  await type("region-segment", "31#1");
  expect(all("measure-count")[0].textContent).toBe("6");
  expect(useViews().active.tint).toBeNull();
  expect(text()).toContain("The mask is too large for this page");
});

it("saves what counts in the segment, with a recipe that names it", async () => {
  await opened();
  await type("region-segment", "31#1");
  await type("segment-name", "Inner");
  await click("save-segment");
  expect(sent.at(-1)?.body).toEqual({ series: 5, volume: 0, label: "Inner", recipe: { method: "fixed", threshold: 0.5, within: "segmentation:31#1" } });
});

it("takes a sphere instead of the segment, and the segment instead of the sphere", async () => {
  await opened();
  await type("region-segment", "31#1");
  useThreshold().setRegion({ kind: "sphere", centre: [1, 1, 1], radius: 2 });
  await settle();
  expect([useThreshold().segment, useThreshold().region?.kind]).toEqual([null, "sphere"]);
  await type("region-segment", "31#1");
  expect([useThreshold().solid, useThreshold().region?.kind]).toEqual([null, "segment"]);
});

it("follows a recipe by its limits and its segment again", async () => {
  await opened();
  const { seriesId, volumeIndex } = { seriesId: 5, volumeIndex: 0 };
  const { useSegmentations } = await import("@/stores/masksOfImages");
  await useSegmentations().list(seriesId, volumeIndex);
  useFollowedRecipe().follow(recipeOfText("threshold units lower=1 within=segment:1.2.77#1 series=1.2.3") as ThresholdRecipe);
  await settle();
  expect(useThreshold().choice).toEqual({ scale: "unit", lower: 1, upper: null });
  expect(useThreshold().segment).toEqual({ segmentationId: 31, number: 1 });
  expect([all("measure-count")[0].textContent, useFollowedRecipe().notice]).toEqual(["6", ""]);
  useFollowedRecipe().follow(recipeOfText("threshold fixed threshold=0.25 within=segment:1.2.78#1 series=1.2.4") as ThresholdRecipe);
  await settle();
  expect(useThreshold().segment).toBeNull();
  expect(useFollowedRecipe().notice).toContain("another series");
});
