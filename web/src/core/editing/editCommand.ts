/** What can be done to a draft of a segmentation. Points are LPS millimetres; segments are told by their numbers. */

import type { Limits } from "@/core/valueLimits";
import type { Vector } from "@/core/vectors";

/**
 * A plane of the patient: of the view in which somebody draws.
 *
 * If it lies along one of the grid's own planes, whichever of the three, it stands for the plane of voxels nearest to it;
 * else for all voxels that it passes through.
 */
export interface EditPlane {
  readonly point: Vector;
  /** Any length but 0. */
  readonly normal: Vector;
}

/** What a brush touches: all voxels whose centres lie within `radius` mm, in a plane or around each point. */
export type BrushShape =
  /** A disc in the plane of the view, one voxel thick. */
  { readonly kind: "disc"; readonly normal: Vector } | { readonly kind: "ball" };

export interface BrushSettings {
  readonly segment: number;
  readonly shape: BrushShape;
  /** Millimetres. The voxels through which the pointer passes are painted however small it is. */
  readonly radius: number;
  /** Takes voxels from the segment instead. */
  readonly erase: boolean;
  /** Only voxels at which the image has such a value; null for all. */
  readonly range: Limits | null;
  /** True: unlocked segments of the same layer lose the voxels. False: only voxels that no segment has. */
  readonly overOthers: boolean;
}

/** A stroke: from point to point without gaps. */
export interface BrushCommand extends BrushSettings {
  readonly kind: "brush";
  readonly points: readonly Vector[];
}

/** A closed outline: the voxels whose centres lie in it, by the even-odd rule. */
export interface PolygonCommand {
  readonly kind: "polygon";
  readonly segment: number;
  /** Of the view; the outline's points are projected onto it. */
  readonly plane: EditPlane;
  readonly points: readonly Vector[];
  /** `keep` takes the segment's voxels outside of the outline, as scissors do; `cut` those inside. */
  readonly how: "fill" | "cut" | "keep";
  /** Through the whole grid along the plane's normal, or in the plane alone. */
  readonly through: boolean;
  readonly range: Limits | null;
  readonly overOthers: boolean;
}

/** Fills what is connected to a point through faces: voxels of the point's own segment, or of none. */
export interface FillCommand {
  readonly kind: "fill";
  readonly segment: number;
  readonly point: Vector;
  /** Only in this plane; null for three dimensions. */
  readonly plane: EditPlane | null;
  readonly range: Limits | null;
  readonly overOthers: boolean;
}

/** Grows a segment into what is connected to it and has such values. */
export interface GrowCommand {
  readonly kind: "grow";
  readonly segment: number;
  readonly range: Limits;
  /** Not farther from the segment than so many mm; null for no bound. */
  readonly reach: number | null;
  readonly overOthers: boolean;
}

/** Painted segments grow until they meet; each voxel goes to the one that it is most alike. */
export interface GrowBetweenCommand {
  readonly kind: "growBetween";
  /** At least two: one of them may be what lies around. */
  readonly segments: readonly number[];
  /** How far around the painted voxels, in mm. */
  readonly margin: number;
  readonly range: Limits | null;
}

/** Fills the empty planes between drawn ones. */
export interface InterpolateCommand {
  readonly kind: "interpolate";
  readonly segment: number;
  /** The grid's axis across which planes were drawn is the one nearest to it. */
  readonly normal: Vector;
  readonly overOthers: boolean;
}

export interface SmoothCommand {
  readonly kind: "smooth";
  readonly segment: number;
  /** `median`: what most of the voxels within `mm` are. `gaussian`: above a half, blurred with a sigma of `mm`. */
  readonly how: "median" | "gaussian";
  readonly mm: number;
  readonly overOthers: boolean;
}

/** Grows by so many mm; shrinks if they are negative. */
export interface MarginCommand {
  readonly kind: "margin";
  readonly segment: number;
  readonly mm: number;
  readonly overOthers: boolean;
}

export type KeptIslands =
  | { readonly kind: "largest" }
  /** Those of at least so many cubic millimetres. */
  | { readonly kind: "atLeast"; readonly mm3: number }
  /** The one that is at a point. */
  | { readonly kind: "at"; readonly point: Vector };

export interface IslandsCommand {
  readonly kind: "islands";
  readonly segment: number;
  readonly keep: KeptIslands;
}

/** Fills what the segment encloses: in three dimensions, or in each plane along a normal. */
export interface HolesCommand {
  readonly kind: "holes";
  readonly segment: number;
  readonly normal: Vector | null;
  readonly overOthers: boolean;
}

/** Changes a segment by another one, which stays as it is. */
export interface CombineCommand {
  readonly kind: "combine";
  readonly segment: number;
  readonly other: number;
  readonly how: "union" | "subtract" | "intersect";
  readonly overOthers: boolean;
}

/** Copies a segment from one plane of the grid to another of the same direction; what it has there already stays. */
export interface CopySliceCommand {
  readonly kind: "copySlice";
  readonly segment: number;
  readonly from: EditPlane;
  readonly to: Vector;
  readonly overOthers: boolean;
}

/** Takes all voxels of a segment, or those in a plane. */
export interface ClearCommand {
  readonly kind: "clear";
  readonly segment: number;
  readonly plane: EditPlane | null;
}

export type EditCommand =
  | BrushCommand
  | PolygonCommand
  | FillCommand
  | GrowCommand
  | GrowBetweenCommand
  | InterpolateCommand
  | SmoothCommand
  | MarginCommand
  | IslandsCommand
  | HolesCommand
  | CombineCommand
  | CopySliceCommand
  | ClearCommand;

const TITLES: Readonly<Record<EditCommand["kind"], string>> = {
  brush: "Brush",
  polygon: "Polygon",
  fill: "Fill",
  grow: "Grow by values",
  growBetween: "Grow from seeds",
  interpolate: "Fill between slices",
  smooth: "Smooth",
  margin: "Grow",
  islands: "Islands",
  holes: "Fill holes",
  combine: "Combine",
  copySlice: "Copy slice",
  clear: "Clear",
};

/** What undo and redo call a command. */
export function titleOfCommand(command: EditCommand): string {
  if (command.kind === "brush" && command.erase) return "Erase";
  if (command.kind === "polygon") return { fill: "Fill polygon", cut: "Cut polygon", keep: "Keep polygon" }[command.how];
  if (command.kind === "margin" && command.mm < 0) return "Shrink";
  if (command.kind === "combine") return { union: "Add segment", subtract: "Subtract segment", intersect: "Intersect segments" }[command.how];
  return TITLES[command.kind];
}

/** Commands in which a program decides which voxels belong, not a hand. */
const BY_PROGRAM: readonly EditCommand["kind"][] = ["grow", "growBetween", "interpolate", "smooth", "margin"];

/** True if a program decides which voxels belong, or the image's values do. */
export const isByProgram = (command: EditCommand): boolean => BY_PROGRAM.includes(command.kind) || ("range" in command && command.range !== null);

/** The segments that a command changes. */
export const segmentsOfCommand = (command: EditCommand): readonly number[] => (command.kind === "growBetween" ? command.segments : [command.segment]);
