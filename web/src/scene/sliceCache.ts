/** Slices of all volumes that are too large for the tab, in a memory of bounded size. */

import type { Slice } from "@/api/slices";
import { ByteCache } from "@/core/byteCache";

interface Loaded {
  /** 1 for each slice that is there. */
  readonly flags: Uint8Array;
  count: number;
}

/** Which slices are there is kept as numbers: asking for each of thousands by a key of text takes longer than a picture. */
export class SliceCache {
  private readonly slices: ByteCache<Slice>;
  private readonly loaded = new Map<string, Loaded>();

  constructor(capacity: number) {
    this.slices = new ByteCache<Slice>(capacity);
  }

  get capacity(): number {
    return this.slices.capacity;
  }

  get bytes(): number {
    return this.slices.bytes;
  }

  get size(): number {
    return this.slices.size;
  }

  /** Which slices of a volume are there; changes with the cache. */
  loadedOf(source: string, count: number): Readonly<Loaded> {
    const known = this.loaded.get(source);
    if (known) return known;
    const fresh = { flags: new Uint8Array(count), count: 0 };
    this.loaded.set(source, fresh);
    return fresh;
  }

  get(source: string, slice: number): Slice | undefined {
    return this.slices.get(`${source} ${slice}`);
  }

  set(source: string, slice: number, item: Slice): void {
    const loaded = this.loaded.get(source);
    const mark = (flag: 0 | 1): void => {
      if (!loaded || loaded.flags[slice] === flag) return;
      loaded.flags[slice] = flag;
      loaded.count += flag === 1 ? 1 : -1;
    };
    this.slices.set(`${source} ${slice}`, item, item.values.byteLength, () => mark(0));
    mark(1);
  }
}
