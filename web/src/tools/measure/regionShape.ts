/** A region where planes cut it, and what a drag of it means in the patient. Lengths are LPS millimetres. */

import type { Cut, Frame } from "@/core/plane";
import { frameOf, pointOfCut } from "@/core/plane";
import type { PatientBox, PatientSphere, SolidRegion } from "@/core/regions";
import { add, cross, dot, moved, subtract, unitVector, type Vector, vectorLength } from "@/core/vectors";

/** What of a region is dragged. */
export type Grip =
  | { readonly kind: "move" }
  /** The surface of a sphere. */
  | { readonly kind: "radius" }
  /** Faces of a box: along which axis, and whether it is the one at the larger coordinate. */
  | { readonly kind: "faces"; readonly faces: readonly BoxFace[] };

export interface BoxFace {
  readonly axis: 0 | 1 | 2;
  readonly high: boolean;
}

/** The outline of a region in a plane, as points of the patient, and where it is taken. */
export interface RegionShape {
  readonly outline: readonly Vector[];
  readonly handles: readonly { readonly at: Vector; readonly grip: Grip }[];
}

const AROUND = 72;
/** Millimetres: the smallest radius or edge that a drag makes. */
export const LEAST_MM = 0.1;
const AXES = [0, 1, 2] as const;
/** A part of a box's size: what is nearer to a plane lies in it. */
const ROUNDING = 1e-9;

const frameOfPlane = (cut: Cut): Frame => frameOf(cut.right, cut.down);
const middleOf = ({ low, high }: PatientBox): Vector => [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2];
export const centreOfRegion = (region: SolidRegion): Vector => (region.kind === "sphere" ? region.centre : middleOf(region));

/** Null where the plane misses the region. */
export function shapeIn(region: SolidRegion, cut: Cut): RegionShape | null {
  const frame = frameOfPlane(cut);
  return region.kind === "sphere" ? circle(region, cut, frame) : polygon(region, cut, frame);
}

function circle({ centre, radius }: PatientSphere, cut: Cut, { right, down, normal }: Frame): RegionShape | null {
  const distance = dot(subtract(cut.origin, centre), normal);
  if (Math.abs(distance) > radius) return null;
  const middle = moved(centre, normal, distance);
  const reach = Math.sqrt(radius * radius - distance * distance);
  const at = (angle: number): Vector => moved(moved(middle, right, reach * Math.cos(angle)), down, reach * Math.sin(angle));
  const outline = Array.from({ length: AROUND }, (_, i) => at((2 * Math.PI * i) / AROUND));
  const sides = [0, 1, 2, 3].map((quarter) => ({ at: at((quarter * Math.PI) / 2), grip: { kind: "radius" } as const }));
  return { outline, handles: [{ at: middle, grip: { kind: "move" } }, ...sides] };
}

function polygon(box: PatientBox, cut: Cut, { right, down, normal }: Frame): RegionShape | null {
  const ends = [box.low, box.high];
  const size = Math.max(1, ...AXES.map((axis) => box.high[axis] - box.low[axis]));
  const corners: { at: Vector; faces: BoxFace[] }[] = [];
  // Where the box's edges cross the plane: each edge lies on two faces.
  for (const axis of AXES) {
    const others = AXES.filter((other) => other !== axis);
    for (const sides of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const from: [number, number, number] = [0, 0, 0];
      others.forEach((other, i) => (from[other] = ends[sides[i]][other]));
      from[axis] = box.low[axis];
      const slope = normal[axis];
      const ahead = dot(subtract(cut.origin, from), normal);
      const length = box.high[axis] - box.low[axis];
      if (Math.abs(slope) < ROUNDING || ahead / slope < -ROUNDING * size || ahead / slope > length + ROUNDING * size) continue;
      const at: [number, number, number] = [...from];
      at[axis] += ahead / slope;
      const faces = others.map((other, i) => ({ axis: other, high: sides[i] === 1 }));
      const same = corners.find((corner) => vectorLength(subtract(corner.at, at)) <= ROUNDING * size);
      if (same) same.faces.push(...faces);
      else corners.push({ at, faces });
    }
  }
  if (corners.length < 3) return null;
  const middle = corners.reduce<Vector>((sum, { at }) => moved(sum, at, 1 / corners.length), [0, 0, 0]);
  const angle = ({ at }: { at: Vector }): number => Math.atan2(dot(subtract(at, middle), down), dot(subtract(at, middle), right));
  const around = [...corners].sort((a, b) => angle(a) - angle(b));
  const handles = around.flatMap((corner, i) => {
    const next = around[(i + 1) % around.length];
    const shared = corner.faces.filter((face) => next.faces.some((other) => other.axis === face.axis && other.high === face.high));
    const between = moved(corner.at, subtract(next.at, corner.at), 0.5);
    const grip = (faces: readonly BoxFace[]): Grip => ({ kind: "faces", faces });
    return [{ at: corner.at, grip: grip(corner.faces) }, ...(shared.length > 0 ? [{ at: between, grip: grip(shared) }] : [])];
  });
  return { outline: around.map(({ at }) => at), handles: [{ at: middle, grip: { kind: "move" } }, ...handles] };
}

/** A region after a grip of it was dragged from one point of a plane to another. */
export function dragged(region: SolidRegion, grip: Grip, from: Vector, to: Vector): SolidRegion {
  const by = subtract(to, from);
  if (grip.kind === "move") return movedBy(region, by);
  if (region.kind === "sphere") return { ...region, radius: Math.max(LEAST_MM, vectorLength(subtract(to, region.centre))) };
  const [low, high]: [number, number, number][] = [[...region.low], [...region.high]];
  for (const { axis, high: isHigh } of grip.kind === "faces" ? grip.faces : []) {
    if (isHigh) high[axis] = Math.max(low[axis] + LEAST_MM, region.high[axis] + by[axis]);
    else low[axis] = Math.min(high[axis] - LEAST_MM, region.low[axis] + by[axis]);
  }
  return { kind: "box", low: [low[0], low[1], low[2]], high: [high[0], high[1], high[2]] };
}

export function movedBy(region: SolidRegion, by: Vector): SolidRegion {
  if (region.kind === "sphere") return { ...region, centre: add(region.centre, by) };
  return { ...region, low: add(region.low, by), high: add(region.high, by) };
}

/** A sphere drawn from its centre to its surface. */
export const drawnSphere = (centre: Vector, to: Vector): PatientSphere => ({ kind: "sphere", centre, radius: Math.max(LEAST_MM, vectorLength(subtract(to, centre))) });

/** A box drawn from corner to corner in a plane: as deep along the patient's axis nearest to the plane's normal as it is wide and high on average. */
export function drawnBox(cut: Cut, from: Vector, to: Vector): PatientBox {
  const normal = unitVector(cross(cut.right, cut.down));
  const deep = AXES.reduce<0 | 1 | 2>((most, axis) => (Math.abs(normal[axis]) > Math.abs(normal[most]) ? axis : most), 0);
  const sizes = AXES.map((axis) => Math.abs(to[axis] - from[axis]));
  const depth = AXES.reduce<number>((sum, axis) => (axis === deep ? sum : sum + sizes[axis] / 2), 0);
  const end = (side: 1 | -1, axis: 0 | 1 | 2): number => {
    if (axis === deep) return (from[axis] + to[axis]) / 2 + (side * Math.max(LEAST_MM, depth, sizes[axis])) / 2;
    const [a, b] = [Math.min(from[axis], to[axis]), Math.max(from[axis], to[axis])];
    return side < 0 ? a : Math.max(b, a + LEAST_MM);
  };
  return { kind: "box", low: [end(-1, 0), end(-1, 1), end(-1, 2)], high: [end(1, 0), end(1, 1), end(1, 2)] };
}

/** A region of about a third of what is seen, in the middle of a plane: for those who have no pointer. */
export function regionInMiddle(kind: SolidRegion["kind"], cut: Cut, at: Vector | null): SolidRegion {
  const middle = at ?? pointOfCut(cut, (cut.rows - 1) / 2, (cut.columns - 1) / 2);
  const half = Math.min(vectorLength(cut.right) * cut.columns, vectorLength(cut.down) * cut.rows) / 8;
  if (kind === "sphere") return { kind, centre: tidy(middle), radius: hundredth(half) };
  const reach: Vector = [half, half, half];
  return { kind, low: tidy(subtract(middle, reach)), high: tidy(add(middle, reach)) };
}

/** Millimetres to a hundredth: what is typed and shown is what counts. */
const hundredth = (mm: number): number => Number(mm.toFixed(2));
const tidy = ([x, y, z]: Vector): Vector => [hundredth(x), hundredth(y), hundredth(z)];

/** The region with numbers as they are shown. */
export function tidied(region: SolidRegion): SolidRegion {
  if (region.kind === "sphere") return { ...region, centre: tidy(region.centre), radius: Math.max(LEAST_MM, hundredth(region.radius)) };
  return { ...region, low: tidy(region.low), high: tidy(region.high) };
}

/** A region in words: "in a sphere of 12.5 mm about 3, −40, 12 mm". */
export function regionWords(region: SolidRegion): string {
  const point = (at: Vector): string => at.map((mm) => String(hundredth(mm)).replace("-", "−")).join(", ");
  return region.kind === "sphere" ? `in a sphere of ${hundredth(region.radius)} mm about ${point(region.centre)}` : `in a box from ${point(region.low)} to ${point(region.high)} mm`;
}
