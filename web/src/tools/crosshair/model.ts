/** The lines that other planes draw in a view, what lies under the pointer, and what a drag of it means in the patient. */

import { type Affine, angleOfCosine, columnOf, type Plane } from "@/core/geometry";
import { type Cut, type Frame, frameOf, lineOf } from "@/core/plane";
import { type Point, type Size, toStage, type Transform } from "@/core/stageTransform";
import { cross, dot, moved, subtract, unitVector, type Vector, vectorLength } from "@/core/vectors";

/** A plane of another view. */
export interface OtherPlane {
  readonly view: string;
  readonly plane: Plane;
  readonly cut: Cut;
  /** Where a slab begins and ends along the cut's normal, in mm from its plane; none for a single plane. */
  readonly slab: readonly [number, number] | null;
}

export interface Segment {
  readonly from: Point;
  readonly to: Point;
}

/** What one plane draws in a view. */
export interface CrossLine {
  readonly view: string;
  readonly plane: Plane;
  readonly frame: Frame;
  /** A unit vector along the line on the stage. */
  readonly along: Point;
  /** The line with a gap in the middle. */
  readonly segments: readonly Segment[];
  /** The two faces of a slab. */
  readonly faces: readonly Segment[];
  /** Where the line is taken to turn it; none for planes that are never turned. */
  readonly handles: readonly Point[];
}

/** The lines of a view and the point where they cross. */
export interface Crosshair {
  readonly centre: Point;
  readonly lines: readonly CrossLine[];
}

/** What is under the pointer. */
export type Part = { readonly kind: "centre" } | { readonly kind: "line" | "handle"; readonly line: CrossLine };

/** CSS pixels. */
const GAP = 14;
const LEAST_SLAB = 3;
const HANDLE_DISTANCE = 0.36;
const HANDLE_MARGIN = 16;
const SAME_LINE = 1.5;
/** The sine of the angle below which two lines count as parallel. */
const PARALLEL = 0.01;
const REACH = { mouse: { centre: 11, handle: 9, line: 5 }, touch: { centre: 22, handle: 20, line: 14 } } as const;

interface StageLine {
  readonly at: Point;
  readonly along: Point;
}

const minus = (a: Point, b: Point): Point => ({ x: a.x - b.x, y: a.y - b.y });
const plus = (a: Point, b: Point, times: number): Point => ({ x: a.x + b.x * times, y: a.y + b.y * times });
const times = (a: Point, b: Point): number => a.x * b.x + a.y * b.y;
/** The sine of the angle from one unit vector to another. */
const sine = (a: Point, b: Point): number => a.x * b.y - a.y * b.x;
const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** The frame of a rectangle of points; that of a sheared one is straightened within its plane. */
export const frameOfCut = (cut: Cut): Frame => frameOf(cut.right, cut.down);

/** Where another plane crosses a view's plane, on the stage; null if the two are parallel. */
function stageLine(cut: Cut, transform: Transform, frame: Frame, through: Vector): StageLine | null {
  const line = lineOf(cut, frame, through);
  if (!line) return null;
  const at = toStage(transform, line.row + 0.5, line.column + 0.5);
  const ahead = minus(toStage(transform, line.row + line.dRow + 0.5, line.column + line.dColumn + 0.5), at);
  const length = Math.hypot(ahead.x, ahead.y);
  return { at, along: { x: ahead.x / length, y: ahead.y / length } };
}

/** The part of a line that lies on the stage; null if it misses it (Liang and Barsky). */
function clipped({ at, along }: StageLine, { width, height }: Size): Segment | null {
  let [first, last] = [-Infinity, Infinity];
  for (const [start, step, most] of [
    [at.x, along.x, width],
    [at.y, along.y, height],
  ]) {
    if (Math.abs(step) < 1e-12) {
      if (start < 0 || start > most) return null;
      continue;
    }
    const [a, b] = [-start / step, (most - start) / step];
    [first, last] = [Math.max(first, Math.min(a, b)), Math.min(last, Math.max(a, b))];
  }
  return first < last ? { from: plus(at, along, first), to: plus(at, along, last) } : null;
}

/** A segment without the part that is nearer than the gap to a point. */
function withGap({ from, to }: Segment, along: Point, centre: Point): Segment[] {
  const foot = times(minus(centre, from), along);
  const beside = distance(centre, plus(from, along, foot));
  const half = beside < GAP ? Math.sqrt(GAP * GAP - beside * beside) : 0;
  const length = distance(from, to);
  if (half === 0 || foot + half < 0 || foot - half > length) return [{ from, to }];
  const parts = [
    { from, to: plus(from, along, foot - half) },
    { from: plus(from, along, foot + half), to },
  ];
  return parts.filter((part) => times(minus(part.to, part.from), along) > 0);
}

function handlesOf({ from, to }: Segment, along: Point, centre: Point, stage: Size): Point[] {
  const wanted = Math.min(stage.width, stage.height) * HANDLE_DISTANCE;
  const foot = times(minus(centre, from), along);
  const ends = [Math.max(foot - wanted, HANDLE_MARGIN), Math.min(foot + wanted, distance(from, to) - HANDLE_MARGIN)];
  return ends.filter((end) => Math.abs(end - foot) > 2 * GAP).map((end) => plus(from, along, end));
}

/** Where two lines cross; null if they are parallel. */
function crossing(a: StageLine, b: StageLine): Point | null {
  const size = sine(a.along, b.along);
  return Math.abs(size) < PARALLEL ? null : plus(a.at, a.along, sine(minus(b.at, a.at), b.along) / size);
}

const isSame = (a: StageLine, b: StageLine): boolean => Math.abs(sine(a.along, b.along)) < PARALLEL && Math.abs(sine(a.along, minus(b.at, a.at))) < SAME_LINE;

/**
 * The crosshair of a view: a line for each plane that crosses it, where that plane really is.
 *
 * `cursor` is the shared cursor on the stage: the middle of the crosshair where fewer than two lines cross.
 */
export function crosshairOf(cut: Cut, transform: Transform, stage: Size, cursor: Point, others: readonly OtherPlane[]): Crosshair {
  const found: { other: OtherPlane; frame: Frame; line: StageLine }[] = [];
  for (const other of others) {
    const frame = frameOfCut(other.cut);
    const line = stageLine(cut, transform, frame, other.cut.origin);
    if (line && !found.some((before) => isSame(before.line, line))) found.push({ other, frame, line });
  }
  const centre = found.length > 1 ? (crossing(found[0].line, found[1].line) ?? cursor) : cursor;
  const lines = found.flatMap(({ other, frame, line }) => {
    const whole = clipped(line, stage);
    if (!whole) return [];
    const { along } = line;
    const faces = (other.slab ?? []).flatMap((mm) => {
      const face = stageLine(cut, transform, frame, moved(other.cut.origin, frame.normal, mm));
      const visible = face && Math.abs(sine(along, minus(face.at, line.at))) >= LEAST_SLAB / 2 ? clipped(face, stage) : null;
      return visible ? [visible] : [];
    });
    const handles = other.plane === "acquired" ? [] : handlesOf(whole, along, centre, stage);
    return [{ view: other.view, plane: other.plane, frame, along, segments: withGap(whole, along, centre), faces, handles }];
  });
  return { centre, lines };
}

function distanceFromSegment(point: Point, { from, to }: Segment): number {
  const length = distance(from, to);
  if (length === 0) return distance(point, from);
  const along = { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
  const at = Math.max(0, Math.min(length, times(minus(point, from), along)));
  return distance(point, plus(from, along, at));
}

/** The part under the pointer; the middle counts before handles, and handles before lines. */
export function partAt({ centre, lines }: Crosshair, point: Point, pointer: "mouse" | "touch"): Part | null {
  const reach = REACH[pointer];
  if (lines.length > 0 && distance(point, centre) <= reach.centre) return { kind: "centre" };
  for (const line of lines) if (line.handles.some((handle) => distance(point, handle) <= reach.handle)) return { kind: "handle", line };
  const byDistance = lines.map((line) => ({ line, from: Math.min(...line.segments.map((segment) => distanceFromSegment(point, segment))) }));
  const nearest = byDistance.reduce<(typeof byDistance)[number] | null>((best, each) => (best === null || each.from < best.from ? each : best), null);
  return nearest && nearest.from <= reach.line ? { kind: "line", line: nearest.line } : null;
}

/** The angle from one point to another about a third one, in radians by the right-hand rule about a unit normal. */
export function angleAbout(normal: Vector, centre: Vector, from: Vector, to: Vector): number {
  const [a, b] = [subtract(from, centre), subtract(to, centre)];
  return Math.atan2(dot(cross(a, b), normal), dot(a, b) - dot(a, normal) * dot(b, normal));
}

/**
 * How the cursor moves when the line of `dragged` is moved by `by` within the plane of `normal`.
 *
 * It moves along the line of the third plane, which so stays where it is even where planes are not perpendicular (tilted
 * stacks); without a third plane, perpendicular to the line.
 */
export function lineShift(normal: Vector, dragged: Vector, third: Vector | null, by: Vector): Vector {
  const alongThird = third && cross(normal, third);
  const straight = cross(cross(normal, dragged), normal);
  const usable = alongThird && vectorLength(alongThird) > PARALLEL && Math.abs(dot(unitVector(alongThird), dragged)) > PARALLEL;
  const direction = usable ? alongThird : straight;
  return moved([0, 0, 0], direction, dot(dragged, by) / dot(dragged, direction));
}

/** Rounding errors of an index. */
const ROUNDING = 1e-9;

/** The last point on the way from one point to another whose index lies between those of the volume's first and last voxel. */
export function lastInside(from: Vector, to: Vector, index: (point: Vector) => Vector, shape: readonly number[]): Vector {
  const [a, b] = [index(from), index(to)];
  const parts = [0, 1, 2].map((axis) => {
    const [low, high] = [Math.min(0, a[axis]), Math.max(shape[axis] - 1, a[axis])];
    if (b[axis] > high + ROUNDING) return (high - a[axis]) / (b[axis] - a[axis]);
    return b[axis] < low - ROUNDING ? (low - a[axis]) / (b[axis] - a[axis]) : 1;
  });
  const part = Math.min(...parts);
  return part === 1 ? to : moved(from, subtract(to, from), part);
}

/** Degrees. */
const STRAIGHT = 0.5;

/** True if a volume's axes lie along the patient's: planes along the patient's axes are its own. */
export const isAlongPatient = (affine: Affine): boolean =>
  [0, 1, 2].every((axis) => angleOfCosine(Math.max(...unitVector(columnOf(affine, axis)).map(Math.abs))) < STRAIGHT);
