/** The segments of a draft, and what edits did to them. */

import type { IndexBox } from "@/core/regions";

/** A coded concept. */
export interface SegmentCode {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

/** What a segment is, in codes; null where nobody has said it. */
export interface SegmentCodes {
  readonly category: SegmentCode | null;
  readonly type: SegmentCode | null;
  readonly typeModifier: SegmentCode | null;
  readonly anatomicRegion: SegmentCode | null;
  readonly regionModifier: SegmentCode | null;
}

/** How a segment came about: Segment Algorithm Type (0062,0008). */
export type AlgorithmType = "MANUAL" | "SEMIAUTOMATIC" | "AUTOMATIC";

export interface DraftSegment extends SegmentCodes {
  readonly number: number;
  readonly label: string;
  /** "#rrggbb" */
  readonly colour: string;
  /** The label map in which its voxels are, and their value there, from 1. */
  readonly layer: number;
  readonly value: number;
  /** Its voxels do not change. */
  readonly locked: boolean;
  readonly algorithmType: AlgorithmType;
  /** The name of the algorithm; empty for MANUAL. */
  readonly algorithm: string;
}

/** What somebody may change of a segment without changing voxels. */
export type SegmentChanges = Partial<Omit<DraftSegment, "number" | "layer" | "value">>;

/** Which voxels an edit changed. */
export interface EditChange {
  /** By layer: the box around its changed voxels. Layers without a change are absent. */
  readonly boxes: ReadonlyMap<number, IndexBox>;
  /** How many voxels changed. */
  readonly voxels: number;
  /** Voxels that the edit would have changed, had their segments not been locked; those that a stroke met twice count twice. */
  readonly lockedVoxels: number;
}

/** What a program did to a segment that is drawn by hand is said by this name. */
export const EDITING_ALGORITHM = "Voxelry editing tools";

/** How a segment came about, after a program changed it (`byProgram`) or somebody's hand. */
export function afterEdit(segment: DraftSegment, byProgram: boolean): DraftSegment {
  const { algorithmType, algorithm } = segment;
  const after = algorithmType === "MANUAL" && !byProgram ? "MANUAL" : "SEMIAUTOMATIC";
  return after === algorithmType ? segment : { ...segment, algorithmType: after, algorithm: algorithm || EDITING_ALGORITHM };
}
