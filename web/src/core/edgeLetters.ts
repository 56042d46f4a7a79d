/** Which way the edges of a picture point in the patient: L, R, A, P, S, I. */

import { type Affine, columnOf } from "@/core/geometry";
import { perpendicularTo, scaled, unitVector, type Vector } from "@/core/vectors";

export interface EdgeLetters {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/** Smaller components of a unit vector get no letter: about 11 degrees. */
const SMALLEST_COMPONENT = 0.2;

/** The patient directions of a vector, the largest component first: "R", or "RA" if it is oblique. */
export function letters(direction: Vector): string {
  const named = unitVector(direction).map((component, axis) => ({ size: Math.abs(component), letter: "LRPASI"[axis * 2 + (component < 0 ? 1 : 0)] }));
  return named
    .filter(({ size }) => size > SMALLEST_COMPONENT)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join("");
}

const OPPOSITE: Readonly<Record<string, string>> = { L: "R", R: "L", A: "P", P: "A", S: "I", I: "S" };

/**
 * Edge letters from Patient Orientation (0020,0020).
 *
 * Its two values name the directions of the rows (right edge) and of the columns (bottom edge). Null if they are missing
 * or not letters of a biped (PS3.3 C.7.6.1.1.1).
 */
export function edgeLettersFromOrientation(patientOrientation: unknown): EdgeLetters | null {
  const values = typeof patientOrientation === "string" ? patientOrientation.split("\\") : patientOrientation;
  if (!Array.isArray(values) || values.length !== 2) return null;
  const [right, bottom] = values.map((value: unknown) => (typeof value === "string" ? value.trim().replaceAll("H", "S").replaceAll("F", "I") : ""));
  if (!/^[LRAPSI]{1,3}$/.test(right) || !/^[LRAPSI]{1,3}$/.test(bottom)) return null;
  const oppositeLetters = (letters: string) => Array.from(letters, (letter) => OPPOSITE[letter]).join("");
  return { left: oppositeLetters(right), right, top: oppositeLetters(bottom), bottom };
}

/** Edge letters of a plane. In a sheared plane the bottom edge is the direction perpendicular to the rows. */
export function edgeLetters(plane: Affine): EdgeLetters {
  const right = columnOf(plane, 2);
  const down = perpendicularTo(columnOf(plane, 1), right);
  const opposite = (direction: Vector): Vector => scaled(direction, -1);
  return { left: letters(opposite(right)), right: letters(right), top: letters(opposite(down)), bottom: letters(down) };
}

/** The letters of a picture that is mirrored left to right, then turned clockwise. */
export function turnedLetters(edges: EdgeLetters, { rotation, flipped }: { rotation: 0 | 90 | 180 | 270; flipped: boolean }): EdgeLetters {
  const { top, bottom } = edges;
  const [left, right] = flipped ? [edges.right, edges.left] : [edges.left, edges.right];
  const clockwise = [top, right, bottom, left];
  const [up, east, down, west] = [0, 1, 2, 3].map((side) => clockwise[(side + 4 - rotation / 90) % 4]);
  return { top: up, right: east, bottom: down, left: west };
}
