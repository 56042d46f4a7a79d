import { describe, expect, it } from "vitest";

import type { Cut } from "@/core/plane";
import type { Region } from "@/core/regions";
import { subtract, vectorLength } from "@/core/vectors";
import { centreOfRegion, dragged, drawnBox, drawnSphere, movedBy, regionInMiddle, regionWords, shapeIn, tidied } from "@/tools/measure/regionShape";

const axial = (z: number): Cut => ({ origin: [-50, -50, z], right: [1, 0, 0], down: [0, 1, 0], rows: 101, columns: 101 });
const oblique: Cut = { origin: [-50, -50, -50], right: [1, 0, 0], down: [0, Math.SQRT1_2, Math.SQRT1_2], rows: 101, columns: 101 };
const ball: Region = { kind: "sphere", centre: [1, 2, 3], radius: 10 };
const box: Region = { kind: "box", low: [-10, -20, -30], high: [10, 20, 30] };

describe("a sphere in a plane", () => {
  it("is a circle on the surface and in the plane", () => {
    for (const cut of [axial(3), axial(9)]) {
      const { outline = [] } = shapeIn(ball, cut) ?? {};
      expect(outline).toHaveLength(72);
      for (const at of outline) {
        expect(vectorLength(subtract(at, ball.centre))).toBeCloseTo(10, 9);
        expect(at[2]).toBeCloseTo(cut.origin[2], 9);
      }
    }
  });

  it("is nothing beyond its radius", () => {
    expect(shapeIn(ball, axial(13.001))).toBeNull();
  });

  it("is resized to the pointer, and moved with it", () => {
    const { handles = [] } = shapeIn(ball, axial(9)) ?? {};
    expect(handles.map(({ grip }) => grip.kind)).toEqual(["move", "radius", "radius", "radius", "radius"]);
    expect(dragged(ball, { kind: "radius" }, [9, 2, 9], [13, 2, 8])).toEqual({ ...ball, radius: 13 });
    expect(dragged(ball, { kind: "radius" }, [9, 2, 9], [1, 2, 3])).toMatchObject({ radius: 0.1 });
    expect(dragged(ball, { kind: "move" }, [0, 0, 9], [5, -1, 9])).toEqual({ ...ball, centre: [6, 1, 3] });
  });
});

describe("a box in a plane", () => {
  it("is a rectangle with eight handles and one in its middle", () => {
    const { outline = [], handles = [] } = shapeIn(box, axial(0)) ?? {};
    expect(outline.map(([x, y]) => [x, y])).toEqual([[-10, -20], [10, -20], [10, 20], [-10, 20]]);
    expect(handles).toHaveLength(9);
    expect(handles[0]).toEqual({ at: [0, 0, 0], grip: { kind: "move" } });
    const right = handles.find(({ at }) => at[0] === 10 && at[1] === 0);
    expect(right?.grip).toEqual({ kind: "faces", faces: [{ axis: 0, high: true }] });
  });

  it("is a polygon in an oblique plane, on its surface", () => {
    const { outline = [] } = shapeIn(box, oblique) ?? {};
    expect(outline.length).toBeGreaterThanOrEqual(4);
    for (const at of outline) {
      expect(at[1]).toBeCloseTo(at[2], 9);
      expect([0, 1, 2].some((axis) => Math.abs(Math.abs(at[axis]) - [10, 20, 30][axis]) < 1e-9)).toBe(true);
    }
  });

  it("is there on its faces, and not beyond them", () => {
    expect([shapeIn(box, axial(30)) === null, shapeIn(box, axial(30.01)) === null]).toEqual([false, true]);
  });

  it("moves the faces that are dragged, never through each other", () => {
    const corner = { kind: "faces", faces: [{ axis: 0, high: true }, { axis: 1, high: false }] } as const;
    expect(dragged(box, corner, [10, -20, 0], [12, -25, 0])).toEqual({ kind: "box", low: [-10, -25, -30], high: [12, 20, 30] });
    expect(dragged(box, corner, [0, 0, 0], [-90, 90, 0])).toEqual({ kind: "box", low: [-10, 19.9, -30], high: [-9.9, 20, 30] });
  });
});

describe("a region that is drawn", () => {
  it("is a sphere from centre to surface", () => {
    expect(drawnSphere([0, 0, 5], [3, 4, 5])).toEqual({ kind: "sphere", centre: [0, 0, 5], radius: 5 });
  });

  it("is a box from corner to corner, as deep as it is wide on average", () => {
    expect(drawnBox(axial(5), [10, 0, 5], [-10, 40, 5])).toEqual({ kind: "box", low: [-10, 0, -10], high: [10, 40, 20] });
  });

  it("lies in the middle for those who have no pointer", () => {
    expect(regionInMiddle("sphere", axial(5), null)).toEqual({ kind: "sphere", centre: [0, 0, 5], radius: 12.63 });
    expect(centreOfRegion(regionInMiddle("box", axial(5), [1, 2, 3]))).toEqual([1, 2, 3]);
  });
});

it("has the numbers that are shown", () => {
  expect(tidied({ kind: "sphere", centre: [1.23456, -2.345, 0], radius: 0.004 })).toEqual({ kind: "sphere", centre: [1.23, -2.35, 0], radius: 0.1 });
  expect(movedBy(box, [1, 1, 1])).toEqual({ kind: "box", low: [-9, -19, -29], high: [11, 21, 31] });
  expect(regionWords(ball)).toBe("in a sphere of 10 mm about 1, 2, 3");
  expect(regionWords(box)).toBe("in a box from −10, −20, −30 to 10, 20, 30 mm");
});
