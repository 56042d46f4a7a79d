import { describe, expect, it } from "vitest";

import { bytesOfVolume, StoredValues } from "@/scene/worker/storedValues";

describe("stored values", () => {
  it("takes chunks that end anywhere, and tells each slice when its last byte is there", () => {
    const stored = new StoredValues("int16", [3, 1, 2]);
    const writer = stored.writer(0, 2);
    const bytes = new Uint8Array(Int16Array.of(1, -2, 3, -4, 5, -6).buffer);
    expect(writer.write(bytes.subarray(0, 3))).toEqual([]);
    expect(writer.write(bytes.subarray(3, 9))).toEqual([0, 1]);
    expect([...stored.loaded]).toEqual([1, 1, 0]);
    expect(writer.write(bytes.subarray(9))).toEqual([2]);
    writer.finish();
    expect([...stored.values]).toEqual([1, -2, 3, -4, 5, -6]);
  });

  it.each([
    ["int64", BigInt64Array.of(-5n, 2n ** 40n)],
    ["uint64", BigUint64Array.of(5n, 2n ** 40n)],
  ])("turns %s into doubles", (dtype, integers) => {
    const stored = new StoredValues(dtype, [2, 1, 1]);
    stored.writer(0, 1).write(new Uint8Array(integers.buffer));
    expect([...stored.values]).toEqual([Number(integers[0]), Number(integers[1])]);
  });

  it("keeps a slice that another stream has completed", () => {
    const stored = new StoredValues("int64", [1, 1, 1]);
    const bytes = new Uint8Array(BigInt64Array.of(7n).buffer);
    const late = stored.writer(0, 0);
    late.write(bytes.subarray(0, 4));
    expect(stored.writer(0, 0).write(bytes)).toEqual([0]);
    expect(late.write(bytes.subarray(4))).toEqual([]);
    expect([...stored.values]).toEqual([7]);
  });

  it.each(["int16", "uint16"])("keeps slices of %s packed until all are wanted in one array", (dtype) => {
    const stored = new StoredValues(dtype, [3, 5, 9]);
    const values = new Int16Array(135).map((_, i) => (i * 7919) % 65_536);
    const bytes = new Uint8Array(values.buffer);
    const shown = dtype === "int16" ? [...values] : [...new Uint16Array(values.buffer)];
    stored.writer(1, 2).write(bytes.subarray(90));
    const late = stored.writer(0, 0);
    late.write(bytes.subarray(0, 31));
    expect([...stored.slice(2).values]).toEqual(shown.slice(90));
    expect([...stored.slice(1).values]).toEqual(shown.slice(45, 90));
    expect([...stored.values.slice(45)]).toEqual(shown.slice(45));
    expect(late.write(bytes.subarray(31, 90))).toEqual([0]);
    expect([...stored.values]).toEqual(shown);
    expect([...stored.slice(0).values]).toEqual(shown.slice(0, 45));
  });

  it("refuses fewer and more bytes than the slices have", () => {
    const writer = new StoredValues("uint8", [2, 2, 2]).writer(0, 1);
    writer.write(new Uint8Array(7));
    expect(() => writer.finish()).toThrow("fewer bytes");
    expect(() => writer.write(new Uint8Array(2))).toThrow("more bytes");
  });

  it("knows the size of a volume before it takes memory", () => {
    expect(bytesOfVolume({ dtype: "int16", shape: [300, 512, 512] })).toBe(157_286_400);
    expect(bytesOfVolume({ dtype: "uint8", shape: [3, 4, 5, 3] })).toBe(180);
    expect(bytesOfVolume({ dtype: "complex64", shape: [3, 4, 5] })).toBeNull();
    expect(() => new StoredValues("complex64", [1, 1, 1])).toThrow("dtype");
  });
});
