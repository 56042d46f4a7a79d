// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { seriesFrom } from "@/api/series";
import type { Point } from "@/core/stageTransform";
import { Gestures, type PointerMode } from "@/views/gestures";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));

function fingers(mode: PointerMode = "usual") {
  const view = useViews().active;
  view.show(seriesFrom(SERIES as unknown as Parameters<typeof seriesFrom>[0]));
  view.resize({ width: 400, height: 400 });
  const taps: Point[] = [];
  const gestures = new Gestures(() => view, () => mode, () => null, (_, point) => taps.push(point));
  const event = (type: string, id: number, kind: string) => Object.assign(new MouseEvent(type, { button: 0 }), { pointerId: id, pointerType: kind }) as unknown as PointerEvent;
  return {
    view,
    taps,
    down: (x: number, y: number, { id = 1, kind = "touch" } = {}) => gestures.press(event("pointerdown", id, kind), { x, y }),
    move: (x: number, y: number, { id = 1, kind = "touch" } = {}) => gestures.move(event("pointermove", id, kind), { x, y }),
    up: (id = 1, type = "pointerup") => gestures.release(event(type, id, "touch")),
  };
}

beforeEach(() => setActivePinia(createPinia()));

describe("fingers", () => {
  it("one scrolls through the slices; the window stays", () => {
    const { view, down, move, up, taps } = fingers();
    const [start, choice] = [view.index, view.choice];
    down(200, 200);
    move(200, 224);
    up();
    expect([view.index - start, taps.length]).toEqual([4, 0]);
    expect(view.choice).toBe(choice);
  });

  it("one that hardly moves taps, once", () => {
    const { view, down, move, up, taps } = fingers();
    const start = view.index;
    down(200, 200);
    move(203, 205);
    up();
    up(1, "lostpointercapture");
    expect([view.index, taps]).toEqual([start, [{ x: 200, y: 200 }]]);
    down(200, 200);
    up(1, "pointercancel");
    expect(taps).toHaveLength(1);
  });

  it("two zoom and move; what the first one did before is undone, and a third one changes nothing", () => {
    const { view, down, move, up, taps } = fingers();
    const start = view.index;
    down(150, 200);
    move(150, 230);
    expect(view.index).toBe(start + 5);
    move(150, 200);
    down(250, 200, { id: 2 });
    expect(view.index).toBe(start);
    down(10, 10, { id: 3 });
    up(3);
    move(110, 200);
    move(310, 200, { id: 2 });
    expect(view.layout.zoom).toBeCloseTo(2);
    expect(view.layout.x).toBeCloseTo(10);
    up();
    move(310, 300, { id: 2 });
    up(2);
    expect([view.index, view.layout.zoom, taps]).toEqual([start, 2, []]);
  });

  it("do what was chosen instead", () => {
    const { view, down, move } = fingers("window");
    const start = view.index;
    down(200, 200);
    move(240, 240);
    expect([view.index, view.choice.voi === null]).toEqual([start, false]);
  });
});

it("a tool that takes a drag hears of every point, and keeps its double clicks", () => {
  const view = useViews().active;
  view.resize({ width: 400, height: 400 });
  const paths: (readonly Point[])[] = [];
  let takes = true;
  const gestures = new Gestures(() => view, () => "usual", () => (takes ? { move: (_, __, path) => void paths.push(path) } : null), () => undefined);
  const event = (type: string) => Object.assign(new MouseEvent(type, { button: 0 }), { pointerId: 1, pointerType: "mouse" }) as unknown as PointerEvent;
  gestures.press(event("pointerdown"), { x: 1, y: 1 });
  gestures.move(event("pointermove"), { x: 4, y: 4 }, [{ x: 2, y: 3 }, { x: 4, y: 4 }]);
  gestures.move(event("pointermove"), { x: 5, y: 4 });
  expect(paths).toEqual([[{ x: 2, y: 3 }, { x: 4, y: 4 }], [{ x: 5, y: 4 }]]);
  expect(gestures.tookLast).toBe(true);
  gestures.release(event("pointerup"));
  takes = false;
  gestures.press(event("pointerdown"), { x: 1, y: 1 });
  expect(gestures.tookLast).toBe(false);
});

it("a pen does what the mouse does", () => {
  const { view, down, move, up, taps } = fingers();
  const [start, choice] = [view.index, view.choice];
  down(200, 200, { kind: "pen" });
  move(240, 240, { kind: "pen" });
  up();
  expect([view.index, taps.length]).toEqual([start, 0]);
  expect(view.choice).not.toBe(choice);
});
