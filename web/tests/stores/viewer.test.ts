import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { toPatient } from "@/core/geometry";
import { asWindow } from "@/core/windowing";
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
    expect(viewer.voi).toMatchObject({ center: 50, width: 350 });
  });

  it("stops at both ends, and plays around", async () => {
    const viewer = await opened();
    viewer.step(-100);
    expect(viewer.index).toBe(0);
    viewer.goTo(1000);
    expect([viewer.index, viewer.direction]).toEqual([34, 1]);
    viewer.playNext();
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

describe("what slices are shown with", () => {
  const view = (center: number) => ({ name: "", center, width: 10, function: "LINEAR" });
  const views = { views: [view(1), { name: "", first: 0, levels: btoa("\x00\xff") }], slices: [0, 1, ...new Array<null>(33).fill(null)] };
  const own = { ...SERIES, volumes: [{ ...VOLUME, slice_views: views }] };

  it("is each slice's own, a table or the default", async () => {
    const viewer = await opened(own);
    expect(viewer.choice.name).toBe("Each slice its own");
    expect(viewer.voiOf("acquired", 0)).toMatchObject({ center: 1 });
    expect(viewer.voiOf("acquired", 1)).toMatchObject({ first: 0, levels: Uint8Array.of(0, 255) });
    expect(viewer.voiOf("acquired", 2)).toMatchObject({ center: 50 });
    // Axial planes are the slices; coronal ones cross them.
    expect(viewer.voiOf("axial", 0)).toMatchObject({ center: 1 });
    expect(viewer.voiOf("coronal", 0)).toMatchObject({ center: 50 });
  });

  it("is one for all when somebody drags it, or chooses another", async () => {
    const viewer = await opened(own);
    viewer.goTo(0);
    viewer.drag(asWindow(viewer.voi), 0, 0);
    expect([viewer.choice.name, viewer.voiOf("acquired", 30)]).toMatchObject(["Custom", { center: 1, width: 10 }]);
    viewer.choosePreset(1);
    expect(viewer.voiOf("acquired", 0)).toMatchObject({ center: 50 });
    viewer.reset();
    expect(viewer.voiOf("acquired", 0)).toMatchObject({ center: 1 });
  });
});

describe("cine", () => {
  const cine = (facts: object) => ({ ...SERIES, volumes: [{ ...VOLUME, ...facts }] });

  it("runs at the header's rate, until somebody chooses another", async () => {
    const viewer = await opened(cine({ frame_rate: 10 }));
    expect([viewer.hasFrameRate, viewer.fps, viewer.shownMs()]).toEqual([true, null, 100]);
    viewer.fps = 50;
    expect(viewer.shownMs()).toBe(20);
    viewer.fps = null;
    viewer.choosePlane("coronal"); // whose planes are no frames
    expect(viewer.shownMs()).toBeCloseTo(1000 / 15);
  });

  it("shows each frame as long as the header says", async () => {
    const times = Array.from({ length: 35 }, (_, i) => (i === 3 ? 400 : 50));
    const viewer = await opened(cine({ frame_rate: 16.7, frame_times_ms: times }));
    viewer.goTo(2);
    expect(viewer.shownMs()).toBe(50);
    viewer.playNext();
    expect([viewer.index, viewer.shownMs()]).toEqual([3, 400]);
  });

  it("sweeps forth and back where the header wants it", async () => {
    const viewer = await opened(cine({ frame_rate: 10, frame_sweep: true }));
    viewer.goTo(33);
    const seen = [1, 2, 3].map(() => {
      viewer.playNext();
      return viewer.index;
    });
    expect(seen).toEqual([34, 33, 32]);
    viewer.goTo(0);
    viewer.playNext();
    viewer.playNext();
    expect(viewer.index).toBe(2);
  });

  it("has its usual rate where the header says nothing", async () => {
    const viewer = await opened();
    expect([viewer.hasFrameRate, viewer.fps]).toEqual([false, 15]);
  });
});

describe("places of irregular slices", () => {
  const acquired = { acquired: VOLUME.planes.acquired };
  const places = Array.from({ length: 35 }, (_, k) => ({ position: [-200, -180, k < 20 ? k : 3 * k], orientation: [1, 0, 0, 0, 1, 0] }));
  const irregular = { ...VOLUME, affine: null, spacing_mm: [null, 0.8, 0.5], planes: acquired, slice_places: places };

  it("are each slice's own", async () => {
    const viewer = await opened({ ...SERIES, volumes: [irregular] });
    expect(viewer.edges).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
    expect(viewer.acquiredName).toBe("axial");
    viewer.goTo(30);
    expect(viewer.affine && toPatient(viewer.affine, [30, 10, 20])).toEqual([-190, -172, 90]);
  });

  it("give letters without Pixel Spacing or position, and no millimetres", async () => {
    const viewer = await opened({ ...SERIES, volumes: [{ ...irregular, spacing_mm: [null, null, null] }] });
    expect([viewer.affine, viewer.edges?.left]).toEqual([null, "R"]);
  });

  it("come from Patient Orientation where nothing else tells", async () => {
    const nowhere = { ...irregular, slice_places: null };
    const viewer = await opened({ ...SERIES, metadata: { PatientOrientation: ["P", "F"] }, volumes: [nowhere] });
    expect(viewer.edges).toEqual({ left: "A", right: "P", top: "S", bottom: "I" });
  });
});

describe("volumes", () => {
  it("keeps slice and window between phases of one shape", async () => {
    const viewer = await opened({ ...SERIES, volumes: [VOLUME, { ...VOLUME, index: 1, label: "Phase 2" }] });
    viewer.goTo(9);
    viewer.choosePreset(1);
    viewer.chooseVolume(1);
    expect([viewer.index, viewer.choice.name, viewer.volume?.label]).toEqual([9, "Lung", "Phase 2"]);
  });

  it("starts anew with another shape", async () => {
    const planes = { acquired: { count: 3, rows: 10, columns: 10, spacing_mm: [1, 1], aspect: 1, lean: 0 } };
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
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response('{"title":"Not Found","status":404,"detail":"no series 5","code":"not_found"}', { status: 404 }))));
  const viewer = useViewer();
  await viewer.load(5);
  expect(viewer.error).toBe("no series 5");
});

it("resets what was changed", async () => {
  const viewer = await opened();
  viewer.drag(asWindow(viewer.voi), 40, 30);
  viewer.zoom(2);
  viewer.invert = true;
  viewer.reset();
  expect([viewer.choice.name, viewer.view.zoom, viewer.invert]).toEqual(["From the file", 1, false]);
});
