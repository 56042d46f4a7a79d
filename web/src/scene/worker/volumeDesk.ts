/** What the worker does: holds volumes, has their slices fetched, and cuts planes through them. */

import type { AnswerError } from "@/api/answers";
import type { ServerProblem } from "@/api/http";
import type { FetchFunction } from "@/api/volumeBytes";
import type { Affine } from "@/core/geometry";
import { voxelsInSegment } from "@/core/placedLabels";
import { boxAround, type Region } from "@/core/regions";
import { noVoxels } from "@/core/voxelBits";
import { type CountedVolume, pieceAt, piecesReaching, type PaddingOfSlices, regionHistogram } from "@/core/voxelCounts";
import { missingOf, neededSlices, onlySlice, type SliceRange } from "@/scene/neededSlices";
import type { CountRequest, PieceRequest, PlaneRequest, SegmentRequest } from "@/scene/volumeSource";
import { planePicture } from "@/scene/worker/planePictures";
import { type FromWorker, problemRecord, type ToWorker, type OpenedVolume } from "@/scene/worker/protocol";
import { type Clock, SliceFetcher } from "@/scene/worker/sliceFetcher";
import { StoredValues } from "@/scene/worker/storedValues";

type Post = (message: FromWorker, transfer: Transferable[]) => void;

export interface DeskVolume {
  readonly key: string;
  readonly facts: OpenedVolume;
  readonly stored: StoredValues;
}

/** A picture, a voxel or a count that somebody waits for. */
interface Job {
  readonly id: number;
  readonly volume: DeskVolume;
  /** The slices without which there is no answer; null if what is there will do. */
  readonly slices: SliceRange;
  /** The answer with what it hands over. */
  readonly answer: () => readonly [FromWorker, Transferable[]];
  /** Ends the request for a single slice; several come in the order in which the views need them. */
  readonly release: () => void;
}

/** Arrivals are told together at this interval, the first of each at once. */
const TELL_MS = 16;

export class VolumeDesk {
  private readonly volumes = new Map<string, DeskVolume>();
  private readonly fetcher: SliceFetcher;
  private readonly jobs = new Map<number, Job>();
  private readonly arrivals = new Map<string, number[]>();
  private telling = false;
  private working = false;

  constructor(
    fetch: FetchFunction,
    private readonly clock: Clock,
    private readonly post: Post,
    /** Calls a task after the messages that have come by then. */
    private readonly later: (task: () => void) => void,
  ) {
    this.fetcher = new SliceFetcher(fetch, clock, {
      arrived: (key, slices) => this.arrived(key, slices),
      failed: (key, problem) => this.failed(key, problem),
    });
  }

  /** The values of a volume that is open; undefined for others. */
  valuesOf(key: string): DeskVolume | undefined {
    return this.volumes.get(key);
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case "open":
        this.open(message.key, message.volume);
        break;
      case "close":
        this.close(message.key);
        break;
      case "demand":
        this.fetcher.demand(message.key, message.demand.view, message.demand);
        break;
      case "withdraw":
        this.fetcher.withdraw(message.key, message.view);
        break;
      case "retry":
        this.fetcher.retry(message.key);
        break;
      case "picture":
        this.takePicture(message.key, message.id, message.request);
        break;
      case "voxel":
        this.takeVoxel(message.key, message.id, message.index);
        break;
      case "count":
        this.takeCount(message.key, message.id, message.request);
        break;
      case "piece":
        this.takePiece(message.key, message.id, message.request);
        break;
      case "segment":
        this.takeSegment(message.key, message.id, message.request);
        break;
      case "cancel":
        this.cancel(message.id);
        break;
    }
  }

  private open(key: string, facts: OpenedVolume): void {
    if (this.volumes.has(key)) return;
    let stored: StoredValues;
    try {
      stored = new StoredValues(facts.dtype, facts.shape);
    } catch {
      this.post({ kind: "noRoom", key }, []);
      return;
    }
    const volume = { key, facts, stored };
    this.volumes.set(key, volume);
    this.fetcher.add({ key, address: facts, stored });
  }

  private close(key: string): void {
    for (const job of this.jobs.values()) if (job.volume.key === key) this.cancel(job.id);
    this.arrivals.delete(key);
    this.volumes.delete(key);
    this.fetcher.remove(key);
  }

  private takePicture(key: string, id: number, request: PlaneRequest): void {
    const volume = this.volumeFor(key, id);
    if (!volume) return;
    const { affine, shape } = volume.facts;
    const slice = onlySlice(neededSlices(request, { affine, shape }));
    this.take(volume, id, slice === null ? null : [slice, slice], () => {
      // Of a slice that is looked at alone, only that one is unpacked.
      const alone = slice !== null && request.kind === "grid";
      const picture = alone
        ? planePicture(volume.stored.slice(slice), affine, { kind: "grid", plane: request.plane, index: 0 })
        : planePicture(volume.stored.sampled, affine, request);
      return [{ kind: "picture", id, picture }, [picture.values.buffer as ArrayBuffer]];
    });
  }

  private takeVoxel(key: string, id: number, index: readonly number[]): void {
    const volume = this.volumeFor(key, id);
    if (!volume) return;
    const { shape } = volume.stored;
    const [, , columns, samples = 1] = shape;
    const isInside = index.every((at, axis) => Number.isInteger(at) && at >= 0 && at < shape[axis]);
    this.take(volume, id, isInside ? [index[0], index[0]] : null, () => {
      if (!isInside) return [{ kind: "voxel", id, values: null }, []];
      const start = (index[1] * columns + index[2]) * samples;
      return [{ kind: "voxel", id, values: Array.from(volume.stored.slice(index[0]).values.subarray(start, start + samples)) }, []];
    });
  }

  private takeCount(key: string, id: number, { region, padding }: CountRequest): void {
    const volume = this.volumeFor(key, id);
    if (!volume) return;
    const { affine, shape } = volume.facts;
    this.take(volume, id, affine && slicesOf(region, affine, shape), () => {
      const histogram = affine && regionHistogram(countedVolume(volume, padding), affine, region);
      return [{ kind: "count", id, histogram }, []];
    });
  }

  private takePiece(key: string, id: number, { limits, reach, region, padding, seed }: PieceRequest): void {
    const volume = this.volumeFor(key, id);
    if (!volume) return;
    const { affine, shape } = volume.facts;
    const slices = region && affine && !reach ? slicesOf(region, affine, shape) : ([0, shape[0] - 1] as const);
    this.take(volume, id, slices, () => {
      const counted = countedVolume(volume, padding);
      const piece = reach ? piecesReaching(counted, affine, limits, reach, region, seed) : seed && pieceAt(counted, affine, limits, region, seed);
      return [{ kind: "piece", id, piece }, piece && piece.count > 0 ? [piece.bits.buffer as ArrayBuffer] : []];
    });
  }

  private takeSegment(key: string, id: number, { label, image }: SegmentRequest): void {
    const volume = this.volumeFor(key, id);
    if (!volume) return;
    const { affine, shape } = volume.facts;
    const [[first, beyond]] = label.box;
    this.take(volume, id, first < beyond ? [first, beyond - 1] : null, () => {
      const voxels = affine ? voxelsInSegment({ values: volume.stored.values, shape, affine }, label, image) : noVoxels();
      return [{ kind: "segment", id, voxels }, [voxels.bits.buffer as ArrayBuffer]];
    });
  }

  private volumeFor(key: string, id: number): DeskVolume | undefined {
    const volume = this.volumes.get(key);
    if (!volume) this.post({ kind: "refused", id, problem: problemRecord(new Error("The volume is not in the page's memory any more.")) }, []);
    return volume;
  }

  private take(volume: DeskVolume, id: number, slices: SliceRange, answer: Job["answer"]): void {
    const slice = onlySlice(slices);
    const job: Job = { id, volume, slices, answer, release: slice === null ? () => undefined : this.fetcher.need(volume.key, slice) };
    this.jobs.set(id, job);
    const problem = this.isReady(job) ? null : this.fetcher.problemOf(volume.key);
    if (problem) this.refuse(job, problem);
    else this.work();
  }

  private isReady({ slices, volume }: Job): boolean {
    return missingOf(slices, volume.stored.loaded) === 0;
  }

  private cancel(id: number): void {
    this.jobs.get(id)?.release();
    this.jobs.delete(id);
  }

  /** Answers the jobs that can be, one at a time: those that are cancelled in the meantime are not done. */
  private work(): void {
    if (this.working || ![...this.jobs.values()].some((job) => this.isReady(job))) return;
    this.working = true;
    this.later(() => {
      this.working = false;
      const job = [...this.jobs.values()].find((one) => this.isReady(one));
      if (job) this.finish(job);
      this.work();
    });
  }

  private finish(job: Job): void {
    this.tell();
    try {
      const [message, transfer] = job.answer();
      this.cancel(job.id);
      this.post(message, transfer);
    } catch (error) {
      // Without memory for one array of all slices the server cuts the planes.
      if (error instanceof RangeError) this.post({ kind: "noRoom", key: job.volume.key }, []);
      this.refuse(job, error);
    }
  }

  private refuse(job: Job, error: unknown): void {
    this.cancel(job.id);
    this.post({ kind: "refused", id: job.id, problem: problemRecord(error) }, []);
  }

  private arrived(key: string, slices: readonly number[]): void {
    this.arrivals.set(key, [...(this.arrivals.get(key) ?? []), ...slices]);
    if (!this.telling) {
      this.telling = true;
      this.clock.after(TELL_MS, () => {
        this.telling = false;
        this.tell();
      });
    }
    this.work();
  }

  private tell(): void {
    for (const [key, slices] of this.arrivals) this.post({ kind: "arrived", key, slices }, []);
    this.arrivals.clear();
  }

  private failed(key: string, problem: ServerProblem | AnswerError): void {
    this.tell();
    for (const job of [...this.jobs.values()]) if (job.volume.key === key && !this.isReady(job)) this.refuse(job, problem);
    this.post({ kind: "failed", key, problem: problemRecord(problem) }, []);
  }
}

/** The slices in which a region's voxels may lie; null if it misses the volume. */
function slicesOf(region: Region, affine: Affine, shape: readonly number[]): SliceRange {
  const [[first, beyond]] = boxAround(region, affine, shape);
  return first < beyond ? [first, beyond - 1] : null;
}

/** All values in one array, which stays: counts of a region that is moved follow each other. */
const countedVolume = ({ stored }: DeskVolume, padding: PaddingOfSlices): CountedVolume => ({ values: stored.values, shape: stored.shape, padding });
