import { describe, expect, it } from "vitest";

import { letters } from "@/core/edgeLetters";
import { type BodySide, fittedOrbit, onScreen, type Orbit, panned, rolled, seenFrom, SIDES, towardsViewer, turned, turnedByHand, zoomed } from "@/core/orbit";
import { cross, dot, scaled, type Vector, vectorLength } from "@/core/vectors";

const STAGE = { width: 600, height: 400 };
const FRONT: Orbit = { focus: [10, 20, 30], right: [1, 0, 0], up: [0, 0, 1], extent: 200 };

function expectVector(found: Vector, wanted: Vector): void {
  found.forEach((each, axis) => expect(each).toBeCloseTo(wanted[axis], 9));
}

describe("the sides of a body", () => {
  it.each([
    ["anterior", "A", "L", "S"],
    ["posterior", "P", "R", "S"],
    ["left", "L", "P", "S"],
    ["right", "R", "A", "S"],
    ["superior", "S", "R", "A"],
    ["inferior", "I", "L", "A"],
  ] as const)("%s: %s is before, %s to the right and %s up", (side: BodySide, before, right, up) => {
    const orbit = seenFrom(FRONT, side);
    expect([towardsViewer(orbit), orbit.right, orbit.up].map((direction) => letters(direction))).toEqual([before, right, up]);
    expect(orbit.focus).toBe(FRONT.focus);
  });

  it("fits all points", () => {
    const corners: Vector[] = [[0, 0, 0], [100, 40, 300], [0, 40, 0]];
    for (const side of SIDES) {
      const orbit = fittedOrbit(corners, side);
      for (const corner of corners) {
        const { x, y } = onScreen(orbit, corner, STAGE);
        expect(x).toBeGreaterThan(0);
        expect(x).toBeLessThan(STAGE.width);
        expect(y).toBeGreaterThan(0);
        expect(y).toBeLessThan(STAGE.height);
      }
      expectVector(orbit.focus, [50, 20, 150]);
    }
  });
});

it("shows lengths across the screen as they are", () => {
  const { x, y } = onScreen(FRONT, [30, 99, 10], STAGE);
  // 200 mm over 400 pixels.
  expect(x).toBeCloseTo(300 + 40, 9);
  expect(y).toBeCloseTo(200 + 40, 9);
});

it("turns the front of the body as the hand goes", () => {
  const before: Vector = [10, 20 - 50, 30];
  expect(onScreen(turned(FRONT, 0.3, 0), before, STAGE).x).toBeGreaterThan(310);
  expect(onScreen(turned(FRONT, 0, 0.3), before, STAGE).y).toBeGreaterThan(210);
  expect(onScreen(turnedByHand(FRONT, -20, 0), before, STAGE).x).toBeLessThan(300);
  // A quarter turn to the right shows the patient's right... from where the right was: the left screen edge.
  expectVector(towardsViewer(turned(FRONT, Math.PI / 2, 0)), [-1, 0, 0]);
  // Clockwise: what was up goes to the right.
  const up = onScreen(rolled(FRONT, Math.PI / 2), [10, 20, 80], STAGE);
  expect(up.x).toBeCloseTo(400, 6);
  expect(up.y).toBeCloseTo(200, 6);
});

it("stays perpendicular however often it is turned", () => {
  let orbit = FRONT;
  for (let i = 0; i < 5000; i += 1) orbit = turnedByHand(orbit, (i % 7) - 3, (i % 5) - 1.3);
  expect(vectorLength(orbit.right)).toBeCloseTo(1, 12);
  expect(vectorLength(orbit.up)).toBeCloseTo(1, 12);
  expect(dot(orbit.right, orbit.up)).toBeCloseTo(0, 12);
  expectVector(cross(orbit.up, towardsViewer(orbit)), scaled(orbit.right, 1));
});

it("moves with the hand, and enlarges about a point that stays", () => {
  const point: Vector = [30, 0, 10];
  const from = onScreen(FRONT, point, STAGE);
  const to = onScreen(panned(FRONT, 17, -9, STAGE), point, STAGE);
  expect(to.x - from.x).toBeCloseTo(17, 9);
  expect(to.y - from.y).toBeCloseTo(-9, 9);
  const larger = zoomed(FRONT, 2, from, STAGE);
  expect(larger.extent).toBe(100);
  const kept = onScreen(larger, point, STAGE);
  expect(kept.x).toBeCloseTo(from.x, 9);
  expect(kept.y).toBeCloseTo(from.y, 9);
});
