/** The axes of a set of volumes: each attribute that tells them apart, as echo and time, with the values it has. */

import type { SetVolume } from "@/tools/time/model";

/** A volume that belongs to every value of an axis: without diffusion weighting there is no direction. */
export const EVERY = "every";
/** The place of a volume on an axis: of its value, EVERY, or null if its header does not tell. */
export type Level = number | typeof EVERY | null;

export interface VolumeAxis {
  readonly keyword: string;
  readonly title: string;
  /** The values in words; empty for one that each volume has for itself (a clock time, a run of numbers). */
  readonly values: readonly string[];
  /** How many places there are. */
  readonly count: number;
  /** One for each volume of the set. */
  readonly levels: readonly Level[];
}

type Separator = SetVolume["separators"][number];

const separatorOf = (volume: SetVolume, keyword: string): Separator | undefined => volume.separators.find((each) => each.keyword === keyword);

const DIRECTION = "DiffusionGradientOrientation";
/** Values that are an order of acquisition: none is met twice, and the first of one echo belongs to the first of another. */
const ORDERS = new Set(["InstanceNumber", "AcquisitionNumber", "FrameReferenceTime"]);
const isOrder = ({ keyword, unit }: Separator): boolean => ORDERS.has(keyword) || unit === "s";

/** The axes of a set, the outermost first; those that say the same as another once. At most one for what one slider shows. */
export function axesOf(set: readonly SetVolume[]): VolumeAxis[] {
  const named = new Map(set.flatMap(({ separators }) => separators).map((each) => [each.keyword, each]));
  const all = [...named.values()];
  const plain = all.filter((each) => !isOrder(each)).map((each) => valueAxis(set, each));
  const axes = plain.filter(({ count }) => count > 1).filter((axis, i, others) => !others.slice(0, i).some((before) => isSame(before, axis)));
  const orders = all.filter(isOrder).map((each) => orderAxis(set, each, axes));
  const first = orders.find(({ count }) => count > 1);
  return first ? [...axes, first] : axes;
}

/** One place for each value, in the order of numbers, else in that of the volumes. */
function valueAxis(set: readonly SetVolume[], { keyword, name }: Separator): VolumeAxis {
  const told = set.map((volume) => (isEvery(volume, keyword) ? undefined : separatorOf(volume, keyword)));
  const distinct = [...new Map(told.flatMap((each) => (each ? [[each.text, each] as const] : []))).values()];
  const numbers = distinct.map(({ value }) => value);
  if (numbers.every((value) => value !== null)) distinct.sort((a, b) => (a.value ?? 0) - (b.value ?? 0));
  const texts = distinct.map(({ text }) => text);
  const levels = set.map((volume, i) => (isEvery(volume, keyword) ? EVERY : told[i] ? texts.indexOf(told[i].text) : null));
  return { keyword, title: titleOf(name), values: distinct.map(wordsOf), count: texts.length, levels };
}

const isEvery = (volume: SetVolume, keyword: string): boolean =>
  keyword === DIRECTION && separatorOf(volume, keyword)?.text === "none" && separatorOf(volume, "DiffusionBValue")?.value === 0;

/** The first, the second and so on of the volumes that the other axes do not tell apart. */
function orderAxis(set: readonly SetVolume[], { keyword, name }: Separator, others: readonly VolumeAxis[]): VolumeAxis {
  const values = set.map((volume) => separatorOf(volume, keyword)?.value ?? null);
  const groups = new Map<string, number[]>();
  set.forEach((_, i) => {
    if (values[i] === null) return;
    const key = others.map(({ levels }) => String(levels[i])).join();
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  const levels: Level[] = set.map(() => null);
  for (const group of groups.values()) {
    group.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b).forEach((i, rank) => (levels[i] = rank));
  }
  return { keyword, title: titleOf(name), values: [], count: Math.max(0, ...[...groups.values()].map(({ length }) => length)), levels };
}

/** True if two axes tell the volumes apart in the same way. */
function isSame(one: VolumeAxis, other: VolumeAxis): boolean {
  if (one.count !== other.count) return false;
  const pairs = one.levels.map((level, i) => `${level} ${other.levels[i]}`);
  return new Set(pairs).size === new Set(one.levels).size && new Set(pairs).size === new Set(other.levels).size;
}

const titleOf = (name: string): string => name.replace(/ Identifier$/, "");

const wordsOf = ({ text, unit }: Separator): string => `${text} ${unit}`.trim();

/** What a volume has on an axis, in words; empty if its header does not tell. */
export function valueWords(axis: VolumeAxis, volume: SetVolume): string {
  const own = separatorOf(volume, axis.keyword);
  return own ? wordsOf(own) : "";
}

/** The place that is asked for on each axis. */
export type AxisPlaces = readonly number[];

/** Where a volume is; on an axis where it has no place of its own, what was asked for before stays. */
export const placesOf = (axes: readonly VolumeAxis[], at: number, before: AxisPlaces): AxisPlaces =>
  axes.map(({ levels, count }, i) => {
    const level = levels[at];
    return typeof level === "number" ? level : Math.min(before.at(i) ?? 0, count - 1);
  });

/** The volumes along one axis, in its order, that have the same place as `at` on all others. */
export function volumesAlong(axes: readonly VolumeAxis[], along: number, at: number, places: AxisPlaces): number[] {
  const fits = (i: number): boolean =>
    axes.every(({ levels }, axis) => {
      if (axis === along) return levels[i] !== null || i === at;
      const wanted = levels[at] === EVERY ? places[axis] : levels[at];
      return levels[i] === wanted || levels[i] === EVERY;
    });
  const level = (i: number): number => {
    const own = axes[along].levels[i];
    return typeof own === "number" ? own : places[along];
  };
  return axes[along].levels.flatMap((_, i) => (fits(i) ? [i] : [])).sort((a, b) => level(a) - level(b) || a - b);
}

export interface Reached {
  readonly at: number;
  /** False for the nearest volume where there is none at the places. */
  readonly exact: boolean;
}

/** The volume at a place of one axis that is nearest to the places on the others; null if no volume is there. */
export function nearestAt(axes: readonly VolumeAxis[], along: number, places: AxisPlaces): Reached | null {
  const distance = (i: number, axis: number): number => {
    const { levels, count } = axes[axis];
    const level = levels[i];
    if (level === EVERY) return 0;
    // Unknown is farther than everything that is known.
    return level === null ? count : Math.abs(level - places[axis]);
  };
  let best: (Reached & { readonly far: number }) | null = null;
  for (let i = 0; i < axes[along].levels.length; i += 1) {
    const level = axes[along].levels[i];
    if (level !== places[along] && level !== EVERY) continue;
    // A volume with the very value comes before one that belongs to all of them.
    const far = axes.reduce((sum, _, axis) => sum + (axis === along ? 0 : distance(i, axis)), 0) + (level === EVERY ? 1e-3 : 0);
    if (best === null || far < best.far) best = { at: i, exact: far < 1e-2, far };
  }
  return best && { at: best.at, exact: best.exact };
}
