// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { seriesFrom } from "@/api/series";
import MeasureTool from "@/tools/measure/MeasureTool.vue";
import { useThreshold } from "@/tools/measure/store";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";

import { all, asked, closePage, json, mounted, openDocument, press, problem, sent, settle, text, type } from "./mounting";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

const HISTOGRAM = { values: [-1000, 0, 40, 300], counts: [10, 20, 30, 40], min: -1000, max: 300, exact: true, total: null };
const REGION = { values: [0, 40, 300], counts: [1, 2, 3], min: 0, max: 300, exact: true, total: 9 };
const measured = (count: number, more: object = {}) => ({
  series_instance_uid: "1.2", pixels_above_threshold: count, pixels_total: 100, volume_mm3: count * 2, threshold: null, method: "units", spacing_mm: [2, 1, 1], warnings: [], limits: { lower: 0, upper: null }, ...more,
});
let histogram: object = HISTOGRAM;

function respond(address: string, method: string): Response {
  if (method === "POST") return json({ id: 7, address: "/api/jobs/7" }, 202);
  const url = new URL(address, "http://site");
  if (url.pathname.endsWith("/histogram")) return json(url.searchParams.has("within") ? REGION : histogram);
  if (url.searchParams.has("component")) return url.searchParams.get("lower") === "40" ? problem(422, "the voxel does not count: its value is not one that counts") : json(measured(12));
  if (url.searchParams.get("method") === "otsu") return json(measured(40, { limits: { lower: 41, upper: null } }));
  return url.pathname.endsWith("/measure") ? json(measured(55)) : problem(404, "not here");
}

async function opened(volume: object = {}): Promise<void> {
  const own = { ...VOLUME, min: -1000, max: 300, shape: [1, 10, 10], spacing_mm: [2, 1, 1], ...volume };
  await mounted(MeasureTool, { respond });
  useViews().active.show(seriesFrom({ ...SERIES, volumes: [own] } as unknown as Parameters<typeof seriesFrom>[0]));
  await settle();
}

const count = (): string => all("measure-count")[0].textContent;
const field = (id: string): string => (all(id)[0] as HTMLInputElement).value;
/** What a person does with a text field: type, Enter. */
async function enterText(id: string, value: string): Promise<void> {
  const input = all(id)[0] as HTMLInputElement;
  input.value = value;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  await settle();
}
async function pressed(id: string): Promise<void> {
  all(id)[0].click();
  await settle();
}
/** Milliseconds of a rest after which the server is asked. */
async function rest(): Promise<void> {
  await settle();
  await vi.waitFor(() => expect(all("figures")[0].dataset.pending).toBeUndefined(), 30_000);
}

beforeEach(() => {
  openDocument();
  histogram = HISTOGRAM;
});
afterEach(closePage);

describe("limits", () => {
  it("count by the histogram, without the server", async () => {
    await opened();
    expect([count(), all("measure-volume")[0].dataset.mm3]).toEqual(["90", "180"]);
    await enterText("lower-input", "0.9");
    expect(count()).toBe("40");
    await enterText("lower-input", "0.5");
    await pressed("scale-unit");
    expect([field("lower-input"), count()]).toEqual(["0", "90"]);
    await enterText("upper-input", "40");
    expect(count()).toBe("50");
    expect(asked.filter((address) => address.includes("/measure"))).toEqual([]);
  });

  it("move by the keys of their handles, and say where they are", async () => {
    await opened();
    await pressed("scale-unit");
    await enterText("lower-input", "39");
    const handle = all("limit-lower")[0];
    handle.focus();
    await press("ArrowRight");
    await press("ArrowRight");
    expect([field("lower-input"), count()]).toEqual(["41", "40"]);
    expect(handle.getAttribute("aria-valuetext")).toBe("0.8008 of the range, 41 HU");
    expect(useViews().active.tint?.words).toBe("from 41 HU");
  });

  it("come from a method of the server's, until they are moved", async () => {
    await opened();
    await type("find-limits", "otsu");
    expect([field("lower-input"), count(), field("find-limits")]).toEqual(["41", "40", "otsu"]);
    await enterText("lower-input", "42");
    expect(field("find-limits")).toBe("");
  });

  it("are counted by the server where the histogram has bins", async () => {
    histogram = { ...HISTOGRAM, values: Array.from({ length: 65_536 }, (_, i) => i), counts: new Array<number>(65_536).fill(1), exact: false };
    await opened();
    await rest();
    expect(count()).toBe("55");
    await pressed("scale-unit");
    await enterText("lower-input", "7.25");
    await rest();
    expect(asked.at(-1)).toContain("lower=7.25");
  });
});

describe("a region", () => {
  it("is put by the keyboard where the view looks, and counted by the server for a volume that is not in the tab", async () => {
    await opened();
    all("draw-sphere")[0].focus();
    all("draw-sphere")[0].dispatchEvent(new MouseEvent("click", { detail: 0, bubbles: true }));
    await settle();
    await rest();
    expect(asked.some((address) => address.includes("within=sphere"))).toBe(true);
    expect(count()).toBe("6");
    expect(text()).toContain("of 9");
    await enterText("region-radius-0", "12.5");
    expect(useThreshold().region).toMatchObject({ radius: 12.5 });
    await enterText("region-radius-0", "-1");
    expect(field("region-radius-0")).toBe("12.5");
    await pressed("region-remove");
    expect(count()).toBe("90");
  });

  it("needs a place in the patient", async () => {
    await opened({ affine: null, planes: { acquired: VOLUME.planes.acquired }, regular: false });
    expect((all("draw-sphere")[0] as HTMLButtonElement).disabled).toBe(true);
    expect(all("region-hint")[0].textContent).toContain("Without a place in the patient");
  });
});

it("counts one piece, and says why a voxel has none", async () => {
  await opened();
  all("draw-piece")[0].dispatchEvent(new MouseEvent("click", { detail: 0, bubbles: true }));
  await rest();
  expect(count()).toBe("12");
  await pressed("scale-unit");
  await enterText("lower-input", "40");
  await vi.waitFor(() => expect(text()).toContain("does not count"), 30_000);
  expect(count()).toBe("0");
  await pressed("seed-remove");
  expect(count()).toBe("70");
});

it("saves what counts with its recipe, under a name", async () => {
  await opened();
  await enterText("upper-input", "0.9");
  document.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settle();
  expect(text()).toContain("Give the segment a name.");
  await type("segment-name", " Lung ");
  document.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settle();
  expect(sent).toMatchObject([{ method: "POST", address: "/api/segmentations", body: { series: SERIES.id, volume: 0, label: "Lung", recipe: { method: "units" } } }]);
  expect(all("saved-segment")).toHaveLength(1);
});

it("says what cannot be counted", async () => {
  await opened({ colour: true, min: null, max: null });
  expect(text()).toContain("A colour image has no single intensity");
});

it("says why there are no mm³", async () => {
  await opened({ spacing_mm: [null, 1, 1] });
  expect(all("measure-volume")[0].textContent).toContain("Unknown:");
});
