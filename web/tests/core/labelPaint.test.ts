import { describe, expect, it } from "vitest";

import { colourWord, labelPalette, paintLabels } from "@/core/labelPaint";

const SHAPE = { rows: 6, columns: 7 };
const RED = 0xff0000ff;
const BLUE = 0xffff8000;

/** A 4 x 4 block of 1 with a 2 in its middle, and a 3 in the corner of the picture; NaN outside. */
// prettier-ignore
const LABELS = Float32Array.from([
  3, 3, 0, 0, 0, 0, NaN,
  3, 3, 1, 1, 1, 1, NaN,
  3, 3, 1, 1, 1, 1, NaN,
  0, 0, 1, 1, 2, 1, NaN,
  0, 0, 1, 1, 1, 1, NaN,
  0, 0, 0, 0, 0, 0, NaN,
]);

const part = (value: number, colour: string, more: Partial<{ outlined: boolean; visible: boolean }> = {}) => ({ value, colour, outlined: false, visible: true, ...more });

function painted(segments: Parameters<typeof labelPalette>[0], values: ArrayLike<number> = LABELS): string[] {
  // Old pixels are painted over.
  const pixels = new Uint32Array(SHAPE.rows * SHAPE.columns).fill(7);
  paintLabels(values, SHAPE, labelPalette(segments), pixels);
  const signs = new Map([[0, "."], [RED, "r"], [BLUE, "b"]]);
  return Array.from({ length: SHAPE.rows }, (_, row) => Array.from(pixels.subarray(row * 7, row * 7 + 7), (word) => signs.get(word) ?? "?").join(""));
}

describe("labels", () => {
  it("are filled with the colours of their segments; what has none is transparent", () => {
    expect(colourWord("#ff0000")).toBe(RED);
    expect(colourWord("#0080ff")).toBe(BLUE);
    expect(painted([part(1, "#ff0000"), part(2, "#0080ff")])).toEqual([".......", "..rrrr.", "..rrrr.", "..rrbr.", "..rrrr.", "......."]);
  });

  it("are outlined by one pixel inside of the segment, where another one, none or the picture's edge is beside it", () => {
    expect(painted([part(1, "#ff0000", { outlined: true })])).toEqual([".......", "..rrrr.", "..r.rr.", "..rr.r.", "..rrrr.", "......."]);
    expect(painted([part(3, "#0080ff", { outlined: true })])).toEqual(["bb.....", "bb.....", "bb.....", ".......", ".......", "......."]);
  });

  it("leaves hidden segments out, and keeps the outline of those beside them", () => {
    const lines = painted([part(1, "#ff0000", { outlined: true }), part(2, "#0080ff", { visible: false })]);
    expect(lines).toEqual([".......", "..rrrr.", "..r.rr.", "..rr.r.", "..rrrr.", "......."]);
  });

  it("are the same from integers, and up to the largest value", () => {
    const integers = Uint16Array.from(LABELS, (value) => (value === 2 ? 65_535 : value || 0));
    expect(painted([part(1, "#ff0000"), part(65_535, "#0080ff")], integers)).toEqual([".......", "..rrrr.", "..rrrr.", "..rrbr.", "..rrrr.", "......."]);
  });
});
