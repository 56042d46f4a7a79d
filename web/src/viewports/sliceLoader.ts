import { isAbort } from "@/api/http";
import type { Slice } from "@/api/slices";
import type { Plane } from "@/core/geometry";
import { ByteCache, prefetchOrder } from "@/core/prefetch";

export interface Position {
  readonly volume: number;
  readonly plane: Plane;
  readonly index: number;
  readonly count: number;
  readonly direction: -1 | 0 | 1;
  /** True while playing, which goes on from the last slice to the first. */
  readonly around?: boolean;
}

type Fetch = (volume: number, plane: Plane, index: number, signal: AbortSignal) => Promise<Slice>;

const AT_ONCE = 4;
const CAPACITY = 192 * 2 ** 20;
/** No further than this from the position, however much room there is. */
const AROUND = 160;

const keyOf = (volume: number, plane: Plane, index: number): string => `${volume}/${plane}/${index}`;

/**
 * Fetches the slice asked for, and then its neighbours in both directions.
 *
 * A few requests at a time; moving on drops those no longer wanted, and makes room for the slice that is.
 */
export class SliceLoader {
  private readonly cache: ByteCache<Slice>;
  private readonly running = new Map<string, AbortController>();
  private readonly failed = new Map<string, unknown>();
  private position: Position | null = null;
  private wanted: string[] = [];
  private queue: { key: string; volume: number; plane: Plane; index: number }[] = [];

  constructor(
    private readonly fetch: Fetch,
    /** Called whenever a slice has come, or has failed. */
    private readonly changed: (key: string) => void,
    capacity = CAPACITY,
  ) {
    this.cache = new ByteCache(capacity);
  }

  static key({ volume, plane, index }: Position): string {
    return keyOf(volume, plane, index);
  }

  get(position: Position): Slice | undefined {
    return this.cache.get(SliceLoader.key(position));
  }

  has(volume: number, plane: Plane, index: number): boolean {
    return this.cache.has(keyOf(volume, plane, index));
  }

  /** Whether asking for a slice gives an answer at once: it is here, or it cannot be had. */
  settled(volume: number, plane: Plane, index: number): boolean {
    const key = keyOf(volume, plane, index);
    return this.cache.has(key) || this.failed.has(key);
  }

  failure(position: Position): unknown {
    return this.failed.get(SliceLoader.key(position));
  }

  /** Makes this the slice to show. */
  want(position: Position): void {
    const { volume, plane, index, count, direction, around } = position;
    this.position = position;
    const order = prefetchOrder(index, count, direction, this.room(position), around);
    this.queue = order
      .map((i) => ({ key: keyOf(volume, plane, i), volume, plane, index: i }))
      .filter(({ key }) => !this.failed.has(key));
    this.wanted = this.queue.map(({ key }) => key);
    const still = new Set(this.wanted);
    for (const [key, controller] of this.running) if (!still.has(key)) controller.abort();
    this.makeWay();
    this.fill();
  }

  /** Tries again what has failed. */
  retry(position: Position): void {
    this.failed.clear();
    this.want(position);
  }

  stop(): void {
    this.position = null;
    this.queue = [];
    for (const controller of this.running.values()) controller.abort();
    this.cache.clear();
  }

  /** How many slices of this size may be held at once; the last tenth is left to what was seen before. */
  private room(position: Position): number {
    const slice = this.cache.get(SliceLoader.key(position));
    const each = slice ? slice.values.byteLength : this.cache.size > 0 ? this.cache.bytes / this.cache.size : 0;
    const fitting = each > 0 ? Math.floor((this.cache.capacity * 0.9) / each) : AT_ONCE * 2;
    return Math.max(1, Math.min(fitting, AROUND));
  }

  /** Drops the running request that matters least if the slice to show would have to queue. */
  private makeWay(): void {
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
    // The first slice tells how many fit, and so how far to look ahead.
    if (this.position && key === SliceLoader.key(this.position) && this.cache.has(key)) this.want(this.position);
    else this.fill();
  }
}
