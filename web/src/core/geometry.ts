/** Geometry of a volume's planes in the patient. Coordinates are LPS millimetres. */

import { cross, dot, unitVector, type Vector } from "@/core/vectors";

export type { Vector } from "@/core/vectors";

export type Axis = "axial" | "coronal" | "sagittal";
export type Plane = Axis | "acquired";
/** 4 x 4 matrix from a (slice, row, column) index to LPS millimetres. */
export type Affine = readonly (readonly number[])[];

export const PLANES: readonly Plane[] = ["acquired", "axial", "coronal", "sagittal"];

const LEFT = 0;
const POSTERIOR = 1;
const SUPERIOR = 2;

// For each plane: the patient axis along which its slices ascend, then the patient axis and direction in which row
// numbers grow, then those in which column numbers grow.
const PLANE_AXES: Readonly<Record<Axis, readonly [number, readonly [number, number], readonly [number, number]]>> = {
  axial: [SUPERIOR, [POSTERIOR, 1], [LEFT, 1]],
  coronal: [POSTERIOR, [SUPERIOR, -1], [LEFT, 1]],
  sagittal: [LEFT, [SUPERIOR, -1], [POSTERIOR, 1]],
};
const AXIS_PERMUTATIONS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

export const columnOf = (affine: Affine, j: number): Vector => [affine[0][j], affine[1][j], affine[2][j]];

/** For left, posterior and superior: the index axis nearest to it; `sign` is 1 if that index grows towards it. */
export function patientAxes(affine: Affine): { axis: number; sign: 1 | -1 }[] {
  const directions = [0, 1, 2].map((j) => unitVector(columnOf(affine, j)));
  let best: readonly number[] = AXIS_PERMUTATIONS[0];
  let bestFit = -1;
  for (const order of AXIS_PERMUTATIONS) {
    const fit = [0, 1, 2].reduce((sum, axis) => sum + Math.abs(directions[order[axis]][axis]), 0);
    if (fit > bestFit) {
      bestFit = fit;
      best = order;
    }
  }
  return [0, 1, 2].map((axis) => ({ axis: best[axis], sign: directions[best[axis]][axis] >= 0 ? 1 : -1 }));
}

/** The patient plane nearest to the acquired slices. */
export function acquiredAxis(affine: Affine): Axis {
  const names: Axis[] = ["sagittal", "coronal", "axial"];
  return names[patientAxes(affine).findIndex(({ axis }) => axis === 0)];
}

/** Smaller angles in degrees count as straight: patients never lie exactly along the axes. */
const STRAIGHT = 0.5;

/** What a patient's plane is called; a person's by its own name. */
type WordOf = (axis: Axis) => string;
const ofPerson: WordOf = (axis) => axis;

/** The orientation of the acquired slices as text: "axial"; "oblique, 17° from axial"; "axial, tilted by 12°". */
export function acquiredOrientation(affine: Affine, wordOf: WordOf = ofPerson): string {
  const tilt = tiltDegrees(affine);
  const plane = nearestPlaneWords(acquiredAxis(affine), obliqueDegrees(affine), wordOf);
  return tilt > STRAIGHT ? `${plane}, tilted by ${degrees(tilt)}` : plane;
}

/** A plane's orientation as text: the patient plane nearest to it, and the angle in degrees between the two. */
export function nearestPlaneWords(nearest: Axis, angle: number, wordOf: WordOf = ofPerson): string {
  return angle > STRAIGHT ? `oblique, ${degrees(angle)} from ${wordOf(nearest)}` : wordOf(nearest);
}

const degrees = (angle: number): string => `${angle < 10 ? Math.round(angle * 10) / 10 : Math.round(angle)}°`;

/** How a plane's own axes (planes, rows, columns) lie in a volume's array: the index axis of each, and whether it runs backwards. */
export interface GridTurn {
  readonly axes: readonly [number, number, number];
  readonly backwards: readonly [boolean, boolean, boolean];
}

/** How a plane lies in a volume's array; `affine` counts only for the patient's planes. */
export function gridTurn(affine: Affine | null, plane: Plane): GridTurn | null {
  if (plane === "acquired") return { axes: [0, 1, 2], backwards: [false, false, false] };
  if (!affine) return null;
  const axes = patientAxes(affine);
  const [along, [row, rowDirection], [col, columnDirection]] = PLANE_AXES[plane];
  return {
    axes: [axes[along].axis, axes[row].axis, axes[col].axis],
    backwards: [axes[along].sign < 0, axes[row].sign !== rowDirection, axes[col].sign !== columnDirection],
  };
}

/** Matrix from a (slice, row, column) index of a plane to LPS millimetres. */
export function planeAffine(affine: Affine, shape: readonly number[], plane: Plane): Affine {
  const turn = gridTurn(affine, plane);
  if (plane === "acquired" || !turn) return affine;
  return [0, 1, 2].map((i) => {
    let offset = affine[i][3];
    const steps = turn.axes.map((axis, j) => {
      if (turn.backwards[j]) offset += affine[i][axis] * (shape[axis] - 1);
      return turn.backwards[j] ? -affine[i][axis] : affine[i][axis];
    });
    return [...steps, offset];
  });
}

/** The index of the acquired slice that a plane's slice shows; null if the plane crosses the acquired slices. */
export function sliceOfPlane(affine: Affine | null, shape: readonly number[], plane: Plane, index: number): number | null {
  const turn = gridTurn(affine, plane);
  if (turn?.axes[0] !== 0) return null;
  return turn.backwards[0] ? shape[0] - 1 - index : index;
}

/**
 * Matrix of one slice from (0, row, column) to LPS millimetres.
 *
 * `orientation` holds the row cosines, then the column cosines (Image Orientation (Patient)).
 */
export function sliceAffine(
  position: Vector,
  orientation: readonly [number, number, number, number, number, number],
  [row, column]: readonly [number, number],
): Affine {
  return [0, 1, 2].map((i) => [0, orientation[3 + i] * row, orientation[i] * column, position[i]]);
}

/** The unit normal of the acquired slices, in the sense of columns x rows. */
const sliceNormal = (affine: Affine): Vector => unitVector(cross(columnOf(affine, 2), columnOf(affine, 1)));

/** Angle in degrees of an arc cosine; rounding errors beyond 1 count as 1. */
export const angleOfCosine = (cosine: number): number => (Math.acos(Math.min(1, cosine)) * 180) / Math.PI;

/** Angle in degrees between the slices and the nearest patient plane. */
export function obliqueDegrees(affine: Affine): number {
  return angleOfCosine(Math.max(...sliceNormal(affine).map(Math.abs)));
}

/** Angle in degrees between the slices' normal and the step from one slice to the next; 0 for a straight stack. */
export function tiltDegrees(affine: Affine): number {
  return angleOfCosine(Math.abs(dot(sliceNormal(affine), unitVector(columnOf(affine, 0)))));
}

/** Millimetres from one slice to the next along the slices' normal. */
export function stepOf(affine: Affine): number {
  const [a, b, c] = columnOf(affine, 1);
  const [x, y, z] = columnOf(affine, 2);
  const normal = unitVector([b * z - c * y, c * x - a * z, a * y - b * x]);
  const step = columnOf(affine, 0);
  return Math.abs(normal[0] * step[0] + normal[1] * step[1] + normal[2] * step[2]);
}

/** A (slice, row, column) index in LPS millimetres. */
export function toPatient(affine: Affine, [i, j, k]: Vector): Vector {
  const at = (row: readonly number[]) => row[0] * i + row[1] * j + row[2] * k + row[3];
  return [at(affine[0]), at(affine[1]), at(affine[2])];
}
