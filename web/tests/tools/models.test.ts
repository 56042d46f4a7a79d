import { describe, expect, it } from "vitest";

import { FrameClock } from "@/tools/cine/model";
import { liveFigures, whyNoVolume } from "@/tools/measure/model";

describe("measure", () => {
  const histogram = { values: [0, 1, 2], counts: [10, 20, 30], min: 0, max: 2, exact: true };

  it("gives count and mm3 from the histogram, or nothing where it cannot", () => {
    expect(liveFigures(histogram, 0.5, [2, 0.5, 0.5])).toEqual({ count: 30, mm3: 15 });
    expect(liveFigures(histogram, 0.5, [null, 0.5, 0.5])).toEqual({ count: 30, mm3: null });
    expect(liveFigures(null, 0.5, [1, 1, 1])).toEqual({ count: null, mm3: null });
  });

  it("says why there is no mm3", () => {
    expect(whyNoVolume([null, 1, 1], [])).toContain("slice");
    expect(whyNoVolume([null, 1, 1], ["12 pixels are padding", "no Pixel Spacing (0028,0030)"])).toBe("no Pixel Spacing (0028,0030)");
  });
});

describe("FrameClock", () => {
  it("keeps the rate over the screen's frames", () => {
    for (const fps of [5, 15, 24, 30]) {
      const clock = new FrameClock();
      let shown = 0;
      for (let frame = 0; frame < 600; frame += 1) {
        const now = 5000 + (frame * 1000) / 60;
        if (clock.due(now, fps)) {
          clock.shown(now, fps);
          shown += 1;
        }
      }
      expect(shown).toBeGreaterThanOrEqual(fps * 10 - 2);
      expect(shown).toBeLessThanOrEqual(fps * 10 + 2);
    }
  });
});
