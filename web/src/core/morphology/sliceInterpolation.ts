/**
 * Slices between painted ones, from the shapes' signed distances (Raya and Udupa, 1990), in millimetres.
 *
 * Each piece of a slice goes over into the pieces that belong to it in the next painted slice. One piece and one are laid
 * upon each other by their middles, which move on a straight line, if they fit better so; so a slanting vessel stays as
 * wide as it is. A piece that belongs to none tapers to a point at the next painted slice. Distances lie in the slice's
 * plane, with its own steps; on a sheared grid places go along the grid's axis.
 */

import type { Affine } from "@/core/geometry";
import type { GridAxis } from "@/core/morphology/enclosed";
import { boundsOf, croppedMask, type Mask, pastedMask, ROUNDING_MM, stepsInMm, withRoom } from "@/core/morphology/maskBox";
import { matchedPieces, type PieceMatch, type PlanePiece, type PlanePieces, piecesOfPlane } from "@/core/morphology/planePieces";
import { PlaneDistances } from "@/core/morphology/planeDistance";
import type { Work } from "@/core/morphology/work";

/** The mask with every gap filled that lies between two planes across `axis` which hold something. */
export function* slicesInterpolated(mask: Mask, affine: Affine, axis: GridAxis): Work<Mask> {
  const bounds = boundsOf(mask);
  if (bounds === null) return { data: mask.data.slice(), shape: mask.shape };
  // What lies between two shapes lies within their bounds; one pixel around them has distances outside.
  const room = withRoom(bounds, [1, 1, 1], mask.shape);
  const small = croppedMask(mask, room);
  const planes = new MaskPlanes(small, axis);
  const steps = stepsInMm(affine).filter((_, i) => i !== axis) as [number, number];
  const distances = new PlaneDistances([planes.rows, planes.columns], steps);
  const painted = planes.filled();
  for (let i = 1; i < painted.length; i += 1) {
    const [from, to] = [painted[i - 1], painted[i]];
    if (to > from + 1) yield* filledGap(planes, distances, from, to, [(i - 1) / painted.length, i / painted.length]);
    yield i / painted.length;
  }
  return pastedMask(small, room, mask.shape);
}

/** The planes of a box across one of its axes. */
class MaskPlanes {
  readonly rows: number;
  readonly columns: number;
  private readonly strides: readonly number[];
  private readonly count: number;

  constructor(
    private readonly mask: Mask,
    axis: GridAxis,
  ) {
    const strides = [mask.shape[1] * mask.shape[2], mask.shape[2], 1];
    [this.rows, this.columns] = mask.shape.filter((_, i) => i !== axis);
    this.strides = [strides[axis], ...strides.filter((_, i) => i !== axis)];
    this.count = mask.shape[axis];
  }

  read(index: number): Uint8Array {
    const plane = new Uint8Array(this.rows * this.columns);
    this.each(index, (at, pixel) => (plane[pixel] = this.mask.data[at]));
    return plane;
  }

  add(index: number, plane: Uint8Array): void {
    this.each(index, (at, pixel) => (this.mask.data[at] |= plane[pixel]));
  }

  /** The indices of the planes that hold something, ascending. */
  filled(): number[] {
    return Array.from({ length: this.count }, (_, index) => index).filter((index) => this.read(index).includes(1));
  }

  private each(index: number, visit: (at: number, pixel: number) => void): void {
    const [plane, line, step] = this.strides;
    for (let row = 0, pixel = 0; row < this.rows; row += 1) {
      for (let column = 0, at = index * plane + row * line; column < this.columns; column += 1, at += step, pixel += 1) visit(at, pixel);
    }
  }
}

function* filledGap(planes: MaskPlanes, distances: PlaneDistances, from: number, to: number, [low, high]: readonly [number, number]): Work<void> {
  const { rows, columns } = planes;
  const [here, there] = [from, to].map((index) => piecesOfPlane(planes.read(index), rows, columns));
  const matches = matchedPieces(here, there, distances.steps);
  for (const [i, match] of matches.entries()) {
    const between = shapesBetween(here, there, match, distances, [rows, columns]);
    for (let index = from + 1; index < to; index += 1) {
      yield low + ((high - low) * (i + (index - from) / (to - from))) / matches.length;
      planes.add(index, between((index - from) / (to - from)));
    }
  }
}

/** A shape's signed distance in mm (positive inside), and how its plane moves towards the other. */
interface MovingShape {
  readonly signed: Float64Array;
  /** Rows and columns by which the plane is moved at the share 1. */
  readonly shift: readonly [number, number];
}

/** The shape at a share of the way from the pieces of one plane to those of the other. */
function shapesBetween(here: PlanePieces, there: PlanePieces, match: PieceMatch, distances: PlaneDistances, [rows, columns]: readonly [number, number]): (share: number) => Uint8Array {
  const size = rows * columns;
  const one = signedDistance(pixelsOf(here, match.here), distances);
  const other = signedDistance(pixelsOf(there, match.there), distances);
  const begin = one ?? tipOf(other ?? new Float64Array(size), distances, columns);
  const end = other ?? tipOf(begin, distances, columns);
  const shift = one && other ? fittingShift(begin, end, match, [rows, columns]) : ([0, 0] as const);
  return (share) => {
    const shape = new Uint8Array(size);
    const first = sampled({ signed: begin, shift }, share, [rows, columns]);
    const second = sampled({ signed: end, shift: [-shift[0], -shift[1]] }, 1 - share, [rows, columns]);
    for (let at = 0; at < size; at += 1) if ((1 - share) * first[at] + share * second[at] > ROUNDING_MM) shape[at] = 1;
    return shape;
  };
}

function pixelsOf({ numbers }: PlanePieces, pieces: readonly PlanePiece[]): Uint8Array {
  const chosen = new Set(pieces.map(({ number }) => number));
  return Uint8Array.from(numbers, (number) => (chosen.has(number) ? 1 : 0));
}

/**
 * Inside the distance to the nearest pixel outside, outside less that to the nearest one inside; null for no pixels.
 *
 * A shape that fills its plane has a surface nowhere: everything is as far inside as the plane is large.
 */
function signedDistance(plane: Uint8Array, distances: PlaneDistances): Float64Array | null {
  if (!plane.includes(1)) return null;
  if (!plane.includes(0)) return new Float64Array(plane.length).fill(distances.diagonal);
  const [inside, outside] = [new Float64Array(plane.length), new Float64Array(plane.length)];
  distances.measure(plane, 0, 0, inside);
  distances.measure(plane, 0, 1, outside);
  return inside.map((square, at) => (plane[at] === 1 ? Math.sqrt(square) : -Math.sqrt(outside[at])));
}

/** The signed distance of the point to which a shape tapers: its innermost pixel, the first in C order. */
function tipOf(signed: Float64Array, { steps: [rowStep, columnStep] }: PlaneDistances, columns: number): Float64Array {
  const tip = signed.reduce((best, mm, at) => (mm > signed[best] + ROUNDING_MM ? at : best), 0);
  const row = Math.floor(tip / columns);
  const column = tip - row * columns;
  return signed.map((_, at) => {
    const r = Math.floor(at / columns);
    return -Math.hypot((r - row) * rowStep, (at - r * columns - column) * columnStep);
  });
}

/** How one piece moves into one other: by their middles if they share more pixels so, else not at all. */
function fittingShift(begin: Float64Array, end: Float64Array, { here, there }: PieceMatch, size: readonly [number, number]): readonly [number, number] {
  if (here.length !== 1 || there.length !== 1) return [0, 0];
  const shift = [there[0].centre[0] - here[0].centre[0], there[0].centre[1] - here[0].centre[1]] as const;
  const common = (moved: Float64Array): number => moved.reduce((count, mm, at) => count + (mm > ROUNDING_MM && end[at] > ROUNDING_MM ? 1 : 0), 0);
  return common(sampled({ signed: begin, shift }, 1, size)) >= common(begin) ? shift : [0, 0];
}

/** The signed distances of a shape that is moved by a share of its shift, linear between pixels, and repeated at the edge. */
function sampled({ signed, shift }: MovingShape, share: number, [rows, columns]: readonly [number, number]): Float64Array {
  const [down, right] = [share * shift[0], share * shift[1]];
  if (down === 0 && right === 0) return signed;
  const moved = new Float64Array(signed.length);
  for (let row = 0, at = 0; row < rows; row += 1) {
    const [above, below, rowShare] = between(row - down, rows);
    for (let column = 0; column < columns; column += 1, at += 1) {
      const [left, next, columnShare] = between(column - right, columns);
      const top = mixed(signed[above * columns + left], signed[above * columns + next], columnShare);
      moved[at] = mixed(top, mixed(signed[below * columns + left], signed[below * columns + next], columnShare), rowShare);
    }
  }
  return moved;
}

const mixed = (one: number, other: number, share: number): number => one + (other - one) * share;

/** The two places around a place of a line, and the share of the second; beyond the ends, the end. */
function between(place: number, count: number): readonly [number, number, number] {
  const inside = Math.min(count - 1, Math.max(0, place));
  const first = Math.min(Math.floor(inside), Math.max(0, count - 2));
  return [first, Math.min(count - 1, first + 1), inside - first];
}
