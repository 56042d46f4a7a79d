/**
 * Planes through the patient: an orthonormal frame turned any way, and the rectangle of points that is cut in it.
 *
 * Coordinates are LPS millimetres. A volume's box reaches from half a voxel before its first voxels' centres to half a
 * voxel behind its last ones'.
 */

import { type Affine, angleOfCosine, type Axis, columnOf, nearestPlaneWords, type Plane, planeAffine, toPatient } from "@/core/geometry";
import { add, cross, dot, moved, perpendicularTo, scaled, subtract, unitVector, type Vector, vectorLength } from "@/core/vectors";

/** Three perpendicular unit vectors: to the right and down on the screen, and `normal` = right x down. */
export interface Frame {
  readonly right: Vector;
  readonly down: Vector;
  readonly normal: Vector;
}

/** A rectangle of points; `right` and `down` lead from one pixel to the next, `origin` is the centre of pixel (0, 0). */
export interface Cut {
  readonly origin: Vector;
  readonly right: Vector;
  readonly down: Vector;
  readonly rows: number;
  readonly columns: number;
}

/** A volume's grid; shape is (slices, rows, columns). */
export interface Grid {
  readonly affine: Affine;
  readonly shape: readonly number[];
}

/** Planes at `first`, `first + step`, ... mm along a normal from the LPS origin. */
export interface ScrollRange {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** A straight line in a cut's pixel coordinates; (dRow, dColumn) is 1 mm long. */
export interface LineOfCut {
  readonly row: number;
  readonly column: number;
  readonly dRow: number;
  readonly dColumn: number;
}

const LEFT: Vector = [1, 0, 0];
const POSTERIOR: Vector = [0, 1, 0];
const SUPERIOR: Vector = [0, 0, 1];
const INFERIOR: Vector = [0, 0, -1];

/** The patient's planes as radiologists look at them; the normal of sagittal planes points to the right. */
export const PATIENT_FRAMES: Readonly<Record<Axis, Frame>> = {
  axial: { right: LEFT, down: POSTERIOR, normal: SUPERIOR },
  coronal: { right: LEFT, down: INFERIOR, normal: POSTERIOR },
  sagittal: { right: POSTERIOR, down: INFERIOR, normal: [-1, 0, 0] },
};

/** The most pixels of a cut: the server's limit too. */
const MOST_PIXELS = 4 * 1024 * 1024;
/** A part of a pixel: what rounding errors may add to a box's size without another row or column. */
const ROUNDING = 1e-6;
/** Degrees; normals closer to each other count as one. */
const SAME_NORMAL = 0.1;
/** Differences of unit vectors, and millimetres, that are rounding errors. */
const SAME_DIRECTION = 1e-9;
const SAME_PLACE_MM = 1e-6;
/** The sine of the angle below which two planes count as parallel. */
const PARALLEL = 1e-6;

/** The frame whose rows run along `right`, and whose columns run along the part of `down` perpendicular to it. */
export function frameOf(right: Vector, down: Vector): Frame {
  const unitRight = unitVector(right);
  const normal = unitVector(cross(unitRight, perpendicularTo(down, unitRight)));
  return { right: unitRight, down: cross(normal, unitRight), normal };
}

/** The frame of a volume's own planes; a sheared plane's rows are straightened, so that down is perpendicular to right. */
export function gridFrame(affine: Affine, plane: Plane): Frame {
  // The number of voxels only moves the plane's first pixel.
  const turnedAffine = planeAffine(affine, [1, 1, 1], plane);
  return frameOf(columnOf(turnedAffine, 2), columnOf(turnedAffine, 1));
}

/** The frame's orientation as text: "axial"; "oblique, 17° from axial". */
export function describedFrame({ normal }: Frame, wordOf?: (axis: Axis) => string): string {
  const sizes = normal.map(Math.abs);
  const largest = Math.max(...sizes);
  const nearest = (["sagittal", "coronal", "axial"] as const)[sizes.indexOf(largest)];
  return nearestPlaneWords(nearest, angleOfCosine(largest), wordOf);
}

/** The way planes are numbered: the normal or its opposite, whichever leads to superior, posterior or left. */
export function ascent({ normal }: Frame): Vector {
  const largest = normal.reduce((most, component) => (Math.abs(component) > Math.abs(most) ? component : most), 0);
  return largest < 0 ? scaled(normal, -1) : normal;
}

/**
 * Matrix from LPS millimetres to a (slice, row, column) index.
 *
 * By cofactors, in the order of operations of the server's `core/cuts.py`: both give the same bits.
 */
export function inverseAffine(affine: Affine): Affine {
  const [[a, b, c, x], [d, e, f, y], [g, h, i, z]] = affine;
  const cofactors = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  const determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0];
  return cofactors.map(([p, q, r]) => {
    const row = [p / determinant, q / determinant, r / determinant];
    return [...row, -(row[0] * x + row[1] * y + row[2] * z)];
  });
}

/** The fractional (slice, row, column) index of a point; `inverse` is the inverse of the volume's affine. */
export const toIndex = (inverse: Affine, point: Vector): Vector => toPatient(inverse, point);

/** The index of the voxel in which a point lies; it may lie outside of the volume. */
export function voxelAt(affine: Affine, point: Vector): Vector {
  const [slice, row, column] = toIndex(inverseAffine(affine), point);
  return [Math.floor(slice + 0.5), Math.floor(row + 0.5), Math.floor(column + 0.5)];
}

/** The centre of a pixel; fractions lie between the pixels' centres. */
export function pointOfCut(cut: Cut, row: number, column: number): Vector {
  return moved(moved(cut.origin, cut.down, row), cut.right, column);
}

/** The pixel of a cut nearest to a point, in fractions, and the point's distance from the plane along right x down. */
export function pixelOfCut(cut: Cut, point: Vector): { row: number; column: number; distance: number } {
  const normal = cross(cut.right, cut.down);
  const size = dot(normal, normal);
  const offset = subtract(point, cut.origin);
  return {
    row: dot(cross(cut.right, offset), normal) / size,
    column: dot(cross(offset, cut.down), normal) / size,
    distance: dot(offset, normal) / Math.sqrt(size),
  };
}

/** The centre of a volume's box. */
export const centreOf = ({ affine, shape }: Grid): Vector => toPatient(affine, [(shape[0] - 1) / 2, (shape[1] - 1) / 2, (shape[2] - 1) / 2]);

/** The length of a volume's box along a unit vector, between the planes that touch its corners. */
function widthAlong({ affine, shape }: Grid, direction: Vector): number {
  return [0, 1, 2].reduce((sum, axis) => sum + Math.abs(dot(columnOf(affine, axis), direction)) * shape[axis], 0);
}

/**
 * The rectangle in the plane through `point` that holds all of the volume's box there.
 *
 * Its centre is the projection of the box's centre and its size is that of the whole box, so that neither moves while
 * the point moves within the plane, nor when it leaves the plane along the normal. The pixels are square, and larger than
 * `mmPerPixel` if there would be too many. Along the volume's own axes, with its own spacing, they are its voxels.
 */
export function cutThrough(point: Vector, frame: Frame, grid: Grid, mmPerPixel: number): Cut {
  const centre = centreOf(grid);
  const middle = moved(centre, frame.normal, dot(subtract(point, centre), frame.normal));
  const [width, height] = [widthAlong(grid, frame.right), widthAlong(grid, frame.down)];
  const pixels = (length: number, mm: number) => Math.max(1, Math.ceil(length / mm - ROUNDING));
  let mm = mmPerPixel;
  while (pixels(width, mm) * pixels(height, mm) > MOST_PIXELS) {
    mm *= Math.max(1.0001, Math.sqrt((pixels(width, mm) * pixels(height, mm)) / MOST_PIXELS));
  }
  const [rows, columns] = [pixels(height, mm), pixels(width, mm)];
  const [right, down] = [scaled(frame.right, mm), scaled(frame.down, mm)];
  return { origin: moved(moved(middle, down, -(rows - 1) / 2), right, -(columns - 1) / 2), right, down, rows, columns };
}

/** For each index axis: the direction in which its index grows fastest, with its growth per mm as length. */
const gradients = (affine: Affine): readonly Vector[] => inverseAffine(affine).map(([x, y, z]) => [x, y, z]);

/**
 * The largest mm per pixel that skips no voxel: a step of that length in the plane, in any direction, changes no index
 * by more than 1. In the volume's own planes it is the smaller spacing, and a little less where they are sheared.
 */
export function naturalStep(affine: Affine, frame: Frame): number {
  const growth = gradients(affine).map((gradient) => Math.hypot(dot(gradient, frame.right), dot(gradient, frame.down)));
  return 1 / Math.max(...growth);
}

/**
 * The mm along a unit normal over which one index changes by 1 and no index by more.
 *
 * Along the normal of the volume's own planes it is the distance of these planes, even if they are sheared against each other.
 */
export function stepAlong(affine: Affine, normal: Vector): number {
  const growth = gradients(affine);
  const own = growth.find((gradient) => angleOfCosine(Math.abs(dot(unitVector(gradient), normal))) < SAME_NORMAL);
  return 1 / (own ? vectorLength(own) : Math.max(...growth.map((gradient) => Math.abs(dot(gradient, normal)))));
}

/** Where a volume's box begins and ends along a unit normal, in mm from the LPS origin. */
export function extentAlong(grid: Grid, normal: Vector): { low: number; high: number } {
  const middle = dot(centreOf(grid), normal);
  const half = widthAlong(grid, normal) / 2;
  return { low: middle - half, high: middle + half };
}

/** The planes to scroll through along a unit normal: one step apart, in the middle of the box; the volume's own slices along its own normal. */
export function scrollRange(grid: Grid, normal: Vector): ScrollRange {
  const { low, high } = extentAlong(grid, normal);
  const step = stepAlong(grid.affine, normal);
  const count = Math.max(1, Math.ceil((high - low) / step - ROUNDING));
  return { first: (low + high) / 2 - ((count - 1) / 2) * step, step, count };
}

/** Where the plane through `through` with another frame crosses a cut; null if the two are parallel. */
export function lineOf(cut: Cut, other: Frame, through: Vector): LineOfCut | null {
  const direction = cross(unitVector(cross(cut.right, cut.down)), other.normal);
  if (vectorLength(direction) < PARALLEL) return null;
  const { row, column } = pixelOfCut(cut, through);
  // `through` may lie beside the cut: from its projection straight to the line, within the cut.
  const foot = pointOfCut(cut, row, column);
  const towards = perpendicularTo(other.normal, unitVector(cross(cut.right, cut.down)));
  const onLine = pixelOfCut(cut, moved(foot, towards, dot(subtract(through, foot), other.normal) / dot(towards, other.normal)));
  const ahead = pixelOfCut(cut, add(cut.origin, unitVector(direction)));
  return { row: onLine.row, column: onLine.column, dRow: ahead.row, dColumn: ahead.column };
}

/** The rectangle of one plane of a grid; `affine` leads from a (plane, row, column) index to LPS millimetres. */
export const cutOfSlice = (affine: Affine, index: number, { rows, columns }: { rows: number; columns: number }): Cut => ({
  origin: toPatient(affine, [index, 0, 0]),
  right: columnOf(affine, 2),
  down: columnOf(affine, 1),
  rows,
  columns,
});

const near = (a: Vector, b: Vector, tolerance: number): boolean => a.every((part, i) => Math.abs(part - b[i]) <= tolerance);

export const sameFrame = (a: Frame | null, b: Frame | null): boolean =>
  a !== null && b !== null && near(a.right, b.right, SAME_DIRECTION) && near(a.down, b.down, SAME_DIRECTION);

/** True for cuts that differ by rounding errors only: a point moved within its plane. */
export const sameCut = (a: Cut, b: Cut): boolean =>
  a.rows === b.rows && a.columns === b.columns && near(a.right, b.right, 0) && near(a.down, b.down, 0) && near(a.origin, b.origin, SAME_PLACE_MM);
