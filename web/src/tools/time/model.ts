/** Volumes of a series that lie on one grid: phases, times, echoes, b-values. */

import type { Volume } from "@/api/series";
import { formatNumber } from "@/core/formatting";
import { nameOfVolume } from "@/core/names";
import { type VolumeAxis, valueWords } from "@/tools/time/volumeAxes";

/** The facts that tell the volumes of a set apart. */
export type SetVolume = Pick<Volume, "index" | "grid" | "label" | "separators" | "acquired_s" | "acquired_by" | "shape" | "colour">;

export interface CurveAxis {
  readonly title: string;
  readonly unit: string;
  /** One for each volume of the set, in its order. */
  readonly places: readonly number[];
}

/** Relative difference of steps that counts as uneven. */
const UNEVEN = 0.02;

/** The indices of the volumes on one grid with that volume, in the order in which they are played: by time, by value, or as the series has them. */
export function setOf(volumes: readonly SetVolume[], index: number): number[] {
  const grid = volumes.at(index)?.grid;
  if (grid === null || grid === undefined) return volumes.at(index) ? [index] : [];
  const members = volumes.flatMap((volume, i) => (volume.grid === grid ? [i] : []));
  const axis = axisOf(members.map((i) => volumes[i]));
  const places = new Map(members.map((i, at) => [i, axis.places[at]]));
  return [...members].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0) || a - b);
}

/** The volumes on other grids than a set's: they are chosen, not played. */
export const othersOf = (volumes: readonly SetVolume[], set: readonly number[]): number[] => volumes.flatMap((_, i) => (set.includes(i) ? [] : [i]));

/**
 * The axis along which the volumes of a set lie: a quantity with a unit that tells them apart, else their times, else their numbers.
 *
 * @param along the axis that the set is a line of; absent for a whole set
 */
export function axisOf(set: readonly SetVolume[], along?: VolumeAxis): CurveAxis {
  const differing = (set.at(0)?.separators ?? []).filter(({ keyword }) => new Set(set.map((volume) => textOf(volume, keyword))).size > 1);
  const chosen = along ? set.at(0)?.separators.find(({ keyword }) => keyword === along.keyword) : differing.length === 1 ? differing[0] : undefined;
  const values = set.map((volume) => volume.separators.find(({ keyword }) => keyword === chosen?.keyword)?.value ?? null);
  if (chosen && chosen.unit !== "" && !isClock(chosen.unit) && isDistinct(values)) return { title: chosen.name, unit: chosen.unit, places: values };
  const times = set.map(({ acquired_s: seconds }) => seconds);
  if (isDistinct(times)) return { title: "Time", unit: "s", places: times };
  if (along && along.values.length > 0 && chosen?.unit === "" && isDistinct(values)) return { title: along.title, unit: "", places: values };
  return { title: "Volume", unit: "", places: set.map((_, i) => i + 1) };
}

/** Clock times are shown from the first volume on. */
const isClock = (unit: string): boolean => unit === "s";

const textOf = ({ separators }: SetVolume, keyword: string): string => separators.find((each) => each.keyword === keyword)?.text ?? "";

const isDistinct = (places: readonly (number | null)[]): places is readonly number[] =>
  places.every((place) => place !== null && Number.isFinite(place)) && new Set(places).size === places.length;

/** What a volume of a set is called: what tells it apart, and its place on the axis. */
export function nameInSet(volume: SetVolume, axis: CurveAxis, at: number): string {
  const told = volume.separators.map(({ name, text, unit }) => `${name} ${text} ${unit}`.trim()).join(", ") || nameOfVolume(volume.label);
  if (axis.title !== "Time") return told || `Volume ${at + 1}`;
  const time = `${formatNumber(axis.places[at], 1)} s`;
  // Clock times and instance numbers are said as the time after the first volume.
  const isOrdinal = volume.separators.every(({ keyword }) => /Time$|^InstanceNumber$|^ContentTime|^AcquisitionNumber$/.test(keyword));
  return isOrdinal || told === "" ? time : `${told}, ${time}`;
}

/** What the volumes along one axis have in common: "Echo Time 4.6 ms"; empty without other axes. */
export const commonWords = (axes: readonly VolumeAxis[], along: number, volume: SetVolume): string =>
  axes.flatMap((axis, i) => (i === along || valueWords(axis, volume) === "" ? [] : [`${axis.title} ${valueWords(axis, volume)}`])).join(", ");

/** Says which volume is shown where none is at the places that were asked for. */
export function nearestWords(axes: readonly VolumeAxis[], places: readonly number[], volume: SetVolume): string {
  const wanted = axes.map((axis, i) => `${axis.title} ${axis.values.at(places[i]) ?? `${places[i] + 1} of ${axis.count}`}`).join(" and ");
  const shown = axes.flatMap((axis) => (valueWords(axis, volume) === "" ? [] : [`${axis.title} ${valueWords(axis, volume)}`])).join(", ");
  return `No volume has ${wanted}. The nearest is shown: ${shown}.`;
}

/** Says if the steps between the places differ; empty if they do not. */
export function unevenWords({ title, unit, places }: CurveAxis): string {
  const sorted = [...places].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((place, i) => place - sorted[i]);
  if (steps.length < 2) return "";
  const [low, high] = [Math.min(...steps), Math.max(...steps)];
  if (high - low <= UNEVEN * high) return "";
  return `${title === "Time" ? "The times are" : "The steps are"} uneven: ${formatNumber(low, 1)} to ${formatNumber(high, 1)} ${unit} apart`.trim();
}

/** Round numbers across a range, for the ticks of an axis. */
export function ticks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((n) => n * power).find((each) => span / each <= most) ?? 10 * power;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}
