import { describe, expect, it } from "vitest";

import { WheelSteps, zoomFactor } from "@/core/wheel";

const turn = (wheel: WheelSteps, deltas: number[], every = 16) =>
  deltas.reduce((sum, deltaY, i) => sum + wheel.stepsFor({ deltaY, deltaMode: 0 }, i * every), 0);

describe("WheelSteps", () => {
  it("steps once for each notch of a mouse", () => {
    expect(turn(new WheelSteps(), [100, 100, 100])).toBe(3);
    expect(turn(new WheelSteps(), [-120, -120])).toBe(-2);
    expect(new WheelSteps().stepsFor({ deltaY: 3, deltaMode: 1 }, 0)).toBe(1);
  });

  it("gathers the small moves of a trackpad", () => {
    expect(turn(new WheelSteps(), Array<number>(30).fill(4))).toBe(3);
    expect(turn(new WheelSteps(), [4, 4, 4])).toBe(0);
  });

  it("turns around at once and forgets after a pause", () => {
    expect(turn(new WheelSteps(), [30, -30, -10])).toBe(-1);
    expect(turn(new WheelSteps(), [30, 30], 1000)).toBe(0);
  });
});

it("zooms in upwards and out downwards by the same factor", () => {
  const inwards = zoomFactor({ deltaY: -100, deltaMode: 0 });
  expect(inwards).toBeGreaterThan(1);
  expect(inwards * zoomFactor({ deltaY: 100, deltaMode: 0 })).toBeCloseTo(1, 12);
});
