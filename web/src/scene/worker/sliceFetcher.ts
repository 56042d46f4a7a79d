/** Fetches the slices of all volumes of the tab, a few requests at a time, in the order in which they will be looked at. */

import { AnswerError } from "@/api/answers";
import { isAbort, problemFrom, ServerProblem } from "@/api/http";
import { chunksOf, type FetchFunction, isLabels, openSlice, openSlices, type ValuesAddress } from "@/api/volumeBytes";
import { nextBlock, type Block, type Wish } from "@/scene/worker/fetchOrder";
import type { SliceWriter, StoredValues } from "@/scene/worker/storedValues";

/** A volume whose slices are fetched. */
export interface FetchedVolume {
  readonly key: string;
  readonly address: ValuesAddress;
  readonly stored: StoredValues;
}

export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls `task` after some milliseconds. Returns the function that prevents it. */
  after(milliseconds: number, task: () => void): () => void;
}

export interface FetchEvents {
  arrived(key: string, slices: readonly number[]): void;
  failed(key: string, problem: ServerProblem | AnswerError): void;
}

/** Requests of several slices at a time. */
const BLOCKS_AT_ONCE = 3;
/** Requests of single slices that are being looked at, beside the blocks. A browser has six connections to one server. */
const SINGLES_AT_ONCE = 2;
/** Larger blocks mean fewer requests; their slices are there one after the other all the same. */
const LARGEST_BLOCK = 32 * 2 ** 20;
/** The size of blocks before the speed of the connection is known. */
const FIRST_BLOCKS = 4 * 2 ** 20;
/** How long a block may take, so that what is looked at next need not wait long. */
const BLOCK_MS = 1_000;
/** A slice that arrives within this time in a running request is not asked for again; a request that ends within it is not aborted. */
const SOON_MS = 200;
/** Failures of the network and of the server are tried again after these pauses; the first is told to nobody. */
const PAUSES_MS = [300, 1_000, 3_000, 10_000, 30_000];

interface Running {
  readonly task: Task;
  readonly first: number;
  readonly last: number;
  readonly single: boolean;
  readonly controller: AbortController;
  /** Absent until the answer begins. */
  writer?: SliceWriter;
}

/** A volume with what is wanted of it. */
interface Task {
  readonly volume: FetchedVolume;
  /** How many waiting pictures need a slice. */
  readonly needs: Map<number, number>;
  /** The server answers Range requests with all slices. */
  rangeless: boolean;
  failures: number;
  /** Nothing is fetched until it is tried again. */
  stalled: boolean;
  problem: ServerProblem | AnswerError | null;
  cancelRetry: (() => void) | null;
}

export class SliceFetcher {
  private readonly tasks = new Map<string, Task>();
  private readonly running = new Set<Running>();
  /** What the views show, the view used last first. */
  private wishes: { readonly key: string; readonly view: string; readonly wish: Wish }[] = [];
  /** Bytes per millisecond of one request. */
  private rate: number | null = null;

  constructor(
    private readonly fetch: FetchFunction,
    private readonly clock: Clock,
    private readonly events: FetchEvents,
  ) {}

  add(volume: FetchedVolume): void {
    this.tasks.set(volume.key, { volume, needs: new Map(), rangeless: false, failures: 0, stalled: false, problem: null, cancelRetry: null });
  }

  remove(key: string): void {
    this.tasks.get(key)?.cancelRetry?.();
    this.tasks.delete(key);
    this.wishes = this.wishes.filter((wish) => wish.key !== key);
    this.abortWhere(({ task }) => task.volume.key === key);
    this.fill();
  }

  demand(key: string, view: string, wish: Wish): void {
    this.wishes = [{ key, view, wish }, ...this.wishes.filter((other) => other.key !== key || other.view !== view)];
    this.fill();
  }

  /** A view no longer shows a volume; what nobody looks at is not fetched on. */
  withdraw(key: string, view: string): void {
    this.wishes = this.wishes.filter((wish) => wish.key !== key || wish.view !== view);
    this.abortWhere(({ task }) => task.needs.size === 0 && !this.wishes.some((wish) => wish.key === task.volume.key));
    this.fill();
  }

  /** A picture waits for a slice. Returns the function to call when it no longer does. */
  need(key: string, slice: number): () => void {
    const needs = this.tasks.get(key)?.needs;
    needs?.set(slice, (needs.get(slice) ?? 0) + 1);
    this.fill();
    return () => {
      const left = (needs?.get(slice) ?? 1) - 1;
      if (left > 0) needs?.set(slice, left);
      else needs?.delete(slice);
    };
  }

  /** Why the volume's missing slices do not arrive; null if they are expected. */
  problemOf(key: string): ServerProblem | AnswerError | null {
    const task = this.tasks.get(key);
    return task?.stalled ? task.problem : null;
  }

  retry(key: string): void {
    const task = this.tasks.get(key);
    if (!task) return;
    task.cancelRetry?.();
    Object.assign(task, { failures: 0, stalled: false, problem: null, cancelRetry: null });
    this.fill();
  }

  private fill(): void {
    this.fetchSingles();
    // The first picture of a volume is fetched alone.
    for (const { task, single } of this.running) if (single && !task.volume.stored.loaded.includes(1)) return;
    for (let blocks = this.count(false); blocks < BLOCKS_AT_ONCE; blocks += 1) {
      const next = this.bestBlock();
      if (!next) return;
      this.start(next.task, next.block.first, next.block.last, false);
    }
  }

  /** Asks at once for the slices that are looked at. */
  private fetchSingles(): void {
    const urgent = this.urgentSlices();
    for (const { task, slice } of urgent) {
      if (this.arrivesSoon(task, slice)) continue;
      if (this.count(true) >= SINGLES_AT_ONCE) {
        const isUrgent = (one: Running): boolean => urgent.some((other) => other.task === one.task && other.slice === one.first);
        const useless = [...this.running].find((one) => one.single && !isUrgent(one));
        if (!useless) return;
        this.abort(useless);
      }
      // On a slow connection blocks would keep the slice waiting; the slices that they brought stay.
      this.abortWhere((one) => !one.single && this.rate !== null && this.millisecondsTo(one, one.last) > SOON_MS * 2);
      this.start(task, slice, slice, true);
    }
  }

  private urgentSlices(): { task: Task; slice: number }[] {
    const urgent: { task: Task; slice: number }[] = [];
    const add = (task: Task | undefined, slice: number): void => {
      if (!task || task.stalled || task.volume.stored.loaded[slice] !== 0) return;
      if (!urgent.some((other) => other.task === task && other.slice === slice)) urgent.push({ task, slice });
    };
    for (const task of this.tasks.values()) for (const slice of task.needs.keys()) add(task, slice);
    for (const { key, wish } of this.wishes) {
      const task = this.tasks.get(key);
      // A plane across the slices needs no slice before the others, but for the first sign of life.
      if (!wish.crossing || !task?.volume.stored.loaded.includes(1)) add(task, wish.slice);
    }
    return urgent;
  }

  private arrivesSoon(task: Task, slice: number): boolean {
    for (const one of this.running) {
      if (one.task !== task || slice < one.first || slice > one.last) continue;
      if (one.single || this.millisecondsTo(one, slice) < SOON_MS) return true;
    }
    return false;
  }

  /** How long a running request takes to the end of a slice, as far as the connection's speed is known. */
  private millisecondsTo(one: Running, slice: number): number {
    const bytes = one.writer?.bytesUntilEndOf(slice) ?? (slice + 1 - one.first) * one.task.volume.stored.sliceBytes;
    return this.rate === null ? Infinity : bytes / this.rate;
  }

  private bestBlock(): { task: Task; block: Block } | null {
    let best: { task: Task; block: Block } | null = null;
    for (const task of this.tasks.values()) {
      const wishes = this.wishes.flatMap(({ key, wish }, age) => (key === task.volume.key ? [{ wish, age }] : []));
      if (task.stalled || wishes.length === 0) continue;
      const block = this.blockOf(task, wishes);
      if (block && (best === null || block.cost < best.block.cost)) best = { task, block };
    }
    return best;
  }

  private blockOf(task: Task, wishes: readonly { wish: Wish; age: number }[]): Block | null {
    const { loaded, sliceBytes } = task.volume.stored;
    const own = [...this.running].filter((one) => one.task === task);
    if (task.rangeless) {
      const whole = own.some((one) => !one.single) || !loaded.includes(0);
      return whole ? null : { first: 0, last: loaded.length - 1, cost: 1 };
    }
    const missing = (slice: number): boolean => loaded[slice] === 0 && !own.some(({ first, last }) => slice >= first && slice <= last);
    // Label maps are so small on their way that a few requests bring all of it.
    const usual = this.rate === null ? FIRST_BLOCKS : Math.min(LARGEST_BLOCK, this.rate * BLOCK_MS);
    const bytes = isLabels(task.volume.address) ? LARGEST_BLOCK : usual;
    return nextBlock(wishes, loaded.length, missing, Math.max(1, Math.floor(bytes / sliceBytes)));
  }

  private start(task: Task, first: number, last: number, single: boolean): void {
    const one: Running = { task, first, last, single, controller: new AbortController() };
    this.running.add(one);
    void this.run(one);
  }

  private async run(one: Running): Promise<void> {
    const { task, controller } = one;
    try {
      await this.receive(one);
      Object.assign(task, { failures: 0, problem: null });
    } catch (error) {
      // A request that was aborted has left the set already.
      if (this.running.has(one) && !isAbort(error)) this.fail(task, error);
      controller.abort();
    }
    this.running.delete(one);
    this.fill();
  }

  private async receive(one: Running): Promise<void> {
    const { task, first, last, single, controller } = one;
    const { address, stored, key } = task.volume;
    const { signal } = controller;
    const start = this.clock.now();
    const stream = single
      ? await openSlice(address, first, signal, this.fetch)
      : await openSlices(address, [first, last], stored.sliceBytes, signal, this.fetch);
    if (stream.first !== first || stream.last !== last) this.useOneStream(one);
    const writer = stored.writer(stream.first, stream.last);
    one.writer = writer;
    let bytes = 0;
    for await (const chunk of chunksOf(stream.body)) {
      if (!this.running.has(one)) return;
      bytes += chunk.length;
      const completed = writer.write(chunk);
      if (completed.length > 0) this.events.arrived(key, completed);
    }
    writer.finish();
    if (!isLabels(address)) this.measure(bytes, this.clock.now() - start);
  }

  /** All slices come by this request: others would bring them twice. */
  private useOneStream(one: Running): void {
    one.task.rangeless = true;
    this.abortWhere((other) => other !== one && other.task === one.task && !other.single);
  }

  private measure(bytes: number, milliseconds: number): void {
    const rate = bytes / Math.max(1, milliseconds);
    this.rate = this.rate === null ? rate : this.rate * 0.7 + rate * 0.3;
  }

  private fail(task: Task, error: unknown): void {
    const problem = error instanceof ServerProblem || error instanceof AnswerError ? error : problemFrom(0, "");
    const passes = problem instanceof ServerProblem && (problem.status === 0 || problem.status === 429 || problem.status >= 500);
    task.stalled = true;
    this.abortWhere((one) => one.task === task);
    if (passes) {
      const pause = PAUSES_MS[Math.min(task.failures, PAUSES_MS.length - 1)];
      task.cancelRetry?.();
      task.cancelRetry = this.clock.after(pause, () => {
        task.stalled = false;
        this.fill();
      });
    }
    task.failures += 1;
    if (passes && task.failures === 1) return;
    task.problem = problem;
    this.events.failed(task.volume.key, problem);
  }

  private count(single: boolean): number {
    return [...this.running].filter((one) => one.single === single).length;
  }

  private abortWhere(condition: (one: Running) => boolean): void {
    for (const one of this.running) if (condition(one)) this.abort(one);
  }

  private abort(one: Running): void {
    this.running.delete(one);
    one.controller.abort();
  }
}
