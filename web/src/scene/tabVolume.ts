/** A volume whose values are in the tab: in the worker, which fetches them and cuts planes through them. */

import { isAbort, ServerProblem } from "@/api/http";
import type { ByteCache } from "@/core/byteCache";
import type { Vector } from "@/core/geometry";
import { missingOf, neededSlices, onlySlice, type SliceRange } from "@/scene/neededSlices";
import { pictureKey } from "@/scene/pictureKey";
import { Subscribers } from "@/scene/subscribers";
import type { Demand, PlanePicture, PlaneRequest, VolumeSource, VoxelCounter } from "@/scene/volumeSource";
import { problemOfRecord, type OpenedVolume } from "@/scene/worker/protocol";
import type { VolumeNews, WorkerLink } from "@/scene/worker/workerLink";

export interface TabVolumeParts {
  readonly link: WorkerLink;
  /** Recent pictures of all volumes. */
  readonly pictures: ByteCache<PlanePicture>;
  /** Has the server cut a plane. */
  readonly fromServer: (request: PlaneRequest, signal: AbortSignal) => Promise<PlanePicture>;
  /** What takes this volume's place if the browser has no memory for it. */
  readonly substitute: () => VolumeSource;
  /** Called with a problem of the slices' requests, whose answers the page has not seen. */
  readonly onProblem: (problem: ServerProblem) => void;
  readonly schedule?: (task: () => void) => void;
}

/** While slices are stepped through, so many pictures are cut before they are asked for. */
const AHEAD = 2;

export class TabVolume implements VolumeSource {
  private readonly flags: Uint8Array;
  private count = 0;
  private problem: ServerProblem | null = null;
  private readonly subscribers: Subscribers;
  private readonly demands = new Map<string, Demand>();
  /** Waits for slices, told at once when some arrived. */
  private readonly waiting = new Set<() => void>();
  private readonly cutAhead = new Set<string>();
  private readonly stopListening: () => void;
  private replacement: VolumeSource | null = null;
  /** The first picture, while the page itself fetches it. */
  private first: { readonly key: string; readonly picture: Promise<PlanePicture> } | null = null;
  private readonly ownCounter: VoxelCounter = {
    histogram: (request, signal) => this.parts.link.histogram(this.key, request, signal),
    piece: (request, signal) => this.parts.link.piece(this.key, request, signal),
    segment: (request, signal) => this.parts.link.segment(this.key, request, signal),
  };

  constructor(
    readonly key: string,
    private readonly facts: OpenedVolume,
    private readonly parts: TabVolumeParts,
  ) {
    this.flags = new Uint8Array(facts.shape[0]);
    this.subscribers = new Subscribers(parts.schedule);
    this.stopListening = parts.link.listen(key, (news) => this.hear(news));
    parts.link.tell({ kind: "open", key, volume: facts });
  }

  get inTab(): boolean {
    return this.replacement === null;
  }

  get counter(): VoxelCounter | undefined {
    return this.replacement ? undefined : this.ownCounter;
  }

  get loaded(): Uint8Array {
    return this.replacement?.loaded ?? this.flags;
  }

  get loadedCount(): number {
    return this.replacement?.loadedCount ?? this.count;
  }

  /** The volume is no longer kept. */
  close(): void {
    this.stopListening();
    this.parts.link.tell({ kind: "close", key: this.key });
  }

  subscribe(listener: () => void): () => void {
    return this.subscribers.add(listener);
  }

  recent(request: PlaneRequest): PlanePicture | undefined {
    return this.replacement ? this.replacement.recent(request) : this.parts.pictures.get(pictureKey(this.key, request));
  }

  settled(request: PlaneRequest): boolean {
    if (this.replacement) return this.replacement.settled(request);
    const range = neededSlices(request, this.facts);
    const failed = this.problem !== null && onlySlice(range) !== null;
    return failed || missingOf(range, this.flags) === 0 || this.parts.pictures.has(pictureKey(this.key, request));
  }

  async picture(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    if (this.replacement) return this.replacement.picture(request, signal);
    const kept = this.recent(request);
    if (kept) return kept;
    const range = neededSlices(request, this.facts);
    const own = missingOf(range, this.flags) === 0 || onlySlice(range) !== null ? this.fromTab(request, signal) : this.fromEither(request, range, signal);
    const picture = this.first?.key === pictureKey(this.key, request) ? await Promise.race([own, this.first.picture.catch(() => own)]) : await own;
    this.lookAhead(request);
    return picture;
  }

  /**
   * The page fetches the picture itself: the worker does not begin before the page has time for it, which it has not
   * while the views are made.
   */
  async ahead(request: PlaneRequest): Promise<void> {
    if (this.replacement || this.first || this.count > 0 || this.recent(request)) return;
    const picture = this.parts.fromServer(request, new AbortController().signal);
    this.first = { key: pictureKey(this.key, request), picture };
    try {
      this.keep(request, await picture);
    } catch {
      // The worker meets the same, and tells it.
    }
    this.first = null;
  }

  voxel(index: Vector, signal: AbortSignal): Promise<readonly number[] | null> {
    return this.replacement ? this.replacement.voxel(index, signal) : this.parts.link.voxel(this.key, index, signal);
  }

  demand(demand: Demand): void {
    this.demands.set(demand.view, demand);
    if (this.replacement) this.replacement.demand(demand);
    else this.parts.link.tell({ kind: "demand", key: this.key, demand: { ...demand } });
  }

  withdraw(view: string): void {
    this.demands.delete(view);
    if (this.replacement) this.replacement.withdraw(view);
    else this.parts.link.tell({ kind: "withdraw", key: this.key, view });
  }

  retry(): void {
    this.problem = null;
    if (this.replacement) this.replacement.retry();
    else this.parts.link.tell({ kind: "retry", key: this.key });
    this.subscribers.notify();
  }

  private async fromTab(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    let picture: PlanePicture;
    try {
      picture = await this.parts.link.picture(this.key, request, signal);
    } catch (error) {
      if (this.replacement && !isAbort(error)) return this.replacement.picture(request, signal);
      throw error;
    }
    this.keep(request, picture);
    return picture;
  }

  /** The server's picture or the tab's, whichever can be had whole first; the tab's unfinished one if the server fails. */
  private async fromEither(request: PlaneRequest, range: SliceRange, signal: AbortSignal): Promise<PlanePicture> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      const server = this.parts.fromServer(request, ending.signal);
      const tab = this.arrival(range, ending.signal).then(() => this.fromTab(request, ending.signal));
      tab.catch(() => undefined);
      const picture = await Promise.race([server, tab]);
      this.keep(request, picture);
      return picture;
    } catch (error) {
      if (isAbort(error) || (error instanceof ServerProblem && error.status === 401)) throw error;
      return await this.fromTab(request, signal);
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  /** Resolves when all slices of a range are there. */
  private arrival(range: SliceRange, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (missingOf(range, this.flags) > 0) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      signal.addEventListener("abort", () => this.waiting.delete(look), { once: true });
      look();
    });
  }

  private keep(request: PlaneRequest, picture: PlanePicture): void {
    if (picture.missing === 0) this.parts.pictures.set(pictureKey(this.key, request), picture, picture.values.byteLength);
  }

  /** Cuts the next pictures while a view steps through the slices. */
  private lookAhead(request: PlaneRequest): void {
    if (request.kind !== "grid" || request.slab) return;
    const slice = onlySlice(neededSlices(request, this.facts));
    const step = [...this.demands.values()].find((demand) => demand.slice === slice && demand.direction !== 0);
    if (slice === null || !step) return;
    const backwards = onlySlice(neededSlices({ ...request, index: request.index + 1 }, this.facts)) === slice - 1;
    for (let steps = 1; steps <= AHEAD; steps += 1) {
      const next = { ...request, index: request.index + step.direction * steps * (backwards ? -1 : 1) };
      const key = pictureKey(this.key, next);
      const ahead = onlySlice(neededSlices(next, this.facts));
      if (ahead === null || !this.flags[ahead] || this.cutAhead.has(key) || this.parts.pictures.has(key)) continue;
      this.cutAhead.add(key);
      const forget = (): void => void this.cutAhead.delete(key);
      this.fromTab(next, new AbortController().signal).then(forget, forget);
    }
  }

  private hear(news: VolumeNews): void {
    if (news.kind === "arrived") {
      for (const slice of news.slices) {
        this.count += this.flags[slice] ? 0 : 1;
        this.flags[slice] = 1;
      }
      this.problem = null;
      for (const look of [...this.waiting]) look();
    } else if (news.kind === "failed") {
      this.problem = problemOfRecord(news.problem);
      this.parts.onProblem(this.problem);
    } else if (news.kind === "noRoom") this.replace();
    this.subscribers.notify();
  }

  /** The server cuts all planes from now on. */
  private replace(): void {
    if (this.replacement) return;
    this.replacement = this.parts.substitute();
    this.replacement.subscribe(() => this.subscribers.notify());
    for (const demand of this.demands.values()) this.replacement.demand(demand);
  }
}
