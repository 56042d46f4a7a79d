import { describe, expect, it } from "vitest";

import { parseSlice } from "@/api/slices";

describe("parseSlice", () => {
  it("reads values of the dtype that the header names", () => {
    const { values, rows, columns, samples } = parseSlice(Int16Array.of(-1024, 0, 1, 2, 3, 32_767).buffer, "int16", "2,3");
    expect([...values]).toEqual([-1024, 0, 1, 2, 3, 32_767]);
    expect([rows, columns, samples]).toEqual([2, 3, 1]);
  });

  it("reads colour, and 64-bit integers as numbers", () => {
    expect(parseSlice(new Uint8Array(12).buffer, "uint8", "2,2,3").samples).toBe(3);
    expect([...parseSlice(BigInt64Array.of(-5n, 7n).buffer, "int64", "1,2").values]).toEqual([-5, 7]);
  });

  it.each([
    ["int16", "2,4"],
    ["int16", null],
    ["int16", "2,0"],
    ["int16", "2,x"],
    ["complex128", "2,3"],
    ["toString", "2,3"],
    [null, "2,3"],
  ])("refuses dtype %s with shape %s", (dtype, shape) => {
    expect(() => parseSlice(new Int16Array(6).buffer, dtype, shape)).toThrow();
  });
});
