import { describe, expect, it } from "vitest";

import { packValues, roomFor, unpackValues } from "@/core/packedValues";

function returned(values: Uint16Array): Uint16Array {
  const packed = packValues(values, new Uint32Array(roomFor(values.length)));
  const into = new Uint16Array(values.length).fill(4321);
  unpackValues(packed, into);
  return into;
}

/** Numbers that repeat in each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x80000000;
}

describe("packed values", () => {
  it.each([0, 1, 31, 32, 33, 64, 1000])("gives back %d values of every width", (length) => {
    for (let bits = 0; bits <= 16; bits += 1) {
      const next = random(bits + length);
      const values = Uint16Array.from({ length }, () => 40_000 + Math.floor(next() * 2 ** bits));
      expect(returned(values)).toEqual(values);
    }
  });

  it("gives back the ends of the range beside each other", () => {
    const values = Uint16Array.of(0, 65_535, 0, 32_768, 32_767, 65_535, 1, 32_769, 0);
    expect(returned(values)).toEqual(values);
    const signed = Int16Array.of(-32_768, 32_767, -1, 0, 1, -32_768);
    expect(new Int16Array(returned(new Uint16Array(signed.buffer)).buffer)).toEqual(signed);
  });

  it("takes a bit more than the differences need, and next to nothing for air", () => {
    const next = random(7);
    const noise = Uint16Array.from({ length: 3200 }, () => 1000 + Math.floor(next() * 64));
    const { words, widths } = packValues(noise, new Uint32Array(roomFor(noise.length)));
    expect(words.byteLength + widths.byteLength).toBeLessThan(noise.byteLength * 0.47);
    expect(packValues(new Uint16Array(3200).fill(24), new Uint32Array(roomFor(3200))).words).toHaveLength(6);
  });
});
