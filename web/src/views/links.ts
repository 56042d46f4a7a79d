/** How two views are linked: which points of them are the same place, and which windows mean the same. */

import { formatNumber } from "@/core/formatting";
import { add, cross, dot, subtract, unitVector, type Vector } from "@/core/vectors";
import type { VoiChoice } from "@/core/voiChoices";
import type { View } from "@/views/view";

/** What is added to a point of one view's space to get the same place in another's; keys are `linkKey`s. */
export type Offsets = Readonly<Record<string, Vector | undefined>>;

export type Link =
  | { readonly kind: "volume" | "frame" }
  | { readonly kind: "hand"; readonly offset: Vector }
  /** `why` says what is missing. */
  | { readonly kind: "none"; readonly why: string };

const COORDINATES = ["L", "P", "S"] as const;
/** The cosine of the angle up to which two planes are looked at as one. */
const PARALLEL = Math.cos(Math.PI / 6);

/** The name of a view's space: the patient and the Frame of Reference, or the series if that is unknown. */
export const spaceOf = (view: View): string => `${view.series?.patient.id ?? ""} ${view.space || `series ${view.series?.id ?? ""}`}`;

const linkKey = (from: View, to: View): string => `${spaceOf(from)}>${spaceOf(to)}`;

export const samePatient = (a: View, b: View): boolean => a.series !== null && a.series.patient.id === b.series?.patient.id;

/** True if two volumes of one series have their voxels at the same places. */
function sameGrid(a: View, b: View): boolean {
  if (a.series === null || a.series.id !== b.series?.id || !a.volume || !b.volume) return false;
  return a.volumeIndex === b.volumeIndex || (a.volume.grid !== null && a.volume.grid === b.volume.grid);
}

export function linkBetween(from: View, to: View, offsets: Offsets): Link {
  if (!from.volume || !to.volume) return { kind: "none", why: "nothing is shown" };
  if (sameGrid(from, to)) return { kind: "volume" };
  const offset = offsets[linkKey(from, to)];
  if (offset) return { kind: "hand", offset };
  if (!samePatient(from, to)) return { kind: "none", why: "another patient" };
  if (!from.lookedAt || !to.lookedAt) return { kind: "none", why: "no position in the patient" };
  if (from.space !== "" && from.space === to.space) return { kind: "frame" };
  return { kind: "none", why: from.space && to.space ? "another frame of reference" : "the frame of reference is unknown" };
}

/** The link as a view shows it. */
export function linkWords(link: Link): string {
  if (link.kind === "volume") return "same grid";
  if (link.kind === "none") return `not linked: ${link.why}`;
  if (link.kind !== "hand") return "same frame of reference";
  const parts = link.offset.map((mm, i) => `${COORDINATES[i]} ${formatNumber(Math.round(mm * 10) / 10, 1)}`);
  return `linked by hand: offset ${parts.join(", ")} mm`;
}

/** The same point in another view; null if nobody knows it. */
export function pointThrough(link: Link, point: Vector): Vector | null {
  if (link.kind === "none") return null;
  return link.kind === "hand" ? add(point, link.offset) : point;
}

/** The offsets with both views' current points as the same place. */
export function linkedByHand(offsets: Offsets, from: View, to: View): Offsets {
  const [a, b] = [from.lookedAt, to.lookedAt];
  return a && b ? linkedBy(offsets, from, to, subtract(b, a)) : offsets;
}

/** The offsets with one that is added to a point of `from` to get the same place in `to`. */
export function linkedBy(offsets: Offsets, from: View, to: View, offset: Vector): Offsets {
  return { ...offsets, [linkKey(from, to)]: offset, [linkKey(to, from)]: subtract([0, 0, 0], offset) };
}

/** The links by hand between views, one for each two spaces; views are told by their indices. */
export function handLinks(views: readonly View[], offsets: Offsets): { from: number; to: number; offset: Vector }[] {
  const found = new Map<string, { from: number; to: number; offset: Vector }>();
  views.forEach((first, from) => {
    views.forEach((second, to) => {
      const link = linkBetween(first, second, offsets);
      const key = linkKey(first, second);
      if (from < to && link.kind === "hand" && !found.has(key) && !found.has(linkKey(second, first))) found.set(key, { from, to, offset: link.offset });
    });
  });
  return [...found.values()];
}

export function unlinked(offsets: Offsets, from: View, to: View): Offsets {
  return { ...offsets, [linkKey(from, to)]: undefined, [linkKey(to, from)]: undefined };
}

/** Why one view's window means nothing in another; empty if it does. */
export function windowRefusal(from: View, to: View): string {
  const [a, b] = [from.volume, to.volume];
  if (!a || !b || a.colour || b.colour) return "colours have no window";
  if (from.series?.id === to.series?.id) return "";
  if (a.unit === "" || b.unit === "") return "values without a unit";
  return a.unit === b.unit ? "" : `other units, ${a.unit} and ${b.unit}`;
}

/** One view's choice of a window for another; null if it means nothing there. */
export function choiceFor(from: View, to: View): VoiChoice | null {
  if (windowRefusal(from, to) !== "") return null;
  return from.choice.voi ? from.choice : (to.choices.find(({ voi }) => voi === null) ?? null);
}

/** True if two views look at planes in nearly one direction. */
export function alongOneDirection(a: View, b: View): boolean {
  if (!a.cut || !b.cut) return false;
  const [p, q] = [a.cut, b.cut].map(({ right, down }) => unitVector(cross(right, down)));
  return Math.abs(dot(p, q)) > PARALLEL;
}
