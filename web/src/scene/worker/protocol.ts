/** What the page and the worker that holds the volumes say to each other. */

import { ServerProblem } from "@/api/http";
import type { ValuesAddress } from "@/api/volumeBytes";
import type { Affine, Vector } from "@/core/geometry";
import type { VoxelBits } from "@/core/voxelBits";
import type { Piece, RegionHistogram } from "@/core/voxelCounts";
import type { CountRequest, Demand, PieceRequest, PlanePicture, PlaneRequest, SegmentRequest } from "@/scene/volumeSource";
import type { DraftAnswer, DraftAsk } from "@/scene/worker/draftProtocol";

/** A volume, or a label map, as the worker knows it. */
export type OpenedVolume = ValuesAddress & { readonly affine: Affine | null };

export type ToWorker =
  | { readonly kind: "open"; readonly key: string; readonly volume: OpenedVolume }
  | { readonly kind: "close"; readonly key: string }
  | { readonly kind: "demand"; readonly key: string; readonly demand: Demand }
  | { readonly kind: "withdraw"; readonly key: string; readonly view: string }
  | { readonly kind: "retry"; readonly key: string }
  /** With the slices that are there; a plane within one slice waits for it. */
  | { readonly kind: "picture"; readonly key: string; readonly id: number; readonly request: PlaneRequest }
  | { readonly kind: "voxel"; readonly key: string; readonly id: number; readonly index: Vector }
  | { readonly kind: "count"; readonly key: string; readonly id: number; readonly request: CountRequest }
  | { readonly kind: "piece"; readonly key: string; readonly id: number; readonly request: PieceRequest }
  | { readonly kind: "segment"; readonly key: string; readonly id: number; readonly request: SegmentRequest }
  | { readonly kind: "draft"; readonly key: string; readonly id: number; readonly ask: DraftAsk }
  /** The answer to a question is no longer wanted. */
  | { readonly kind: "cancel"; readonly id: number };

export type FromWorker =
  | { readonly kind: "arrived"; readonly key: string; readonly slices: readonly number[] }
  | { readonly kind: "failed"; readonly key: string; readonly problem: ProblemRecord }
  /** The browser has no memory for the volume. */
  | { readonly kind: "noRoom"; readonly key: string }
  | { readonly kind: "picture"; readonly id: number; readonly picture: PlanePicture }
  | { readonly kind: "voxel"; readonly id: number; readonly values: readonly number[] | null }
  | { readonly kind: "count"; readonly id: number; readonly histogram: RegionHistogram | null }
  | { readonly kind: "piece"; readonly id: number; readonly piece: Piece | null }
  | { readonly kind: "segment"; readonly id: number; readonly voxels: VoxelBits }
  | { readonly kind: "draft"; readonly id: number; readonly answer: DraftAnswer }
  | { readonly kind: "draftProgress"; readonly id: number; readonly share: number }
  /** Why the browser does not keep a draft; null if it does again. */
  | { readonly kind: "draftKept"; readonly key: string; readonly notKept: string | null }
  | { readonly kind: "refused"; readonly id: number; readonly problem: ProblemRecord };

/** An error as it passes between threads, which keep no classes. */
export interface ProblemRecord {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** The status and code of answers that do not fit their contract, and of failures inside the worker. */
const ANSWERED = 200;

export function problemRecord(error: unknown): ProblemRecord {
  if (error instanceof ServerProblem) return { status: error.status, code: error.code, detail: error.message };
  return { status: ANSWERED, code: "answer", detail: error instanceof Error ? error.message : "Something unexpected went wrong." };
}

export const problemOfRecord = ({ status, code, detail }: ProblemRecord): ServerProblem => new ServerProblem(status, code, detail);
