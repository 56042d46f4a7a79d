/** Where pictures of planes through a volume come from: the tab's own copy of its values, or the server. */

import type { PixelArray } from "@/api/slices";
import type { Plane, Vector } from "@/core/geometry";
import type { Limits } from "@/core/valueLimits";
import type { Cut } from "@/core/plane";
import type { ImageGrid, LabelOfMap } from "@/core/placedLabels";
import type { Region } from "@/core/regions";
import type { SlabMode } from "@/core/slabs";
import type { VoxelBits } from "@/core/voxelBits";
import type { PaddingOfSlices, Piece, RegionHistogram } from "@/core/voxelCounts";

export type { SlabMode } from "@/core/slabs";

/** A plane of the volume's own grid, as acquired or turned to the patient's axes: its voxels, never interpolated. */
export interface GridRequest {
  readonly kind: "grid";
  readonly plane: Plane;
  readonly index: number;
  /** Project `planes` planes around `index` (cut off at the ends of the volume); absent for one plane. */
  readonly slab?: { readonly mode: SlabMode; readonly planes: number };
}

/** Any rectangle in the patient, sampled (see `core/sampling`). */
export interface CutRequest {
  readonly kind: "cut";
  readonly cut: Cut;
  readonly method: "linear" | "nearest";
  readonly slab?: { readonly mode: SlabMode; readonly depth: number; readonly step: Vector };
}

export type PlaneRequest = GridRequest | CutRequest;

/** The values of a plane. Samples outside the volume, and those of slices that are not there yet, are NaN in cuts and 0 in grid planes. */
export interface PlanePicture {
  readonly values: PixelArray;
  readonly rows: number;
  readonly columns: number;
  /** 1 for greyscale, 3 for colour. */
  readonly samples: number;
  /** How many of the slices that the plane needs are not there yet; a picture with 0 never changes. */
  readonly missing: number;
  /** Only one of so many rows and columns, for as long as one moves through the planes; absent: all. */
  readonly every?: number;
}

/** What a view shows and where it is going: slices are fetched in the order in which they will be looked at. */
export interface Demand {
  /** The view; a new demand of the same view takes the place of the one before. */
  readonly view: string;
  /** The acquired slice that is looked at, and the direction of the last step. */
  readonly slice: number;
  readonly direction: -1 | 0 | 1;
  /** True while a cine plays, which goes on from the last slice to the first. */
  readonly around: boolean;
  /** True if the plane crosses the acquired slices, so that all of them are needed as soon as the one looked at is there. */
  readonly crossing: boolean;
}

/** The values of a region's voxels are counted. */
export interface CountRequest {
  readonly region: Region;
  readonly padding: PaddingOfSlices;
}

/** The voxels that count, in a region or the whole volume, by the pieces in which they are connected. */
export interface PieceRequest {
  readonly limits: Limits;
  /** Pieces of the whole volume count that hold a value within these limits; null for all. */
  readonly reach: Limits | null;
  readonly region: Region | null;
  readonly padding: PaddingOfSlices;
  /** Only those connected to this voxel: slice, row, column; null for all, where `reach` tells which. */
  readonly seed: Vector | null;
}

/** A segment of a label map, on the grid of an image. */
export interface SegmentRequest {
  readonly label: LabelOfMap;
  readonly image: ImageGrid;
}

/** Counts voxels of a volume whose values are in the tab; waits for the slices that it needs. */
export interface VoxelCounter {
  /** Null if only the server can count them. */
  histogram(request: CountRequest, signal: AbortSignal): Promise<RegionHistogram | null>;
  /** Null if the voxel itself does not count. */
  piece(request: PieceRequest, signal: AbortSignal): Promise<Piece | null>;
  /** Of a label map: the voxels of an image that lie in a segment. */
  segment(request: SegmentRequest, signal: AbortSignal): Promise<VoxelBits>;
}

export interface VolumeSource {
  /** Series, volume and version; changes when the volume is built again. */
  readonly key: string;
  /** True if the values are kept in the tab; false if the volume is too large for it, and the server cuts each plane. */
  readonly inTab: boolean;
  /** One entry for each acquired slice: 1 if it is in the tab (in the server's case: if it is at hand). */
  readonly loaded: Uint8Array;
  readonly loadedCount: number;
  /** Called when slices arrived, or failed. Returns the function that ends it. */
  subscribe(listener: () => void): () => void;
  /** The picture if it is at hand, without waiting: recently shown ones are kept. */
  recent(request: PlaneRequest): PlanePicture | undefined;
  /** True if `picture` would answer without asking the server, or is known to fail: the cine waits for it. */
  settled(request: PlaneRequest): boolean;
  /**
   * The picture of a plane. Waits for the slice of a plane that lies in one slice; a plane that crosses slices which are
   * not there yet comes from the server, or as far as it is there (`missing` > 0) if the server cannot be asked in time.
   *
   * Throws the server's problem, or an abort.
   */
  picture(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture>;
  /**
   * Has the first picture fetched before a view that shows it is there; absent where `picture` is as soon. Resolves when
   * it is at hand, or cannot be had so.
   */
  ahead?(request: PlaneRequest): Promise<void>;
  /** The value (or three samples) of one voxel, exactly as the library has it; null if it is not in the volume. */
  voxel(index: Vector, signal: AbortSignal): Promise<readonly number[] | null>;
  /** Counts voxels in the tab; absent if the server has to. */
  readonly counter?: VoxelCounter;
  demand(demand: Demand): void;
  /** A view no longer shows the volume. */
  withdraw(view: string): void;
  /** Forgets failures, and tries again. */
  retry(): void;
}
