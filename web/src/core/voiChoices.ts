/** The windows and tables that the viewer offers for a volume. */

import { autoWindow, percentileWindow } from "@/core/autoWindow";
import type { Histogram } from "@/core/histogram";
import { sameVoi, type Voi, type VoiTable, type Window, windowOfRange } from "@/core/windowing";

/** Windows in a unit that means the same in each volume that has it. */
const PRESETS: Readonly<Record<string, readonly Window[]>> = {
  HU: [
    { name: "Lung", center: -600, width: 1500, function: "LINEAR" },
    { name: "Mediastinum", center: 40, width: 400, function: "LINEAR" },
    { name: "Abdomen", center: 60, width: 400, function: "LINEAR" },
    { name: "Bone", center: 400, width: 1800, function: "LINEAR" },
    { name: "Brain", center: 40, width: 80, function: "LINEAR" },
  ],
  // The Units (0054,1001) of PET in g/ml are standardized uptake values.
  GML: [5, 10, 20].map((high) => windowOfRange(0, high, `SUV 0 to ${high}`)),
};
/** From which percentile to which windows go, by modality: of values whose unit says nothing, or differs between scanners. */
const PERCENTILES: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  PT: [
    [0, 0.99],
    [0, 0.999],
  ],
  NM: [
    [0, 0.99],
    [0, 0.999],
  ],
  MR: [
    [0, 0.95],
    [0.05, 0.999],
  ],
};

/** One choice of the viewer's list of windows; `voi` is null if each slice has its own. */
export interface VoiChoice {
  readonly name: string;
  readonly voi: Voi | null;
}

/** True if two choices have one name and show the same. */
export function sameChoice(a: VoiChoice, b: VoiChoice): boolean {
  if (a.name !== b.name) return false;
  return a.voi === null || b.voi === null ? a.voi === b.voi : sameVoi(a.voi, b.voi);
}

/**
 * The choices for a volume: each slice's own if they differ, the header's windows and tables, presets of its unit, those
 * of its histogram if that is known, the full range.
 */
export function voiChoices(
  volume: {
    windows: readonly Window[];
    tables: readonly VoiTable[];
    default_view: Voi;
    slice_views: unknown;
    unit: string;
    min: number | null;
    max: number | null;
  },
  { modality = "", histogram = null }: { modality?: string; histogram?: Histogram | null } = {},
): VoiChoice[] {
  const offered: VoiChoice[] = volume.slice_views ? [{ name: "Each slice its own", voi: null }] : [];
  const offer = (name: string, voi: Voi) => {
    if (!offered.some((other) => other.voi && sameVoi(other.voi, voi))) offered.push({ name, voi });
  };
  const source = volume.slice_views ? "Of the middle slice" : "From the file";
  const numbered = (what: string, among: readonly Voi[]) => {
    const nameless = among.filter(({ name }) => name === "").length;
    return among.map((voi, i) => ({ name: voi.name || (nameless > 1 ? `${what}, ${i + 1}` : what), voi }));
  };
  const named = [...numbered(source, volume.windows), ...numbered(`${source}: table`, volume.tables)];
  const first = volume.default_view;
  offer(named.find(({ voi }) => sameVoi(voi, first))?.name ?? (first.name || "Default"), first);
  for (const { name, voi } of named) offer(name, voi);
  const names = new Set(offered.map(({ name }) => name.toLowerCase()));
  for (const preset of PRESETS[volume.unit] ?? []) if (!names.has(preset.name.toLowerCase())) offer(preset.name, preset);
  if (histogram) {
    for (const window of [autoWindow(histogram), ...percentiles(histogram, modality)]) if (window) offer(window.name, window);
  }
  if (volume.min !== null && volume.max !== null) offer("Full range", windowOfRange(volume.min, volume.max));
  return offered;
}

const percentiles = (histogram: Histogram, modality: string): (Window | null)[] =>
  (PERCENTILES[modality] ?? []).map(([from, to]) => percentileWindow(histogram, from, to, `${percent(from)} to ${percent(to)} %`));

const percent = (share: number): number => Number((100 * share).toFixed(1));
