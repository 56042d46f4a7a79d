/** The pieces of a plane of a mask, and which of them belong to which in another plane. */

import { ROUNDING_MM } from "@/core/morphology/maskBox";

/** Pixels of a plane that are connected through edges or corners. */
export interface PlanePiece {
  readonly number: number;
  readonly pixels: number;
  /** The middle of its pixels, as (row, column). */
  readonly centre: readonly [number, number];
}

export interface PlanePieces {
  /** For each pixel the number of its piece; 0 for none. Pieces are numbered from 1, in C order. */
  readonly numbers: Int32Array;
  readonly pieces: readonly PlanePiece[];
}

/** Pieces of one plane and those of another that go on from them. Either may be empty: there a structure ends. */
export interface PieceMatch {
  readonly here: readonly PlanePiece[];
  readonly there: readonly PlanePiece[];
}

export function piecesOfPlane(plane: Uint8Array, rows: number, columns: number): PlanePieces {
  const numbers = new Int32Array(plane.length);
  const pieces: PlanePiece[] = [];
  const stack: number[] = [];
  for (let seed = 0; seed < plane.length; seed += 1) {
    if (plane[seed] === 0 || numbers[seed] !== 0) continue;
    const number = pieces.length + 1;
    let [pixels, rowSum, columnSum] = [0, 0, 0];
    numbers[seed] = number;
    stack.push(seed);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const row = Math.floor(at / columns);
      const column = at - row * columns;
      pixels += 1;
      rowSum += row;
      columnSum += column;
      for (let r = Math.max(0, row - 1); r <= Math.min(rows - 1, row + 1); r += 1) {
        for (let c = Math.max(0, column - 1); c <= Math.min(columns - 1, column + 1); c += 1) {
          const other = r * columns + c;
          if (plane[other] === 0 || numbers[other] !== 0) continue;
          numbers[other] = number;
          stack.push(other);
        }
      }
    }
    pieces.push({ number, pixels, centre: [rowSum / pixels, columnSum / pixels] });
  }
  return { numbers, pieces };
}

/** How much farther apart than they are wide two pieces may lie that belong together without overlapping. */
const FARTHEST = 1;

/**
 * Matches the pieces of two planes.
 *
 * Pieces that overlap belong together, with all that they overlap: branches. Of the others the nearest pairs belong
 * together whose gap is no wider than the smaller of the two; and one piece alone in its plane belongs to one alone in
 * the other, wherever it lies. What is left has nobody: there a structure ends.
 *
 * @param steps millimetres from row to row and from column to column
 */
export function matchedPieces(here: PlanePieces, there: PlanePieces, steps: readonly [number, number]): PieceMatch[] {
  const matches = overlappingPieces(here, there);
  const taken = new Set(matches.flatMap((match) => [...match.here, ...match.there]));
  const [lonelyHere, lonelyThere] = [here, there].map(({ pieces }) => pieces.filter((piece) => !taken.has(piece)));
  const alone = here.pieces.length === 1 && there.pieces.length === 1;
  const pairs = lonelyHere
    .flatMap((a) => lonelyThere.map((b) => ({ a, b, mm: distanceBetween(a, b, steps), widths: [a, b].map((piece) => widthOf(piece, steps)) })))
    .filter(({ mm, widths: [a, b] }) => alone || mm - (a + b) / 2 <= FARTHEST * Math.min(a, b))
    .sort((one, other) => Math.round(one.mm / ROUNDING_MM) - Math.round(other.mm / ROUNDING_MM) || one.a.number - other.a.number || one.b.number - other.b.number);
  for (const { a, b } of pairs) {
    if (taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    matches.push({ here: [a], there: [b] });
  }
  for (const a of lonelyHere) if (!taken.has(a)) matches.push({ here: [a], there: [] });
  for (const b of lonelyThere) if (!taken.has(b)) matches.push({ here: [], there: [b] });
  return matches;
}

const distanceBetween = (a: PlanePiece, b: PlanePiece, [rowStep, columnStep]: readonly [number, number]): number =>
  Math.hypot((a.centre[0] - b.centre[0]) * rowStep, (a.centre[1] - b.centre[1]) * columnStep);

/** The diameter of the disc that is as large as a piece. */
const widthOf = ({ pixels }: PlanePiece, [rowStep, columnStep]: readonly [number, number]): number => 2 * Math.sqrt((pixels * rowStep * columnStep) / Math.PI);

/** The groups of pieces that overlap one another, directly or by others. */
function overlappingPieces(here: PlanePieces, there: PlanePieces): PieceMatch[] {
  const overlaps = new Map<number, Set<number>>();
  for (let at = 0; at < here.numbers.length; at += 1) {
    const [a, b] = [here.numbers[at], there.numbers[at]];
    if (a === 0 || b === 0) continue;
    const partners = overlaps.get(a);
    if (partners) partners.add(b);
    else overlaps.set(a, new Set([b]));
  }
  const groups: { here: Set<number>; there: Set<number> }[] = [];
  for (const [a, partners] of [...overlaps].sort(([one], [other]) => one - other)) {
    const joined = groups.filter((group) => [...partners].some((b) => group.there.has(b)));
    const group = { here: new Set([a, ...joined.flatMap((one) => [...one.here])]), there: new Set([...partners, ...joined.flatMap((one) => [...one.there])]) };
    for (const one of joined) groups.splice(groups.indexOf(one), 1);
    groups.push(group);
  }
  return groups.map((group) => ({
    here: here.pieces.filter(({ number }) => group.here.has(number)),
    there: there.pieces.filter(({ number }) => group.there.has(number)),
  }));
}
