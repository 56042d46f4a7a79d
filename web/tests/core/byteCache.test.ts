import { describe, expect, it } from "vitest";

import { ByteCache } from "@/core/byteCache";

describe("ByteCache", () => {
  it("drops what was used longest ago when it is full", () => {
    const cache = new ByteCache<string>(30);
    cache.set("a", "A", 10);
    cache.set("b", "B", 10);
    cache.set("c", "C", 10);
    cache.get("a");
    cache.set("d", "D", 10);
    expect(["a", "b", "c", "d"].filter((key) => cache.has(key))).toEqual(["a", "c", "d"]);
    expect(cache.bytes).toBe(30);
  });

  it("never holds more than its bytes, but for a single item that is larger", () => {
    const cache = new ByteCache<number>(100);
    for (let i = 0; i < 50; i += 1) {
      cache.set(`${i}`, i, 1 + ((i * 17) % 40));
      expect(cache.bytes).toBeLessThanOrEqual(100);
    }
    cache.set("large", 0, 500);
    expect(cache.size).toBe(1);
    cache.clear();
    expect(cache.bytes).toBe(0);
  });

  it("tells each item's end once, when it is pushed out, replaced or cleared", () => {
    const cache = new ByteCache<string>(20);
    const ended: string[] = [];
    const put = (key: string, item: string): void => cache.set(key, item, 10, () => ended.push(item));
    put("a", "A");
    put("b", "B");
    put("a", "A2");
    put("c", "C");
    expect(ended).toEqual(["A", "B"]);
    cache.clear();
    expect(ended).toEqual(["A", "B", "A2", "C"]);
  });

  it("counts an item that is set again once", () => {
    const cache = new ByteCache<string>(100);
    cache.set("a", "A", 10);
    cache.set("a", "B", 20);
    expect(cache.bytes).toBe(20);
    expect(cache.get("a")).toBe("B");
  });
});
