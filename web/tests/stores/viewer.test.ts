import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { useViewer } from "@/stores/viewer";

import { SERIES, VOLUME } from "../examples";

function serve(series: object): void {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(series)))));
}

async function opened(series: object = SERIES) {
  serve(series);
  const viewer = useViewer();
  await viewer.load(5);
  return viewer;
}

beforeEach(() => setActivePinia(createPinia()));

describe("slices", () => {
  it("opens in the middle, with the header's window", async () => {
    const viewer = await opened();
    expect([viewer.index, viewer.count]).toEqual([17, 35]);
    expect(viewer.window).toMatchObject({ center: 50, width: 350 });
  });

  it("stops at both ends, and plays around", async () => {
    const viewer = await opened();
    viewer.step(-100);
    expect(viewer.index).toBe(0);
    viewer.goTo(1000);
    expect([viewer.index, viewer.direction]).toEqual([34, 1]);
    viewer.stepAround();
    expect(viewer.index).toBe(0);
  });

  it("keeps the position when the same series is loaded again", async () => {
    const viewer = await opened();
    viewer.goTo(3);
    await viewer.load(5);
    expect(viewer.index).toBe(3);
  });
});

describe("planes", () => {
  it("starts another plane in its middle", async () => {
    const viewer = await opened();
    viewer.choosePlane("coronal");
    expect([viewer.index, viewer.count, viewer.edges?.top]).toEqual([255, 512, "S"]);
  });

  it("refuses planes of an irregular stack in words", async () => {
    const problem = { code: "geometry", message: "two spacings, 5 and 10 mm" };
    const irregular = { ...VOLUME, regular: false, affine: null, problem, planes: { acquired: VOLUME.planes.acquired } };
    const viewer = await opened({ ...SERIES, volumes: [irregular] });
    viewer.choosePlane("axial");
    expect(viewer.plane).toBe("acquired");
    expect(viewer.unavailable("axial")).toContain("two spacings");
    expect(viewer.unavailable("acquired")).toBe("");
  });
});

describe("volumes", () => {
  it("keeps slice and window between phases of one shape", async () => {
    const viewer = await opened({ ...SERIES, volumes: [VOLUME, { ...VOLUME, index: 1, label: "Phase 2" }] });
    viewer.goTo(9);
    viewer.choosePreset(1);
    viewer.chooseVolume(1);
    expect([viewer.index, viewer.window.name, viewer.volume?.label]).toEqual([9, "Lung", "Phase 2"]);
  });

  it("starts anew with another shape", async () => {
    const planes = { acquired: { count: 3, rows: 10, columns: 10, spacing_mm: [1, 1] } };
    const other = { ...VOLUME, index: 1, shape: [3, 10, 10], planes, affine: null };
    const viewer = await opened({ ...SERIES, volumes: [VOLUME, other] });
    viewer.choosePlane("coronal");
    viewer.chooseVolume(1);
    expect([viewer.plane, viewer.index]).toEqual(["acquired", 1]);
  });

  it("shows volumes as soon as they are built", async () => {
    const viewer = await opened({ ...SERIES, volumes: [], state: "running" });
    expect(viewer.building).toBe(true);
    serve(SERIES);
    await viewer.load(5);
    expect([viewer.building, viewer.index]).toEqual([false, 17]);
  });
});

it("tells what went wrong", async () => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response('{"detail":"no series 5"}', { status: 404 }))));
  const viewer = useViewer();
  await viewer.load(5);
  expect(viewer.error).toBe("no series 5");
});

it("resets what was changed", async () => {
  const viewer = await opened();
  viewer.drag(viewer.window, 40, 30);
  viewer.zoom(2);
  viewer.invert = true;
  viewer.reset();
  expect([viewer.window.name, viewer.view.zoom, viewer.invert]).toEqual(["From the file", 1, false]);
});
