/** A volume that is too large for the tab: the server cuts its planes, and only slices around what is looked at are here. */

import type { Slice } from "@/api/slices";
import type { ByteCache } from "@/core/byteCache";
import type { Affine, Vector } from "@/core/geometry";
import { everyFor } from "@/core/thinning";
import { neededSlices, onlySlice } from "@/scene/neededSlices";
import { pictureKey } from "@/scene/pictureKey";
import { sizeOfPlane } from "@/scene/serverPicture";
import { SliceQueue } from "@/scene/sliceQueue";
import { Subscribers } from "@/scene/subscribers";
import type { Demand, PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { planePicture } from "@/scene/worker/planePictures";

const thinnedKey = (key: string): string => `${key} thinned`;

export interface ServerVolumeParts {
  /** Slices and recent pictures of all such volumes. */
  readonly slices: ByteCache<Slice>;
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
  private readonly flags: Uint8Array;
  private count = 0;
  private changed = false;
  private readonly queue: SliceQueue;
  private readonly subscribers: Subscribers;
  /** By kind of plane: the pictures that were asked for since one has last rested. */
  private readonly moving = new Map<string, { readonly keys: Set<string>; readonly timer: ReturnType<typeof setTimeout> }>();
  /** Pictures to be fetched with all their pixels. */
  private readonly rested = new Set<string>();

  constructor(
    readonly key: string,
    private readonly facts: { readonly affine: Affine | null; readonly shape: readonly number[] },
    private readonly parts: ServerVolumeParts,
  ) {
    this.flags = new Uint8Array(facts.shape[0]);
    this.subscribers = new Subscribers(parts.schedule);
    this.queue = new SliceQueue(key, facts.shape[0], parts.slices, parts.fetchSlice, () => {
      this.changed = true;
      this.subscribers.notify();
    });
  }

  get loaded(): Uint8Array {
    this.look();
    return this.flags;
  }

  get loadedCount(): number {
    this.look();
    return this.count;
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
    return this.parts.pictures.get(key) ?? this.parts.pictures.get(thinnedKey(key));
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
    const { thinned } = this.parts;
    const every = slice === null && thinned ? this.everyOf(request) : 1;
    if (thinned && every > 1 && !this.rested.delete(key)) return this.thinned(thinned, request, every, signal);
    return this.keep(key, slice === null ? await this.parts.fromServer(request, signal) : await this.sliceAs(request, slice, signal));
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
  private async thinned(ask: NonNullable<ServerVolumeParts["thinned"]>, request: PlaneRequest, every: number, signal: AbortSignal): Promise<PlanePicture> {
    const key = pictureKey(this.key, request);
    this.move(request.kind === "grid" ? request.plane : request.kind, key);
    return this.parts.pictures.get(thinnedKey(key)) ?? this.keep(thinnedKey(key), await ask(request, every, signal));
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

  /** Slices come, and go when the cache is full. */
  private look(): void {
    if (!this.changed) return;
    this.changed = false;
    this.count = 0;
    for (let slice = 0; slice < this.flags.length; slice += 1) {
      this.flags[slice] = this.queue.has(slice) ? 1 : 0;
      this.count += this.flags[slice];
    }
  }
}
