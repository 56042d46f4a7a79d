import { describe, expect, it } from "vitest";

import { COLOUR_MAP_NAMES, COLOUR_MAPS, colourTable, cssGradient, isColourMap } from "@/core/colourMaps";
import { paintLayer } from "@/core/fusion";
import { windowOfRange } from "@/core/windowing";

const partsOf = (word: number) => [word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff, word >>> 24];
const coloursOf = (name: Parameters<typeof colourTable>[0]) => Array.from(colourTable(name), partsOf);

describe("colour maps", () => {
  it.each(COLOUR_MAPS)("%s has 256 opaque colours, and a name", (name) => {
    const colours = coloursOf(name);
    expect(colours).toHaveLength(256);
    expect(colours.every(([, , , alpha]) => alpha === 255)).toBe(true);
    expect(COLOUR_MAP_NAMES[name]).not.toBe("");
    expect(isColourMap(name)).toBe(true);
    expect(cssGradient(name)).toMatch(/^linear-gradient\(to right, (rgb\(\d+ \d+ \d+\),? ?){17}\)$/);
  });

  it("have the levels themselves as grey, and their opposites inverted", () => {
    expect(coloursOf("grey").every(([r, g, b], level) => r === level && g === level && b === level)).toBe(true);
    expect(coloursOf("inverted").every(([r], level) => r === 255 - level)).toBe(true);
    expect(isColourMap("toString")).toBe(false);
  });

  it("have Hot Iron as the standard's formula", () => {
    // PS3.6 B.1.1: red 0, 2, 4 ... 254, 255 ...; green the same from 128 on; blue 0, 4, 8 ... from 192 on.
    const wanted = Array.from({ length: 256 }, (_, i) => [Math.min(255, 2 * i), Math.min(255, Math.max(0, 2 * (i - 128))), Math.min(255, Math.max(0, 4 * (i - 192))), 255]);
    expect(coloursOf("hotIron")).toEqual(wanted);
  });

  it("begin and end where they should", () => {
    expect([0, 96, 191, 255].map((level) => coloursOf("hot")[level].slice(0, 3))).toEqual([[0, 0, 0], [255, 1, 0], [255, 254, 0], [255, 255, 255]]);
    expect([0, 255].map((level) => coloursOf("rainbow")[level].slice(0, 3))).toEqual([[0, 0, 128], [128, 0, 0]]);
  });

  it("grow lighter evenly in the map of even steps", () => {
    const lightness = coloursOf("even").map(([r, g, b]) => {
      const [red, green, blue] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return Math.cbrt(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    });
    for (let level = 4; level < 256; level += 1) expect(lightness[level]).toBeGreaterThan(lightness[level - 4]);
  });
});

describe("fusion", () => {
  it("paints nothing outside of the volume, and where values are empty", () => {
    const pixels = new Uint32Array(4);
    const colours = { table: colourTable("grey"), voi: windowOfRange(0, 10), fading: false };
    paintLayer(Float32Array.of(NaN, 0, 10, -1), colours, pixels, (value) => value < 0);
    expect(Array.from(pixels, partsOf)).toEqual([[0, 0, 0, 0], [0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 0]]);
    paintLayer(Float32Array.of(0, 5, 10, NaN), { ...colours, fading: true }, pixels);
    expect(Array.from(pixels, (word) => word >>> 24)).toEqual([0, 128, 255, 0]);
  });
});
