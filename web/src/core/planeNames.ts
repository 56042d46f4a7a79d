/** What planes are called: a person's and an animal's have words of their own. */

import { type Anatomy, letters } from "@/core/edgeLetters";
import type { Axis, Plane } from "@/core/geometry";
import type { Vector } from "@/core/vectors";

/** Each plane's normal. */
const NORMALS: Readonly<Record<Axis, Vector>> = { sagittal: [1, 0, 0], coronal: [0, 1, 0], axial: [0, 0, 1] };
/** Of a standing animal's trunk and head, whose y axis is dorsal: the plane across it is parallel to the back. */
const QUADRUPED: Readonly<Record<Axis, string>> = { sagittal: "sagittal", coronal: "dorsal", axial: "transverse" };

/**
 * What a plane across a patient axis is called.
 *
 * Across a limb nothing tells which side is dorsal (PS3.3 C.7.6.1.1.1), so its planes are told by letters alone: the
 * direction that they lie across or, where that has no letters, the two that they lie along.
 */
export function axisWord(axis: Axis, anatomy: Anatomy): string {
  if (anatomy === "biped") return axis;
  if (anatomy !== "limb") return QUADRUPED[axis];
  const ends = ({ [axis]: normal }: Readonly<Record<Axis, Vector>>): string => [letters(normal, anatomy), letters(normal.map((x) => -x) as unknown as Vector, anatomy)].join("–");
  const across = ends(NORMALS);
  if (across !== "–") return `across ${across}`;
  const along = (["sagittal", "axial"] as const).map((other) => ends({ ...NORMALS, [axis]: NORMALS[other] }));
  return `along ${along.join(" and ")}`;
}

/** A plane's name, as a title. */
export function planeTitle(plane: Plane, anatomy: Anatomy): string {
  const word = plane === "acquired" ? "as acquired" : axisWord(plane, anatomy);
  return word.charAt(0).toUpperCase() + word.slice(1);
}
