/** What the page and the worker say to each other about drafts. */

import type { DraftSegment, EditChange, SegmentChanges } from "@/core/editing/draftSegment";
import type { BrushSettings, EditCommand } from "@/core/editing/editCommand";
import type { SegmentFacts } from "@/core/editing/labelDraft";
import type { ImageGrid } from "@/core/placedLabels";
import type { IndexBox } from "@/core/regions";
import type { Vector } from "@/core/vectors";
import type { VoxelBits } from "@/core/voxelBits";
import type { DraftBase, DraftStart, PackedDraft } from "@/scene/draft";

/** What comes before the key of a draft, and between it and the number of a layer. */
export const DRAFT_KEY = "draft ";
export const LAYER_MARK = "/";

/** True if a message is for the part that edits. */
export const isForDrafts = (message: { readonly kind: string; readonly key?: string }): boolean =>
  message.kind === "draft" || (message.kind === "picture" && message.key?.startsWith(DRAFT_KEY) === true);

export type DraftAsk =
  /** Begins a draft; with `resume` as the database has it. */
  | { readonly about: "open"; readonly id: string; readonly start: DraftStart; readonly resume: boolean }
  | { readonly about: "run"; readonly command: EditCommand }
  | { readonly about: "beginStroke"; readonly settings: BrushSettings }
  | { readonly about: "extendStroke"; readonly points: readonly Vector[] }
  | { readonly about: "endStroke" | "cancelStroke" | "undo" | "redo" | "pack" | "discard" | "close" }
  | { readonly about: "addSegment"; readonly facts: SegmentFacts; readonly overlaps: boolean }
  | { readonly about: "changeSegment"; readonly number: number; readonly changes: SegmentChanges }
  | { readonly about: "removeSegment"; readonly number: number }
  | { readonly about: "rename"; readonly label: string }
  | { readonly about: "segmentsAt"; readonly point: Vector }
  | { readonly about: "voxels"; readonly number: number; readonly image: ImageGrid }
  | { readonly about: "saved"; readonly revision: number; readonly base: DraftBase | null };

/** Count and box of a segment. */
export interface DraftFigures {
  readonly number: number;
  readonly count: number;
  readonly box: IndexBox | null;
}

/** What changed of a draft's state. */
export interface DraftNews {
  readonly label: string;
  readonly base: DraftBase | null;
  /** Null if they are as before. */
  readonly segments: readonly DraftSegment[] | null;
  /** Of segments whose figures changed. */
  readonly figures: readonly DraftFigures[];
  readonly layers: number;
  readonly revision: number;
  readonly undo: string | null;
  readonly redo: string | null;
  readonly unsaved: boolean;
}

export interface DraftAnswer {
  readonly news: DraftNews;
  readonly change: EditChange;
  /** The number of a new segment, or the segments at a point. */
  readonly numbers: readonly number[];
  readonly packed: PackedDraft | null;
  /** Of one segment, if they were asked for. */
  readonly voxels: VoxelBits | null;
}
