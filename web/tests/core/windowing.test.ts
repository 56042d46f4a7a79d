import { describe, expect, it } from "vitest";

import { dragWindow, greyTable, permitted, toDisplay, type Window, windowChoices, type WindowFunction } from "@/core/windowing";

// What the server's `to_display` gives for the same values (numpy, float64, rounded half to even).
const VALUES = [
  -2000, -1024, -161, -160.5, -160, -40, 0, 0.25, 39.5, 40, 40.5, 79, 80, 127, 128, 239, 240, 255, 1000, 3000, NaN, Infinity,
  -Infinity,
];
const TABLE: [WindowFunction, number, number, number[]][] = [
  ["LINEAR", 40, 400, [0, 0, 0, 0, 0, 77, 102, 102, 128, 128, 128, 153, 153, 183, 184, 255, 255, 255, 255, 255, 0, 255, 0]],
  ["LINEAR", 40, 1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0]],
  ["LINEAR", 128, 256, [0, 0, 0, 0, 0, 0, 0, 0, 40, 40, 40, 79, 80, 127, 128, 239, 240, 255, 255, 255, 0, 255, 0]],
  ["LINEAR", 2048, 4096, [0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 3, 5, 5, 8, 8, 15, 15, 16, 62, 187, 0, 255, 0]],
  ["LINEAR_EXACT", 40, 400, [0, 0, 0, 0, 0, 76, 102, 102, 127, 128, 128, 152, 153, 183, 184, 254, 255, 255, 255, 255, 0, 255, 0]],
  ["LINEAR_EXACT", 0.5, 1, [0, 0, 0, 0, 0, 0, 0, 64, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 255, 0]],
  ["LINEAR_EXACT", 127.5, 255, [0, 0, 0, 0, 0, 0, 0, 0, 40, 40, 40, 79, 80, 127, 128, 239, 240, 255, 255, 255, 0, 255, 0]],
  ["SIGMOID", 40, 400, [0, 0, 30, 30, 30, 79, 102, 102, 127, 128, 128, 152, 153, 180, 180, 224, 225, 228, 255, 255, 0, 255, 0]],
  ["SIGMOID", 0, 1, [0, 0, 0, 0, 0, 0, 128, 186, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 255, 0]],
];
const window = (kind: WindowFunction, center: number, width: number): Window => ({ name: "", center, width, function: kind });

describe("toDisplay", () => {
  it.each(TABLE)("%s center %d width %d gives the server's grey levels", (kind, center, width, expected) => {
    expect([...toDisplay(VALUES, window(kind, center, width))]).toEqual(expected);
  });

  it("never falls as the value rises", () => {
    const rising = Array.from({ length: 4000 }, (_, i) => i - 2000);
    for (const [kind, center, width] of TABLE) {
      const grey = toDisplay(rising, window(kind, center, width));
      expect(grey.every((level, i) => i === 0 || level >= grey[i - 1])).toBe(true);
    }
  });

  it("inverts for MONOCHROME1", () => {
    expect([...toDisplay([-160, 40, 240], window("LINEAR", 40, 400), true)]).toEqual([255, 127, 0]);
  });

  it("gives a table of whole numbers", () => {
    expect([...greyTable(-1, 1, window("LINEAR_EXACT", 0, 2))]).toEqual([0, 128, 255]);
  });
});

describe("dragging", () => {
  it("widens to the right and raises the centre downwards", () => {
    const start = window("LINEAR", 40, 400);
    expect(dragWindow(start, 100, 0, 4000).width).toBeGreaterThan(400);
    expect(dragWindow(start, -100, 0, 4000).width).toBeLessThan(400);
    expect(dragWindow(start, 0, 50, 4000).center).toBeGreaterThan(40);
  });

  it("stays within what LINEAR allows", () => {
    const narrow = dragWindow(window("LINEAR", 0.5, 1), -400, 0, 1);
    expect(narrow.width).toBeGreaterThan(0);
    expect(narrow.function).toBe("LINEAR_EXACT");
    expect(permitted(window("LINEAR", 0, 1)).function).toBe("LINEAR");
  });
});

describe("windowChoices", () => {
  const first: Window = { name: "", center: 50, width: 350, function: "LINEAR" };

  it("begins with the default and offers no window twice", () => {
    const offered = windowChoices({ windows: [first], default_window: first, unit: "HU", min: -1000, max: 2000 });
    expect(offered.map(({ name }) => name)).toEqual(["From the file", "Lung", "Mediastinum", "Abdomen", "Bone", "Brain", "Full range"]);
  });

  it("offers Hounsfield presets only for Hounsfield units", () => {
    const offered = windowChoices({ windows: [], default_window: first, unit: "", min: 0, max: 900 });
    expect(offered.map(({ name }) => name)).toEqual(["Default", "Full range"]);
  });
});
