import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { asWindow } from "@/core/windowing";
import { seriesFrom } from "@/api/series";
import { pointOfCut } from "@/core/plane";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

const parsed = (series: object) => seriesFrom(series as Parameters<typeof seriesFrom>[0]);

function opened(series: object = SERIES) {
  const view = useViews().active;
  view.show(parsed(series));
  return view;
}

beforeEach(() => setActivePinia(createPinia()));

describe("slices", () => {
  it("opens in the middle, with the header's window", () => {
    const view = opened();
    expect([view.index, view.count]).toEqual([17, 35]);
    expect(view.voi).toMatchObject({ center: 50, width: 350 });
  });

  it("stops at both ends, and plays around", () => {
    const view = opened();
    view.step(-100);
    expect(view.index).toBe(0);
    view.goTo(1000);
    expect([view.index, view.direction]).toEqual([34, 1]);
    view.playNext();
    expect(view.index).toBe(0);
  });

  it("keeps the position when the same series is loaded again", () => {
    const view = opened();
    view.goTo(3);
    view.show(parsed(SERIES));
    expect(view.index).toBe(3);
  });
});

describe("planes", () => {
  it("starts another plane in its middle", () => {
    const view = opened();
    view.choosePlane("coronal");
    expect([view.index, view.count, view.edges?.top]).toEqual([255, 512, "S"]);
  });

  it("refuses planes of an irregular stack in words", () => {
    const problem = { code: "geometry", message: "two spacings, 5 and 10 mm" };
    const irregular = { ...VOLUME, regular: false, affine: null, problem, planes: { acquired: VOLUME.planes.acquired } };
    const view = opened({ ...SERIES, volumes: [irregular] });
    view.choosePlane("axial");
    expect(view.plane).toBe("acquired");
    expect(view.unavailable("axial")).toContain("two spacings");
    expect(view.unavailable("acquired")).toBe("");
  });
});

describe("what slices are shown with", () => {
  const view = (center: number) => ({ name: "", center, width: 10, function: "LINEAR" });
  const views = { views: [view(1), { name: "", first: 0, levels: btoa("\x00\xff") }], slices: [0, 1, ...new Array<null>(33).fill(null)] };
  const own = { ...SERIES, volumes: [{ ...VOLUME, slice_views: views }] };

  it("is each slice's own, a table or the default", () => {
    const view = opened(own);
    expect(view.choice.name).toBe("Each slice its own");
    expect(view.voiOf("acquired", 0)).toMatchObject({ center: 1 });
    expect(view.voiOf("acquired", 1)).toMatchObject({ first: 0, levels: Uint8Array.of(0, 255) });
    expect(view.voiOf("acquired", 2)).toMatchObject({ center: 50 });
    // Axial planes are the slices; coronal ones cross them.
    expect(view.voiOf("axial", 0)).toMatchObject({ center: 1 });
    expect(view.voiOf("coronal", 0)).toMatchObject({ center: 50 });
  });

  it("is one for all when somebody drags it, or chooses another", () => {
    const view = opened(own);
    view.goTo(0);
    view.dragWindowFrom(asWindow(view.voi), 0, 0);
    expect([view.choice.name, view.voiOf("acquired", 30)]).toMatchObject(["Custom", { center: 1, width: 10 }]);
    view.choosePreset(1);
    expect(view.voiOf("acquired", 0)).toMatchObject({ center: 50 });
    view.reset();
    expect(view.voiOf("acquired", 0)).toMatchObject({ center: 1 });
  });
});

describe("cine", () => {
  const cine = (facts: object) => ({ ...SERIES, volumes: [{ ...VOLUME, ...facts }] });

  it("runs at the header's rate, until somebody chooses another", () => {
    const view = opened(cine({ frame_rate: 10 }));
    expect([view.hasFrameRate, view.fps, view.shownMs()]).toEqual([true, null, 100]);
    view.fps = 50;
    expect(view.shownMs()).toBe(20);
    view.fps = null;
    view.choosePlane("coronal"); // whose planes are no frames
    expect(view.shownMs()).toBeCloseTo(1000 / 15);
  });

  it("shows each frame as long as the header says", () => {
    const times = Array.from({ length: 35 }, (_, i) => (i === 3 ? 400 : 50));
    const view = opened(cine({ frame_rate: 16.7, frame_times_ms: times }));
    view.goTo(2);
    expect(view.shownMs()).toBe(50);
    view.playNext();
    expect([view.index, view.shownMs()]).toEqual([3, 400]);
  });

  it("sweeps forth and back where the header wants it", () => {
    const view = opened(cine({ frame_rate: 10, frame_sweep: true }));
    view.goTo(33);
    const seen = [1, 2, 3].map(() => {
      view.playNext();
      return view.index;
    });
    expect(seen).toEqual([34, 33, 32]);
    view.goTo(0);
    view.playNext();
    view.playNext();
    expect(view.index).toBe(2);
  });

  it("has its usual rate where the header says nothing", () => {
    const view = opened();
    expect([view.hasFrameRate, view.fps]).toEqual([false, 15]);
  });
});

describe("places of irregular slices", () => {
  const acquired = { acquired: VOLUME.planes.acquired };
  const places = Array.from({ length: 35 }, (_, k) => ({
    position: [-200, -180, k < 20 ? k : 3 * k],
    orientation: [1, 0, 0, 0, 1, 0],
    pixel_spacing_mm: [0.8, 0.5],
    gap_mm: k === 0 ? null : k < 20 ? 1 : k === 20 ? 41 : 3,
  }));
  const irregular = { ...VOLUME, affine: null, spacing_mm: [null, 0.8, 0.5], planes: acquired, slice_places: places };

  it("are each slice's own", () => {
    const view = opened({ ...SERIES, volumes: [irregular] });
    expect(view.edges).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
    expect(view.acquiredName).toBe("axial");
    view.goTo(30);
    expect(view.cut && pointOfCut(view.cut, 10, 20)).toEqual([-190, -172, 90]);
  });

  it("give letters without Pixel Spacing or position, and no millimetres", () => {
    const view = opened({ ...SERIES, volumes: [{ ...irregular, spacing_mm: [null, null, null] }] });
    expect([view.cut, view.edges?.left]).toEqual([null, "R"]);
  });

  it("say a gap that is not the usual one, in the acquired plane", () => {
    const view = opened({ ...SERIES, volumes: [irregular] });
    const at = (slice: number) => {
      view.goTo(slice);
      return view.sliceWords;
    };
    expect([at(5), at(20)]).toEqual(["", "gap 41 mm"]);
  });

  it("have each slice's own letters and sides, of an animal its own", () => {
    const words = [
      { patient_orientation: ["P", "F"], laterality: "L", view: "CC" },
      { patient_orientation: ["CD", "V"], laterality: "", view: "" },
    ];
    const radiographs = { ...irregular, slice_places: null, slice_sides: { words, slices: Array.from({ length: 35 }, (_, k) => k % 2) } };
    const view = opened({ ...SERIES, volumes: [radiographs] });
    view.goTo(4);
    expect([view.edges, view.sliceWords]).toEqual([{ left: "A", right: "P", top: "S", bottom: "I" }, "left, CC"]);
    view.goTo(5);
    expect([view.edges, view.sliceWords]).toEqual([null, ""]);
    const animal = opened({ ...SERIES, volumes: [{ ...radiographs, quadruped: true }] });
    animal.goTo(5);
    expect(animal.edges).toEqual({ left: "CR", right: "CD", top: "D", bottom: "V" });
    animal.goTo(4);
    expect(animal.edges).toBeNull();
  });

  it("come from Patient Orientation where nothing else tells", () => {
    const nowhere = { ...irregular, slice_places: null };
    const view = opened({ ...SERIES, metadata: { PatientOrientation: ["P", "F"] }, volumes: [nowhere] });
    expect(view.edges).toEqual({ left: "A", right: "P", top: "S", bottom: "I" });
  });
});

describe("volumes", () => {
  it("keeps slice and window between phases of one shape", () => {
    const view = opened({ ...SERIES, volumes: [VOLUME, { ...VOLUME, index: 1, label: "Phase 2" }] });
    view.goTo(9);
    view.choosePreset(1);
    view.chooseVolume(1);
    expect([view.index, view.choice.name, view.volume?.label]).toEqual([9, "Lung", "Phase 2"]);
  });

  it("starts anew with another shape", () => {
    const planes = { acquired: { count: 3, rows: 10, columns: 10, spacing_mm: [1, 1], aspect: 1, lean: 0 } };
    const other = { ...VOLUME, index: 1, shape: [3, 10, 10], planes, affine: null };
    const view = opened({ ...SERIES, volumes: [VOLUME, other] });
    view.choosePlane("coronal");
    view.chooseVolume(1);
    expect([view.plane, view.index]).toEqual(["acquired", 1]);
  });

  it("shows volumes as soon as they are built", () => {
    const view = opened({ ...SERIES, volumes: [], state: "running" });
    expect(view.volume).toBeNull();
    view.show(parsed(SERIES));
    expect(view.index).toBe(17);
  });
});

it("resets what was changed", () => {
  const view = opened();
  view.dragWindowFrom(asWindow(view.voi), 40, 30);
  view.zoom(2);
  view.invert = true;
  view.reset();
  expect([view.choice.name, view.layout.zoom, view.invert]).toEqual(["From the file", 1, false]);
});
