import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, nextTick } from "vue";

import { seriesFrom } from "@/api/series";
import { useFollowingViews } from "@/views/followViews";
import { linkWords, windowRefusal } from "@/views/links";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

const parsed = (series: object) => seriesFrom(series as Parameters<typeof seriesFrom>[0]);
/** Every second slice, moved by 1 mm. */
const AFFINE = [
  [0, 0, 1.6, -200],
  [0, 1.6, 0, -180],
  [10, 0, 0, -89],
  [0, 0, 0, 1],
];
const plane = { count: 18, rows: 256, columns: 256, spacing_mm: [1.6, 1.6], aspect: 1, lean: 0 };
const OTHER_VOLUME = { ...VOLUME, shape: [18, 256, 256], affine: AFFINE, spacing_mm: [10, 1.6, 1.6], planes: { ...VOLUME.planes, acquired: plane, axial: plane } };
const other = (facts: object = {}, volume: object = {}) => parsed({ ...SERIES, id: 6, ...facts, volumes: [{ ...OTHER_VOLUME, ...volume }] });

function two(second = other()) {
  const views = useViews();
  views.arrange("2");
  const [a, b] = views.views;
  a.show(parsed(SERIES));
  b.show(second);
  for (const view of [a, b]) view.resize({ width: 400, height: 400 });
  return { views, a, b };
}

beforeEach(() => setActivePinia(createPinia()));

describe("by place", () => {
  it("follows through one frame of reference to the nearest slice", () => {
    const { views, a, b } = two();
    expect(linkWords(views.linkOf(a, b))).toBe("same frame of reference");
    a.goTo(3); // -75 mm; the other's slices lie at -89, -79, -69
    expect(b.index).toBe(1);
  });

  it("opens a series where the linked view looks", () => {
    const { views, a, b } = two();
    a.goTo(30);
    b.close();
    b.show(other());
    expect(a.index).toBe(30);
    views.adoptPlace(b);
    expect(b.index).toBe(15);
  });

  it("says why views are not linked, and leaves them", () => {
    const { views, a, b } = two(other({}, { frame_of_reference_uid: "9.9" }));
    expect(linkWords(views.linkOf(a, b))).toBe("not linked: another frame of reference");
    const before = b.index;
    a.goTo(3);
    expect(b.index).toBe(before);
    b.show(other({ id: 7 }, { frame_of_reference_uid: null }));
    expect(linkWords(views.linkOf(a, b))).toBe("not linked: the frame of reference is unknown");
  });

  it("is linked by hand from then on, with the offset of the two cursors", () => {
    const { views, a, b } = two(other({}, { frame_of_reference_uid: "9.9" }));
    a.goTo(0); // -90 mm
    b.goTo(2); // -69 mm
    views.linkByHand(a, b);
    expect(linkWords(views.linkOf(a, b))).toMatch(/^linked by hand: offset L .*, S 21 mm$/);
    a.goTo(2);
    expect(b.index).toBe(3);
    b.goTo(2);
    expect(a.index).toBe(0);
    views.unlink(a, b);
    expect(views.linkOf(b, a).kind).toBe("none");
  });

  it("never links another patient by itself", () => {
    const { views, a, b } = two(other({ patient: { ...SERIES.patient, id: 99 } }));
    expect(linkWords(views.linkOf(a, b))).toBe("not linked: another patient");
  });
});

describe("zoom and window", () => {
  it("keeps a millimetre as long, and one point in the middle", () => {
    const { views, a, b } = two();
    const scope = effectScope();
    scope.run(useFollowingViews);
    views.linkZoom = true;
    a.layout = { ...a.layout, zoom: 3, x: 50, y: -20 };
    expect(b.pixelsPerMm).toBeCloseTo(a.pixelsPerMm ?? 0, 9);
    const middle = { x: 200, y: 200 };
    const [p, q] = [a.pointAt(middle), b.pointAt(middle)];
    expect(q?.[0]).toBeCloseTo(p?.[0] ?? 0, 6);
    expect(q?.[1]).toBeCloseTo(p?.[1] ?? 0, 6);
    b.layout = { ...b.layout, zoom: b.layout.zoom * 2 };
    expect(a.pixelsPerMm).toBeCloseTo(b.pixelsPerMm ?? 0, 9);
    scope.stop();
  });

  it("shares windows of one unit, and says why not others", async () => {
    const { views, a, b } = two();
    const scope = effectScope();
    scope.run(useFollowingViews);
    views.linkWindow = true;
    a.showWindow({ name: "Custom", center: 7, width: 70, function: "LINEAR" });
    expect(b.choice.voi).toMatchObject({ center: 7, width: 70 });
    b.show(other({ id: 8 }, { unit: "BQML" }));
    await nextTick();
    expect(windowRefusal(a, b)).toBe("other units, HU and BQML");
    a.showWindow({ name: "Custom", center: 8, width: 80, function: "LINEAR" });
    expect(b.choice.voi).not.toMatchObject({ center: 8 });
    scope.stop();
  });
});
