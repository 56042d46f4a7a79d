/** A segmentation while it is edited: its voxels are in the worker beside the image's values, its state is here. */

import type { BrushSettings, EditCommand } from "@/core/editing/editCommand";
import type { DraftSegment, EditChange, SegmentChanges } from "@/core/editing/draftSegment";
import type { Affine } from "@/core/geometry";
import type { ImageGrid } from "@/core/placedLabels";
import type { IndexBox } from "@/core/regions";
import type { PaddingOfSlices } from "@/core/voxelCounts";
import type { Vector } from "@/core/vectors";
import type { VoxelBits } from "@/core/voxelBits";
import type { VolumeSource } from "@/scene/volumeSource";

/** The grid of a draft: the image's, or that of the segmentation from which it began. */
export interface DraftGrid {
  /** Slices, rows, columns. */
  readonly shape: readonly number[];
  readonly affine: Affine;
  /** Frame of Reference UID; empty if it is unknown. */
  readonly space: string;
}

/** The stored segmentation from which a draft began. */
export interface DraftBase {
  readonly id: number;
  readonly version: string;
  /** Of its record when the draft began: by it the server knows whether somebody saved another one since. */
  readonly etag: string;
  readonly dtype: "uint8" | "uint16";
  /** The number of its label maps. */
  readonly layers: number;
}

/** The image that is edited upon. */
export interface DraftImage {
  readonly seriesId: number;
  readonly volume: number;
  /** The key of its source (`VolumeSource.key`), by which the worker knows its values. */
  readonly key: string;
  readonly padding: PaddingOfSlices;
}

/** With what a draft begins. */
export interface DraftStart {
  /** Whose draft it is: the user's name. */
  readonly user: string;
  readonly image: DraftImage;
  readonly grid: DraftGrid;
  /** Null for a new segmentation. */
  readonly base: DraftBase | null;
  readonly segments: readonly DraftSegment[];
  /** What the segmentation is called. */
  readonly label: string;
}

/** What the browser keeps of a draft, beside its voxels: no value of a patient's. */
export interface DraftRecord {
  readonly id: string;
  readonly user: string;
  readonly seriesId: number;
  readonly volume: number;
  readonly label: string;
  readonly grid: DraftGrid;
  readonly base: DraftBase | null;
  readonly segments: readonly DraftSegment[];
  /** Milliseconds since 1970. */
  readonly changed: number;
}

/** A draft that the browser keeps, as it is listed. */
export interface StoredDraft extends DraftRecord {
  /** True if another tab has it open. */
  readonly open: boolean;
}

/** A segment with its figures. */
export interface EditedSegment extends DraftSegment {
  readonly count: number;
  readonly mm3: number;
  /** The box around its voxels, or a larger one; null without voxels. */
  readonly box: IndexBox | null;
}

/** All that is shown of a draft; replaced when something changes. */
export interface DraftState {
  readonly label: string;
  readonly segments: readonly EditedSegment[];
  /** The number of its label maps. */
  readonly layers: number;
  /** Grows with each change of voxels. */
  readonly revision: number;
  /** What would be undone and done again; null if there is nothing. */
  readonly undo: string | null;
  readonly redo: string | null;
  /** True if something was changed since it began, or since it was saved. */
  readonly unsaved: boolean;
  /** A long edit that is under way. */
  readonly running: { readonly title: string; readonly fraction: number } | null;
  /** Why the browser does not keep the draft, so that a reload would lose it; null if it does. */
  readonly notKept: string | null;
}

export interface EditOptions {
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** A stroke under way: one step of undo. */
export interface Stroke {
  /**
   * Goes on to these points. They are drawn at once if nothing is under way, else with those that come meanwhile.
   *
   * Problems are told by `end`.
   */
  add(points: readonly Vector[]): void;
  /** Resolves when all of it is drawn. */
  end(): Promise<EditChange>;
  /** Takes back what was drawn. */
  cancel(): Promise<void>;
}

/** A segment to be added; it lies in the first layer, or in one of its own if it may overlap others. */
export type NewSegment = Omit<DraftSegment, "number" | "layer" | "value"> & { readonly overlaps?: boolean };

/** A segment's voxels on the grid of an image. */
export interface SegmentAsDrawn {
  /** Of the draft's voxels when they were looked at (`DraftState.revision`). */
  readonly revision: number;
  readonly voxels: VoxelBits;
}

export interface Draft {
  /** Of the browser's own. */
  readonly id: string;
  readonly grid: DraftGrid;
  readonly image: DraftImage;
  readonly base: DraftBase | null;
  readonly state: DraftState;
  /** Called when the state changed, at most once a frame. Returns the function that ends it. */
  subscribe(listener: () => void): () => void;
  /**
   * Pictures of a label map, the nearest voxel at each point; the same object for as long as the draft is open.
   *
   * `recent` and `picture` answer with the voxels as they are now: compare `revisionOf` before asking again.
   */
  source(layer: number): VolumeSource;
  /** The revision of the last edit that changed voxels of a picture: it need not be drawn again while this stays. */
  revisionOf(layer: number, request: Parameters<VolumeSource["picture"]>[0]): number;
  /** One step of undo. Throws what is wrong in words (a locked segment, an image that is not there), or an abort. */
  run(command: EditCommand, options?: EditOptions): Promise<EditChange>;
  beginStroke(settings: BrushSettings): Stroke;
  undo(): Promise<EditChange>;
  redo(): Promise<EditChange>;
  /** Returns its number. A step of undo. */
  addSegment(segment: NewSegment): Promise<number>;
  /** A step of undo. */
  changeSegment(number: number, changes: SegmentChanges): Promise<void>;
  /** Removes its voxels too. A step of undo. */
  removeSegment(number: number): Promise<EditChange>;
  rename(label: string): Promise<void>;
  /** The label of a voxel of a layer: the segments at a point. */
  segmentsAt(point: Vector): Promise<readonly number[]>;
  /** The voxels of an image that lie in a segment as it is now, by the rule of stored ones. */
  voxelsOf(number: number, image: ImageGrid, options?: EditOptions): Promise<SegmentAsDrawn>;
  /** What is sent to the server. */
  packed(options?: EditOptions): Promise<PackedDraft>;
  /** The draft was saved as it was at a revision: nothing is kept in the browser any more, unless it was changed since. */
  saved(revision: number, base: DraftBase | null): Promise<void>;
  /** Ends it, and forgets what the browser keeps of it. */
  discard(): Promise<void>;
  /** Ends it; the browser keeps what is unsaved. */
  close(): void;
}

/** The body of `POST /api/segmentations/voxels`, without what its caller chooses. */
export interface PackedDraft {
  /** The state of the voxels. */
  readonly revision: number;
  readonly label: string;
  readonly grid: DraftGrid;
  readonly base: DraftBase | null;
  readonly dtype: "uint8" | "uint16";
  /** With `layer` as in `layers`: empty label maps are left out. */
  readonly segments: readonly DraftSegment[];
  /** gzip of each label map: slices x rows x columns, C order, little-endian. */
  readonly layers: readonly Blob[];
}
