/** A volume that is too large for the tab: the server cuts its planes, and only slices around what is looked at are here. */

import type { Slice } from "@/api/slices";
import type { ByteCache } from "@/core/byteCache";
import type { Affine, Vector } from "@/core/geometry";
import { everyFor } from "@/core/thinning";
import { neededSlices, onlySlice } from "@/scene/neededSlices";
import { pictureKey } from "@/scene/pictureKey";
import { sizeOfPlane } from "@/scene/serverPicture";
import type { SliceCache } from "@/scene/sliceCache";
import { SliceQueue } from "@/scene/sliceQueue";
import { Subscribers } from "@/scene/subscribers";
import type { Demand, PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { planePicture } from "@/scene/worker/planePictures";

const draftKey = (key: string): string => `${key} thinned`;

export interface ServerVolumeParts {
  /** Slices and recent pictures of all such volumes. */
  readonly slices: SliceCache;
  readonly pictures: ByteCache<PlanePicture>;
  readonly fetchSlice: (slice: number, signal: AbortSignal) => Promise<Slice>;
  readonly fromServer: (request: PlaneRequest, signal: AbortSignal) => Promise<PlanePicture>;
  /** One of so many rows and columns of a plane; absent if no pixel may be left out. */
  readonly thinned?: (request: PlaneRequest, every: number, signal: AbortSignal) => Promise<PlanePicture>;
  readonly schedule?: (task: () => void) => void;
}

/** While one moves through planes: how many pixels a picture of voxels may have, and how many it is thinned to otherwise. */
const VOXELS = { most: 2 ** 20, thinned: 2 ** 18 };
/** Likewise of samples between voxels, each of which costs the server more: of a plane, and of all planes of a slab. */
const SAMPLES = { most: 2 ** 17, thinned: 2 ** 14 };
const SLABS = { most: 2 ** 17, thinned: 2 ** 16 };
/** All pixels are fetched of a plane after this time without a request for another one of its kind. */
const REST_MS = 60;

export class ServerVolume implements VolumeSource {
  readonly inTab = false;
  private readonly queue: SliceQueue;
  private readonly subscribers: Subscribers;
  /** By kind of plane: the pictures that were asked for since one has last rested. */
  private readonly moving = new Map<string, { readonly keys: Set<string>; readonly timer: ReturnType<typeof setTimeout> }>();
  /** Pictures to be fetched with all their pixels. */
  private readonly rested = new Set<string>();
  /** By key: pictures that were asked for ahead and are on their way. */
  private readonly coming = new Map<string, Promise<PlanePicture>>();

  constructor(
    readonly key: string,
    private readonly facts: { readonly affine: Affine | null; readonly shape: readonly number[] },
    private readonly parts: ServerVolumeParts,
  ) {
    this.subscribers = new Subscribers(parts.schedule);
    this.queue = new SliceQueue(key, facts.shape[0], parts.slices, parts.fetchSlice, () => this.subscribers.notify());
  }

  get loaded(): Uint8Array {
    return this.queue.flags;
  }

  get loadedCount(): number {
    return this.queue.loadedCount;
  }

  close(): void {
    for (const { timer } of this.moving.values()) clearTimeout(timer);
    this.queue.close();
  }

  subscribe(listener: () => void): () => void {
    return this.subscribers.add(listener);
  }

  recent(request: PlaneRequest): PlanePicture | undefined {
    const key = pictureKey(this.key, request);
    return this.parts.pictures.get(key) ?? this.parts.pictures.get(draftKey(key));
  }

  settled(request: PlaneRequest): boolean {
    const slice = this.sliceOf(request);
    if (slice !== null) return this.queue.has(slice) || this.queue.hasFailed(slice);
    return this.recent(request) !== undefined;
  }

  async picture(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    const key = pictureKey(this.key, request);
    const kept = this.parts.pictures.get(key);
    if (kept) return kept;
    const slice = this.sliceOf(request);
    if (slice !== null) return this.keep(key, await this.sliceAs(request, slice, signal));
    const every = this.everyOf(request);
    if (every > 1 && !this.rested.delete(key)) return this.draft(request, every, signal);
    return this.keep(key, await this.served(request, 1, signal));
  }

  /** The page fetches while the views are made, which keeps it from everything else. */
  async ahead(request: PlaneRequest): Promise<void> {
    const { signal } = new AbortController();
    const slice = this.sliceOf(request);
    // A failure is met again, and told, by the view.
    if (slice !== null) {
      await this.queue.get(slice, signal).catch(() => undefined);
      return;
    }
    const every = this.everyOf(request);
    const key = this.keyOf(request, every);
    if (this.recent(request) || this.coming.has(key)) return;
    const picture = this.served(request, every, signal);
    this.coming.set(key, picture);
    await picture.then(
      (got) => this.keep(key, got),
      () => undefined,
    );
    this.coming.delete(key);
  }

  async voxel(index: Vector, signal: AbortSignal): Promise<readonly number[] | null> {
    if (!index.every((at, axis) => Number.isInteger(at) && at >= 0 && at < this.facts.shape[axis])) return null;
    const { values, columns, samples } = await this.queue.get(index[0], signal);
    const start = (index[1] * columns + index[2]) * samples;
    return Array.from(values.subarray(start, start + samples));
  }

  demand(demand: Demand): void {
    this.queue.demand(demand);
  }

  withdraw(view: string): void {
    this.queue.withdraw(view);
  }

  retry(): void {
    this.queue.retry();
    this.subscribers.notify();
  }

  /** A picture of fewer pixels, and soon a notice that all of them may be asked for. */
  private async draft(request: PlaneRequest, every: number, signal: AbortSignal): Promise<PlanePicture> {
    this.move(request.kind === "grid" ? request.plane : request.kind, pictureKey(this.key, request));
    const key = this.keyOf(request, every);
    return this.parts.pictures.get(key) ?? this.keep(key, await this.served(request, every, signal));
  }

  /** What was asked for ahead is not asked for again, unless it fails. */
  private served(request: PlaneRequest, every: number, signal: AbortSignal): Promise<PlanePicture> {
    const { fromServer, thinned } = this.parts;
    const ask = (): Promise<PlanePicture> => (every > 1 && thinned ? thinned(request, every, signal) : fromServer(request, signal));
    return this.coming.get(this.keyOf(request, every))?.catch(ask) ?? ask();
  }

  private keyOf(request: PlaneRequest, every: number): string {
    const key = pictureKey(this.key, request);
    return every > 1 ? draftKey(key) : key;
  }

  private move(kind: string, key: string): void {
    const before = this.moving.get(kind);
    clearTimeout(before?.timer);
    const keys = new Set(before?.keys).add(key);
    const timer = setTimeout(() => {
      this.moving.delete(kind);
      this.rested.clear();
      for (const each of keys) this.rested.add(each);
      this.subscribers.notify();
    }, REST_MS);
    this.moving.set(kind, { keys, timer });
  }

  private keep(key: string, picture: PlanePicture): PlanePicture {
    this.parts.pictures.set(key, picture, picture.values.byteLength);
    return picture;
  }

  private everyOf(request: PlaneRequest): number {
    if (!this.parts.thinned) return 1;
    const { rows, columns } = sizeOfPlane(this.facts, request);
    const depth = request.kind === "cut" ? request.slab?.depth : request.slab?.planes;
    const pixels = rows * columns * (depth ?? 1);
    const { most, thinned } = depth ? SLABS : request.kind === "grid" ? VOXELS : SAMPLES;
    return pixels > most ? everyFor(pixels, thinned) : 1;
  }

  /** The slice whose voxels a plane shows; null for planes that the server cuts. */
  private sliceOf(request: PlaneRequest): number | null {
    return request.kind === "grid" ? onlySlice(neededSlices(request, this.facts)) : null;
  }

  /** An acquired slice, turned as its plane is. */
  private async sliceAs(request: PlaneRequest, number: number, signal: AbortSignal): Promise<PlanePicture> {
    const slice = await this.queue.get(number, signal);
    if (request.kind === "grid" && request.plane !== "acquired") {
      const one = { values: slice.values, shape: [1, slice.rows, slice.columns], samples: slice.samples };
      return planePicture(one, this.facts.affine, { kind: "grid", plane: request.plane, index: 0 });
    }
    return { ...slice, missing: 0 };
  }
}
