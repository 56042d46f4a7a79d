/** Slices of a volume that is too large for the tab: those around what is looked at, in a cache of bounded size. */

import { isAbort } from "@/api/http";
import type { Slice } from "@/api/slices";
import type { SliceCache } from "@/scene/sliceCache";
import type { Demand } from "@/scene/volumeSource";
import { nextBlock } from "@/scene/worker/fetchOrder";

type FetchSlice = (slice: number, signal: AbortSignal) => Promise<Slice>;

interface Waiter {
  readonly slice: number;
  readonly give: (slice: Slice) => void;
  readonly fail: (error: unknown) => void;
}

/** The most requests at a time. */
const AT_ONCE = 4;
/** The part of the cache that is filled ahead; the rest keeps slices seen before. */
const PART_AHEAD = 0.75;

export class SliceQueue {
  private readonly running = new Map<number, AbortController>();
  private readonly failed = new Map<number, unknown>();
  private readonly waiters = new Set<Waiter>();
  private readonly loaded: ReturnType<SliceCache["loadedOf"]>;
  /** The view used last first. */
  private demands: Demand[] = [];

  constructor(
    private readonly source: string,
    private readonly count: number,
    private readonly cache: SliceCache,
    private readonly fetch: FetchSlice,
    /** Called when a slice is loaded or has failed. */
    private readonly changed: () => void,
  ) {
    this.loaded = cache.loadedOf(source, count);
  }

  /** 1 for each slice that is in the cache. */
  get flags(): Uint8Array {
    return this.loaded.flags;
  }

  get loadedCount(): number {
    return this.loaded.count;
  }

  has(slice: number): boolean {
    return this.loaded.flags[slice] === 1;
  }

  hasFailed(slice: number): boolean {
    return this.failed.has(slice);
  }

  /** The slice, which is fetched before all others if it is not there. */
  get(slice: number, signal: AbortSignal): Promise<Slice> {
    const kept = this.cache.get(this.source, slice);
    if (kept) return Promise.resolve(kept);
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(error instanceof Error ? error : new Error("The slice could not be loaded."));
      const waiter = { slice, give: resolve, fail };
      if (signal.aborted || this.failed.has(slice)) {
        fail(this.failed.get(slice) ?? new DOMException("", "AbortError"));
        return;
      }
      this.waiters.add(waiter);
      signal.addEventListener(
        "abort",
        () => {
          this.waiters.delete(waiter);
          fail(new DOMException("", "AbortError"));
        },
        { once: true },
      );
      this.fill();
    });
  }

  demand(demand: Demand): void {
    this.demands = [demand, ...this.demands.filter(({ view }) => view !== demand.view)];
    this.fill();
  }

  withdraw(view: string): void {
    this.demands = this.demands.filter((demand) => demand.view !== view);
    this.fill();
  }

  /** Tries failed slices again. */
  retry(): void {
    this.failed.clear();
    this.fill();
  }

  close(): void {
    this.demands = [];
    for (const slice of [...this.running.keys()]) this.abort(slice);
  }

  private fill(): void {
    const wanted = this.wanted();
    const needed = new Set([...this.waiters].map(({ slice }) => slice));
    for (const slice of [...this.running.keys()]) if (!needed.has(slice) && !wanted.includes(slice)) this.abort(slice);
    for (const slice of needed) {
      if (this.running.has(slice)) continue;
      // What is ahead gives way, the farthest first, to what is looked at.
      const ahead = [...this.running.keys()].filter((other) => !needed.has(other));
      const farthest = ahead.sort((a, b) => wanted.indexOf(b) - wanted.indexOf(a)).at(0);
      if (this.running.size >= AT_ONCE && farthest !== undefined) this.abort(farthest);
      if (this.running.size < AT_ONCE) void this.load(slice);
    }
    for (const slice of wanted) {
      // The first picture of a volume is fetched alone.
      if (this.running.size >= (this.loaded.count === 0 ? 1 : AT_ONCE)) return;
      if (!this.running.has(slice)) void this.load(slice);
    }
  }

  /** The missing slices to fetch ahead, in order: a few more than can be under way. */
  private wanted(): number[] {
    const wishes = this.demands.flatMap((wish, age) => (wish.crossing ? [] : [{ wish, age }]));
    const wanted: number[] = [];
    const missing = (slice: number): boolean => !this.has(slice) && !this.failed.has(slice) && !wanted.includes(slice);
    const farthest = this.farthest();
    while (wanted.length < AT_ONCE * 2) {
      const next = nextBlock(wishes, this.count, missing, 1);
      if (!next || next.cost > farthest) break;
      wanted.push(next.first);
    }
    return wanted;
  }

  /** How far ahead of a view slices are fetched, so that they do not push each other out of the cache. */
  private farthest(): number {
    if (this.cache.size === 0) return AT_ONCE;
    const bytesPerSlice = this.cache.bytes / this.cache.size;
    return (this.cache.capacity * PART_AHEAD) / bytesPerSlice / 2;
  }

  private async load(slice: number): Promise<void> {
    const controller = new AbortController();
    this.running.set(slice, controller);
    try {
      const loaded = await this.fetch(slice, controller.signal);
      this.cache.set(this.source, slice, loaded);
      this.settle(slice, ({ give }) => give(loaded));
    } catch (error) {
      if (!isAbort(error)) {
        this.failed.set(slice, error);
        this.settle(slice, ({ fail }) => fail(error));
      }
    }
    if (this.running.get(slice) === controller) this.running.delete(slice);
    this.changed();
    this.fill();
  }

  private settle(slice: number, how: (waiter: Waiter) => void): void {
    for (const waiter of [...this.waiters]) {
      if (waiter.slice !== slice) continue;
      this.waiters.delete(waiter);
      how(waiter);
    }
  }

  private abort(slice: number): void {
    this.running.get(slice)?.abort();
    this.running.delete(slice);
  }
}
