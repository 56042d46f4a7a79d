/** Sets of volumes with the same voxels: what tells them apart becomes an axis, along which a slider goes. */

export interface Separator {
  readonly keyword: string;
  readonly name: string;
  readonly value: number | null;
  readonly text: string;
  readonly unit: string;
}

/** What is needed of a volume's record. */
export interface SeparatedVolume {
  readonly index: number;
  readonly label: string;
  readonly grid: number | null;
  readonly separators: readonly Separator[];
  readonly acquired_s: number | null;
}

export interface AxisValue {
  readonly value: number | null;
  /** With its unit: "4.6 ms". */
  readonly text: string;
}

/** An axis of a set: an attribute and its values in order. */
export interface SetAxis {
  readonly keyword: string;
  readonly name: string;
  readonly unit: string;
  readonly values: readonly AxisValue[];
}

/** Volumes of one grid. */
export interface VolumeSet {
  readonly axes: readonly SetAxis[];
  /** Places along the axes, one number for each, and the volume that is there. */
  readonly members: readonly { readonly volume: number; readonly places: readonly number[] }[];
  /** Seconds after the first volume, for each of `members`; null where headers do not tell. */
  readonly seconds: readonly number[] | null;
  /** True if the steps of `seconds` differ by more than a hundredth. */
  readonly uneven: boolean;
}

const UNEVEN = 0.01;
const textOf = ({ text, unit }: Separator): string => (unit === "" || text.endsWith(` ${unit}`) ? text : `${text} ${unit}`);

/** The sets of two or more volumes, in the order of their first ones. The same volumes give the same sets. */
export function volumeSets(volumes: readonly SeparatedVolume[]): VolumeSet[] {
  const byGrid = new Map<number, SeparatedVolume[]>();
  for (const volume of [...volumes].sort((a, b) => a.index - b.index)) {
    if (volume.grid === null) continue;
    byGrid.set(volume.grid, [...(byGrid.get(volume.grid) ?? []), volume]);
  }
  return [...byGrid.values()].filter((members) => members.length > 1).map(setOf);
}

function setOf(volumes: readonly SeparatedVolume[]): VolumeSet {
  const keywords = [...new Set(volumes.flatMap(({ separators }) => separators.map(({ keyword }) => keyword)))];
  const axes = keywords.map((keyword) => axisOf(keyword, volumes)).filter(({ values }) => values.length > 1);
  const places = volumes.map((volume) => axes.map((axis) => placeOn(axis, volume)));
  const full = axes.length > 0 && axes.reduce((product, { values }) => product * values.length, 1) === volumes.length;
  const distinct = new Set(places.map((own) => own.join())).size === volumes.length && places.every((own) => own.every((place) => place >= 0));
  const inOrder = !(full && distinct);
  const members = volumes.map(({ index }, i) => ({ volume: index, places: inOrder ? [i] : places[i] }));
  if (!inOrder) members.sort((a, b) => a.places.map((place, i) => place - b.places[i]).find((step) => step !== 0) ?? 0);
  const times = members.map(({ volume }) => volumes.find(({ index }) => index === volume)?.acquired_s ?? null);
  const seconds = times.every((time): time is number => time !== null) ? times : null;
  return { axes: inOrder ? [orderAxis(volumes)] : axes, members, seconds, uneven: seconds !== null && isUneven(seconds) };
}

function axisOf(keyword: string, volumes: readonly SeparatedVolume[]): SetAxis {
  const own = volumes.flatMap(({ separators }) => separators.filter((one) => one.keyword === keyword));
  const values = [...new Map(own.map((one) => [textOf(one), { value: one.value, text: textOf(one) }])).values()];
  if (values.every(({ value }) => value !== null)) values.sort((a, b) => (a.value ?? 0) - (b.value ?? 0));
  return { keyword, name: own[0].name, unit: own[0].unit, values };
}

function placeOn(axis: SetAxis, { separators }: SeparatedVolume): number {
  const own = separators.find(({ keyword }) => keyword === axis.keyword);
  return own ? axis.values.findIndex(({ text }) => text === textOf(own)) : -1;
}

/** One axis with the volumes as they are listed: where their attributes give no full table. */
const orderAxis = (volumes: readonly SeparatedVolume[]): SetAxis => ({
  keyword: "",
  name: "Volume",
  unit: "",
  values: volumes.map(({ label, index }) => ({ value: null, text: label || `volume ${index + 1}` })),
});

function isUneven(seconds: readonly number[]): boolean {
  const moments = [...new Set(seconds)].sort((a, b) => a - b);
  const steps = moments.slice(1).map((moment, i) => moment - moments[i]);
  if (steps.length < 2) return false;
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  return steps.some((step) => Math.abs(step - mean) > UNEVEN * mean);
}

/** The set that a volume is in; null if it is in none. */
export function setWith(sets: readonly VolumeSet[], volume: number): VolumeSet | null {
  return sets.find(({ members }) => members.some((one) => one.volume === volume)) ?? null;
}

/** The volume at these places along a set's axes; null if there is none. */
export function volumeAt({ members }: VolumeSet, places: readonly number[]): number | null {
  return members.find((one) => one.places.length === places.length && one.places.every((place, i) => place === places[i]))?.volume ?? null;
}

/** The volume a step further along one axis, the others as they are; around the end if `wrap`. Null if there is none. */
export function nextAlong(set: VolumeSet, volume: number, axis: number, step: number, wrap = false): number | null {
  const own = set.members.find((one) => one.volume === volume);
  const length = set.axes[axis]?.values.length ?? 0;
  if (!own || length === 0) return null;
  const at = own.places[axis] + step;
  if (!wrap && (at < 0 || at >= length)) return null;
  return volumeAt(
    set,
    own.places.map((place, i) => (i === axis ? ((at % length) + length) % length : place)),
  );
}
