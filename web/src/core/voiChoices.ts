/** The windows and tables that the viewer offers for a volume. */

import { sameVoi, type Voi, type VoiTable, type Window, windowOfRange } from "@/core/windowing";

const HU_PRESETS: readonly Window[] = [
  { name: "Lung", center: -600, width: 1500, function: "LINEAR" },
  { name: "Mediastinum", center: 40, width: 400, function: "LINEAR" },
  { name: "Abdomen", center: 60, width: 400, function: "LINEAR" },
  { name: "Bone", center: 400, width: 1800, function: "LINEAR" },
  { name: "Brain", center: 40, width: 80, function: "LINEAR" },
];

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

/** The choices for a volume: each slice's own if they differ, the header's windows and tables, presets for HU, the full range. */
export function voiChoices(volume: {
  windows: readonly Window[];
  tables: readonly VoiTable[];
  default_view: Voi;
  slice_views: unknown;
  unit: string;
  min: number | null;
  max: number | null;
}): VoiChoice[] {
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
  if (volume.unit === "HU") {
    const names = new Set(offered.map(({ name }) => name.toLowerCase()));
    for (const preset of HU_PRESETS) if (!names.has(preset.name.toLowerCase())) offer(preset.name, preset);
  }
  if (volume.min !== null && volume.max !== null) offer("Full range", windowOfRange(volume.min, volume.max));
  return offered;
}
