/** The page's end of the worker that holds the volumes. */

import { ServerProblem } from "@/api/http";
import type { Vector } from "@/core/geometry";
import type { VoxelBits } from "@/core/voxelBits";
import type { Piece, RegionHistogram } from "@/core/voxelCounts";
import type { CountRequest, PieceRequest, PlanePicture, PlaneRequest, SegmentRequest } from "@/scene/volumeSource";
import type { DraftAnswer, DraftAsk } from "@/scene/worker/draftProtocol";
import { type FromWorker, problemOfRecord, type ToWorker } from "@/scene/worker/protocol";

/** News of a volume. */
export type VolumeNews = Extract<FromWorker, { readonly key: string }>;

/** A worker, or what stands for one in tests. */
export interface WorkerPort {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToWorker): void;
}

export interface DraftOptions {
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

interface Waiting {
  readonly give: (answer: FromWorker) => void;
  readonly fail: (error: unknown) => void;
  readonly progress: (share: number) => void;
}

export class WorkerLink {
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Map<string, (news: VolumeNews) => void>();
  private nextId = 0;

  constructor(private readonly port: WorkerPort) {
    port.onmessage = ({ data }) => this.receive(data);
    port.onerror = () => this.break();
  }

  tell(message: ToWorker): void {
    this.port.postMessage(message);
  }

  /** Hears the news of a volume. */
  listen(key: string, listener: (news: VolumeNews) => void): () => void {
    this.listeners.set(key, listener);
    return () => this.listeners.delete(key);
  }

  async picture(key: string, request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    const answer = await this.ask((id) => ({ kind: "picture", key, id, request }), signal);
    if (answer.kind !== "picture") throw broken();
    return answer.picture;
  }

  async voxel(key: string, index: Vector, signal: AbortSignal): Promise<readonly number[] | null> {
    const answer = await this.ask((id) => ({ kind: "voxel", key, id, index }), signal);
    if (answer.kind !== "voxel") throw broken();
    return answer.values;
  }

  async histogram(key: string, request: CountRequest, signal: AbortSignal): Promise<RegionHistogram | null> {
    const answer = await this.ask((id) => ({ kind: "count", key, id, request }), signal);
    if (answer.kind !== "count") throw broken();
    return answer.histogram;
  }

  async piece(key: string, request: PieceRequest, signal: AbortSignal): Promise<Piece | null> {
    const answer = await this.ask((id) => ({ kind: "piece", key, id, request }), signal);
    if (answer.kind !== "piece") throw broken();
    return answer.piece;
  }

  async segment(key: string, request: SegmentRequest, signal: AbortSignal): Promise<VoxelBits> {
    const answer = await this.ask((id) => ({ kind: "segment", key, id, request }), signal);
    if (answer.kind !== "segment") throw broken();
    return answer.voxels;
  }

  /** Asks something of a draft. Waits for the answer even if it is no longer wanted, which tells what became of the draft. */
  async draft(key: string, ask: DraftAsk, { signal, onProgress }: DraftOptions = {}): Promise<DraftAnswer> {
    if (signal?.aborted) throw aborted();
    const never = new AbortController().signal;
    let cancel = (): void => undefined;
    const asked = this.ask(
      (id) => {
        cancel = () => this.tell({ kind: "cancel", id });
        return { kind: "draft", key, id, ask };
      },
      never,
      onProgress,
    );
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const answer = await asked;
      if (answer.kind !== "draft") throw broken();
      return answer.answer;
    } catch (error) {
      throw isStopped(signal) ? aborted() : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  private ask(message: (id: number) => ToWorker, signal: AbortSignal, progress: (share: number) => void = () => undefined): Promise<FromWorker> {
    const id = (this.nextId += 1);
    return new Promise((give, fail) => {
      if (signal.aborted) {
        fail(aborted());
        return;
      }
      const cancel = (): void => {
        this.waiting.delete(id);
        this.tell({ kind: "cancel", id });
        fail(aborted());
      };
      signal.addEventListener("abort", cancel, { once: true });
      const end = (): void => {
        this.waiting.delete(id);
        signal.removeEventListener("abort", cancel);
      };
      this.waiting.set(id, {
        give: (answer) => {
          end();
          give(answer);
        },
        fail: (error) => {
          end();
          fail(error instanceof Error ? error : broken());
        },
        progress,
      });
      this.tell(message(id));
    });
  }

  private receive(message: FromWorker): void {
    if ("key" in message) this.listeners.get(message.key)?.(message);
    else if (message.kind === "draftProgress") this.waiting.get(message.id)?.progress(message.share);
    else if (message.kind === "refused") this.waiting.get(message.id)?.fail(problemOfRecord(message.problem));
    else this.waiting.get(message.id)?.give(message);
  }

  /** The worker's program could not be loaded, or ended by a defect. */
  private break(): void {
    for (const { fail } of [...this.waiting.values()]) fail(broken());
    for (const [key, listener] of this.listeners) listener({ kind: "noRoom", key });
  }
}

const isStopped = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;
const aborted = (): DOMException => new DOMException("", "AbortError");
const broken = (): ServerProblem => new ServerProblem(0, "worker", "The part of the page that holds the slices has stopped. Reload the page.");
