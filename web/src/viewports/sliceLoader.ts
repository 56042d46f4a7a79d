/** Loads the slice to show and its neighbours. */

import { isAbort } from "@/api/http";
import type { Slice } from "@/api/slices";
import { ByteCache } from "@/core/byteCache";
import type { Plane } from "@/core/geometry";
import { prefetchOrder } from "@/core/prefetch";

export interface SliceCursor {
  readonly volume: number;
  readonly plane: Plane;
  readonly index: number;
  readonly count: number;
  readonly direction: -1 | 0 | 1;
  /** True while playing, which continues from the last slice to the first. */
  readonly around?: boolean;
}

type Fetch = (volume: number, plane: Plane, index: number, signal: AbortSignal) => Promise<Slice>;

/** The most requests at a time. */
const AT_ONCE = 4;
/** The cache's capacity in bytes. */
const CAPACITY = 192 * 2 ** 20;
/** The most slices to prefetch, even if more fit. */
const MOST_PREFETCHED = 160;

const keyOf = (volume: number, plane: Plane, index: number): string => `${volume}/${plane}/${index}`;

/**
 * Fetches the slice at a cursor, then its neighbours.
 *
 * A few requests run at a time. A new cursor aborts the requests that it does not need, and takes their place.
 */
export class SliceLoader {
  private readonly cache: ByteCache<Slice>;
  private readonly running = new Map<string, AbortController>();
  private readonly failed = new Map<string, unknown>();
  private cursor: SliceCursor | null = null;
  private wanted: string[] = [];
  private queue: { key: string; volume: number; plane: Plane; index: number }[] = [];

  constructor(
    private readonly fetch: Fetch,
    /** Called when a slice is loaded or has failed. */
    private readonly changed: (key: string) => void,
    capacity = CAPACITY,
  ) {
    this.cache = new ByteCache(capacity);
  }

  static key({ volume, plane, index }: SliceCursor): string {
    return keyOf(volume, plane, index);
  }

  get(cursor: SliceCursor): Slice | undefined {
    return this.cache.get(SliceLoader.key(cursor));
  }

  has(volume: number, plane: Plane, index: number): boolean {
    return this.cache.has(keyOf(volume, plane, index));
  }

  /** True if the slice is loaded or has failed. */
  settled(volume: number, plane: Plane, index: number): boolean {
    const key = keyOf(volume, plane, index);
    return this.cache.has(key) || this.failed.has(key);
  }

  failure(cursor: SliceCursor): unknown {
    return this.failed.get(SliceLoader.key(cursor));
  }

  /** Loads the slice at the cursor first, then its neighbours. */
  want(cursor: SliceCursor): void {
    const { volume, plane, index, count, direction, around } = cursor;
    this.cursor = cursor;
    const order = prefetchOrder(index, count, direction, this.room(cursor), around);
    this.queue = order
      .map((i) => ({ key: keyOf(volume, plane, i), volume, plane, index: i }))
      .filter(({ key }) => !this.failed.has(key));
    this.wanted = this.queue.map(({ key }) => key);
    const wanted = new Set(this.wanted);
    for (const [key, controller] of this.running) if (!wanted.has(key)) controller.abort();
    this.freeConnection();
    this.fill();
  }

  /** Tries failed slices again. */
  retry(cursor: SliceCursor): void {
    this.failed.clear();
    this.want(cursor);
  }

  stop(): void {
    this.cursor = null;
    this.queue = [];
    for (const controller of this.running.values()) controller.abort();
    this.cache.clear();
  }

  /** How many slices to load around the cursor; a tenth of the cache is left for slices seen before. */
  private room(cursor: SliceCursor): number {
    const slice = this.cache.get(SliceLoader.key(cursor));
    const bytesPerSlice = slice ? slice.values.byteLength : this.cache.size > 0 ? this.cache.bytes / this.cache.size : 0;
    const fitting = bytesPerSlice > 0 ? Math.floor((this.cache.capacity * 0.9) / bytesPerSlice) : AT_ONCE * 2;
    return Math.max(1, Math.min(fitting, MOST_PREFETCHED));
  }

  /** Aborts the least wanted request if the slice to show would have to queue. */
  private freeConnection(): void {
    const [first] = this.wanted;
    if (!first || this.cache.has(first) || this.running.has(first) || this.running.size < AT_ONCE) return;
    const least = [...this.running.keys()].sort((a, b) => this.wanted.indexOf(b) - this.wanted.indexOf(a))[0];
    this.running.get(least)?.abort();
    this.running.delete(least);
  }

  private fill(): void {
    while (this.running.size < AT_ONCE) {
      const next = this.queue.find(({ key }) => !this.cache.has(key) && !this.running.has(key) && !this.failed.has(key));
      if (!next) return;
      void this.load(next.key, next.volume, next.plane, next.index);
    }
  }

  private async load(key: string, volume: number, plane: Plane, index: number): Promise<void> {
    const controller = new AbortController();
    this.running.set(key, controller);
    try {
      const slice = await this.fetch(volume, plane, index, controller.signal);
      this.cache.set(key, slice, slice.values.byteLength);
    } catch (error) {
      if (!isAbort(error)) this.failed.set(key, error);
    }
    if (this.running.get(key) === controller) this.running.delete(key);
    this.changed(key);
    // The size of the loaded slice decides how many fit, and so how far to prefetch.
    if (this.cursor && key === SliceLoader.key(this.cursor) && this.cache.has(key)) this.want(this.cursor);
    else this.fill();
  }
}
