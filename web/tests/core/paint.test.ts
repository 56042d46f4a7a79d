import { describe, expect, it } from "vitest";

import { type DisplaySettings, GreyPainter, paintColour } from "@/core/paint";
import type { Window } from "@/core/windowing";

const WINDOW: Window = { name: "", center: 40, width: 400, function: "LINEAR" };
const plain: DisplaySettings = { voi: WINDOW, invert: false, padding: null, tint: null };

function paint(values: Int16Array | Float32Array | Int32Array, look: DisplaySettings): Uint8Array {
  const pixels = new Uint32Array(values.length);
  new GreyPainter().paint(values, look, pixels);
  return new Uint8Array(pixels.buffer);
}

describe("GreyPainter", () => {
  it("paints opaque grey", () => {
    expect([...paint(Int16Array.of(-160, 40, 32_767), plain)]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
  });

  it("paints alike by table and by formula", () => {
    const whole = Array.from({ length: 600 }, (_, i) => i - 300);
    const look: DisplaySettings = { ...plain, invert: true, tint: { low: -78.5, high: 290.5 } };
    expect(paint(Float32Array.from(whole), look)).toEqual(paint(Int16Array.from(whole), look));
    expect(paint(Int32Array.from(whole), look)).toEqual(paint(Int16Array.from(whole), look));
  });

  it("paints by the settings of each picture, also after equal and nearly equal ones", () => {
    const painter = new GreyPainter();
    const values = Int16Array.of(-2000, -160, 0, 40, 100, 3000);
    const tint = { low: 0.5, high: 100 };
    const mask = Uint8Array.of(0, 1, 0, 0, 1, 0);
    const looks: DisplaySettings[] = [plain, { ...plain }, { ...plain, invert: true }, { ...plain, padding: [-2000, -2000] }, { ...plain, padding: [-2000, -160] }, { ...plain, padding: [-2000, -160] }, { ...plain, tint }, { ...plain, tint: { ...tint } }, { ...plain, tint: { ...tint, low: 90 } }, { ...plain, tint: { ...tint, high: 40 } }, { ...plain, tint: mask }, { ...plain, tint: Uint8Array.of(1, 0, 0, 0, 0, 0) }, plain, { ...plain, voi: { ...WINDOW, center: 90 } }];
    for (const look of looks) {
      const pixels = new Uint32Array(values.length);
      painter.paint(values, look, pixels);
      expect(new Uint8Array(pixels.buffer)).toEqual(paint(values, look));
    }
  });

  it("tints what lies between the limits, both included, and never padding", () => {
    const values = [-2000, -100, 0, 100, 101, 3000];
    const padded: DisplaySettings = { ...plain, tint: { low: -100, high: 100 }, padding: [0, 0] };
    for (const typed of [Int16Array.from(values), Float32Array.from(values), Int32Array.from(values)]) {
      const rgba = paint(typed, padded);
      expect(values.map((_, i) => rgba[4 * i] !== rgba[4 * i + 2])).toEqual([false, true, false, true, false, false]);
    }
    const numbers = paint(Float32Array.of(NaN, Infinity, -Infinity, 5), { ...plain, tint: { low: -Infinity, high: Infinity } });
    expect([0, 1, 2, 3].map((i) => numbers[4 * i] !== numbers[4 * i + 2])).toEqual([false, false, false, true]);
  });

  it("tints the pixels of a mask, whatever their values", () => {
    for (const typed of [Int16Array.of(-2000, 40, 3000), Float32Array.of(-2000, 40, 3000)]) {
      const rgba = paint(typed, { ...plain, tint: Uint8Array.of(1, 0, 1) });
      expect([0, 1, 2].map((i) => rgba[4 * i] !== rgba[4 * i + 2])).toEqual([true, false, true]);
    }
  });

  it("paints through a table as through a window", () => {
    const voi = { name: "", first: 10, levels: Uint8Array.of(0, 90, 255) };
    for (const values of [Int16Array.of(-5, 11, 99), Float32Array.of(-5, 10.6, 99)]) {
      expect(Array.from(paint(values as Int16Array, { ...plain, voi })).filter((_, i) => i % 4 === 0)).toEqual([0, 90, 255]);
    }
  });

  it("paints padding black, inverted too, as the library does", () => {
    const look: DisplaySettings = { ...plain, invert: true, padding: [-0.5, 1.5] };
    for (const values of [Int16Array.of(-1, 0, 1, 2), Float32Array.of(-1, 0, 1, 2)]) {
      const grey = Array.from(paint(values as Int16Array, look)).filter((_, i) => i % 4 === 0);
      expect(grey.map((level) => level > 0)).toEqual([true, false, false, true]);
    }
    expect(paint(Float32Array.of(-3.4e38), { ...look, padding: [-3.4e38, -3.4e38] })[0]).toBe(0);
  });

  it("makes its table anew when the look changes", () => {
    const painter = new GreyPainter();
    const pixels = new Uint32Array(1);
    painter.paint(Int16Array.of(40), plain, pixels);
    const before = pixels[0];
    painter.paint(Int16Array.of(40), { ...plain, voi: { ...WINDOW, center: 100 } }, pixels);
    expect(pixels[0]).not.toBe(before);
  });
});

it("paints colour as it is", () => {
  const pixels = new Uint32Array(2);
  paintColour(Uint8Array.of(1, 2, 3, 250, 251, 252), pixels);
  expect([...new Uint8Array(pixels.buffer)]).toEqual([1, 2, 3, 255, 250, 251, 252, 255]);
  paintColour(Uint16Array.of(65_535, 0, 32_768, 0, 0, 0), pixels);
  expect([...new Uint8Array(pixels.buffer)].slice(0, 4)).toEqual([255, 0, 128, 255]);
});
