/** Which way the edges of a picture point in the patient: letters of a person, or of an animal. */

import { type Affine, columnOf } from "@/core/geometry";
import { perpendicularTo, scaled, unitVector, type Vector } from "@/core/vectors";

export interface EdgeLetters {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/**
 * Whose directions are named. Those of a quadruped have other letters, which differ between its trunk, head and limbs.
 *
 * PS3.3 C.7.6.2.1.1: x is left; y is posterior of a biped and dorsal of a quadruped; z is superior, cranial, of a
 * quadruped's head rostral, of its limbs proximal.
 */
export type Anatomy = "biped" | "trunk" | "head" | "limb";

/** Smaller components of a unit vector get no letter: about 11 degrees. */
const SMALLEST_COMPONENT = 0.2;

/** The letters towards increasing and decreasing x, y and z. Across a limb they differ from the foot to the shoulder: none. */
const AXES: Readonly<Record<Anatomy, readonly (readonly [string, string])[]>> = {
  biped: [["L", "R"], ["P", "A"], ["S", "I"]],
  trunk: [["LE", "RT"], ["D", "V"], ["CR", "CD"]],
  head: [["LE", "RT"], ["D", "V"], ["R", "CD"]],
  limb: [["LE", "RT"], ["", ""], ["PR", "DI"]],
};
/** Opposites among the directions that the header may name; empty where the part of the body decides and is unknown. */
const OPPOSITES: Readonly<Record<Anatomy, Readonly<Record<string, string>>>> = {
  biped: { L: "R", R: "L", A: "P", P: "A", S: "I", I: "S" },
  trunk: { LE: "RT", RT: "LE", D: "V", V: "D", CR: "CD", CD: "CR", R: "CD", M: "L", L: "M", PR: "DI", DI: "PR", PA: "D", PL: "D" },
  head: { LE: "RT", RT: "LE", D: "V", V: "D", R: "CD", CD: "R", CR: "CD", M: "L", L: "M", PR: "DI", DI: "PR", PA: "D", PL: "D" },
  limb: { LE: "RT", RT: "LE", D: "", V: "D", CR: "CD", CD: "CR", R: "CD", M: "L", L: "M", PR: "DI", DI: "PR", PA: "D", PL: "D" },
};
const HEADS = new Set(["HEAD", "SKULL", "BRAIN", "JAW", "MANDIBLE", "MAXILLA", "ORBIT", "SINUS", "NASALSINUS", "TMJ", "FACE", "EYE", "EAR", "NOSE", "TONGUE"]);
const LIMBS =
  /^(LIMB|EXTREMITY|LEG|ARM|FORELIMB|HINDLIMB|FOOT|HAND|TOE|FINGER|CARPUS|TARSUS|DIGIT|HOOF|PASTERN|FETLOCK|STIFLE|HOCK|ELBOW|KNEE|ANKLE|WRIST|SHOULDER|HIP|FEMUR|TIBIA|FIBULA|HUMERUS|RADIUS|ULNA|METACARPUS|METATARSUS|CALCANEUS|PHALANX)/;

/** Whose letters a volume gets. `bodyPart` is Body Part Examined (0018,0015); a quadruped without is taken for its trunk. */
export function anatomyOf(quadruped: boolean, bodyPart: string): Anatomy {
  if (!quadruped) return "biped";
  const part = bodyPart.trim().toUpperCase();
  if (HEADS.has(part)) return "head";
  return LIMBS.test(part) ? "limb" : "trunk";
}

/** Letters of several directions in one word: "PL"; of a quadruped, where some have two letters, "CR-D". */
const joined = (directions: readonly string[], anatomy: Anatomy): string => directions.filter((one) => one !== "").join(anatomy === "biped" ? "" : "-");

/** The patient directions of a vector, the largest component first: "R", or "RA" if it is oblique. */
export function letters(direction: Vector, anatomy: Anatomy = "biped"): string {
  const named = unitVector(direction).map((component, axis) => ({ size: Math.abs(component), letter: AXES[anatomy][axis][component < 0 ? 1 : 0] }));
  const strong = named.filter(({ size }) => size > SMALLEST_COMPONENT).sort((a, b) => b.size - a.size);
  return joined(
    strong.map(({ letter }) => letter),
    anatomy,
  );
}

/** The directions that a value of Patient Orientation names; null if it has letters that the anatomy does not know. */
function directionsOf(value: unknown, anatomy: Anatomy): string[] | null {
  if (typeof value !== "string") return null;
  const word = anatomy === "biped" ? value.trim().replaceAll("H", "S").replaceAll("F", "I") : value.trim();
  const found = word.match(anatomy === "biped" ? /[LRAPSI]/g : /LE|RT|CR|CD|PR|DI|PA|PL|[DVRML]/g) ?? [];
  return found.length >= 1 && found.length <= 3 && found.join("") === word ? found : null;
}

/**
 * Edge letters from Patient Orientation (0020,0020).
 *
 * Its two values name the directions of the rows (right edge) and of the columns (bottom edge). Null if they are missing
 * or not letters of this anatomy (PS3.3 C.7.6.1.1.1).
 */
export function edgeLettersFromOrientation(patientOrientation: unknown, anatomy: Anatomy = "biped"): EdgeLetters | null {
  const values: unknown = typeof patientOrientation === "string" ? patientOrientation.split("\\") : patientOrientation;
  if (!Array.isArray(values) || values.length !== 2) return null;
  const [right, bottom] = values.map((value: unknown) => directionsOf(value, anatomy));
  if (!right || !bottom) return null;
  const opposite = (directions: readonly string[]) =>
    joined(
      directions.map((one) => OPPOSITES[anatomy][one]),
      anatomy,
    );
  return { left: opposite(right), right: joined(right, anatomy), top: opposite(bottom), bottom: joined(bottom, anatomy) };
}

/** Edge letters of a plane. In a sheared plane the bottom edge is the direction perpendicular to the rows. */
export function edgeLetters(plane: Affine, anatomy: Anatomy = "biped"): EdgeLetters {
  const right = columnOf(plane, 2);
  const down = perpendicularTo(columnOf(plane, 1), right);
  const [left, up] = [scaled(right, -1), scaled(down, -1)];
  return { left: letters(left, anatomy), right: letters(right, anatomy), top: letters(up, anatomy), bottom: letters(down, anatomy) };
}

/** The letters of a picture that is mirrored left to right, then turned clockwise. */
export function turnedLetters(edges: EdgeLetters, { rotation, flipped }: { rotation: 0 | 90 | 180 | 270; flipped: boolean }): EdgeLetters {
  const { top, bottom } = edges;
  const [left, right] = flipped ? [edges.right, edges.left] : [edges.left, edges.right];
  const clockwise = [top, right, bottom, left];
  const [up, east, down, west] = [0, 1, 2, 3].map((side) => clockwise[(side + 4 - rotation / 90) % 4]);
  return { top: up, right: east, bottom: down, left: west };
}
