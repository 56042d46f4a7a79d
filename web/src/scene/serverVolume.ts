/** A volume that is too large for the tab: the server cuts its planes, and only slices around what is looked at are here. */

import type { Slice } from "@/api/slices";
import type { ByteCache } from "@/core/byteCache";
import type { Affine, Vector } from "@/core/geometry";
import { neededSlices, onlySlice } from "@/scene/neededSlices";
import { pictureKey } from "@/scene/pictureKey";
import { SliceQueue } from "@/scene/sliceQueue";
import { Subscribers } from "@/scene/subscribers";
import type { Demand, PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { planePicture } from "@/scene/worker/planePictures";

export interface ServerVolumeParts {
  /** Slices and recent pictures of all such volumes. */
  readonly slices: ByteCache<Slice>;
  readonly pictures: ByteCache<PlanePicture>;
  readonly fetchSlice: (slice: number, signal: AbortSignal) => Promise<Slice>;
  readonly fromServer: (request: PlaneRequest, signal: AbortSignal) => Promise<PlanePicture>;
  readonly schedule?: (task: () => void) => void;
}

export class ServerVolume implements VolumeSource {
  readonly inTab = false;
  private readonly flags: Uint8Array;
  private count = 0;
  private changed = false;
  private readonly queue: SliceQueue;
  private readonly subscribers: Subscribers;

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
    this.queue.close();
  }

  subscribe(listener: () => void): () => void {
    return this.subscribers.add(listener);
  }

  recent(request: PlaneRequest): PlanePicture | undefined {
    return this.parts.pictures.get(pictureKey(this.key, request));
  }

  settled(request: PlaneRequest): boolean {
    const slice = this.sliceOf(request);
    return (slice !== null && (this.queue.has(slice) || this.queue.hasFailed(slice))) || this.parts.pictures.has(pictureKey(this.key, request));
  }

  async picture(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    const kept = this.recent(request);
    if (kept) return kept;
    const slice = this.sliceOf(request);
    const picture = slice === null ? await this.parts.fromServer(request, signal) : await this.sliceAs(request, slice, signal);
    this.parts.pictures.set(pictureKey(this.key, request), picture, picture.values.byteLength);
    return picture;
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
