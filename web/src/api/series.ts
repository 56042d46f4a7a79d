/** A series as the page uses it: the server's record with its tables decoded. */

import { AnswerError, bytesFromBase64 } from "@/api/answers";
import type { SeriesOut, TableOut, VolumeOut, WindowOut } from "@/api/generated/validators";
import type { PaddingOfSlices } from "@/core/voxelCounts";
import type { Voi, VoiTable } from "@/core/windowing";

/** The record of a volume; the grey levels of its tables are bytes. */
export interface Volume extends Omit<VolumeOut, "tables" | "default_view" | "slice_views"> {
  readonly tables: readonly VoiTable[];
  readonly default_view: Voi;
  /** What each acquired slice is shown with: an index of `views`, or null for `default_view`. */
  readonly slice_views: { readonly views: readonly Voi[]; readonly slices: readonly (number | null)[] } | null;
}

export interface Series extends Omit<SeriesOut, "volumes"> {
  readonly volumes: readonly Volume[];
}

export const seriesFrom = (record: SeriesOut): Series => ({
  ...record,
  volumes: record.volumes.map((volume, i) => volumeFrom(volume, `volumes[${i}]`)),
});

function volumeFrom(record: VolumeOut, path: string): Volume {
  const { tables, default_view: view, slice_views: views } = record;
  return {
    ...record,
    tables: tables.map((table, i) => tableFrom(table, `${path}.tables[${i}]`)),
    default_view: voiFrom(view, `${path}.default_view`),
    slice_views: views && { ...views, views: views.views.map((each, i) => voiFrom(each, `${path}.slice_views.views[${i}]`)) },
  };
}

const voiFrom = (record: WindowOut | TableOut, path: string): Voi => ("levels" in record ? tableFrom(record, path) : record);

function tableFrom(record: TableOut, path: string): VoiTable {
  const levels = bytesFromBase64(record.levels, `${path}.levels`);
  if (levels.length === 0) throw new AnswerError(`${path}.levels`, "at least one level", record.levels);
  return { ...record, levels };
}

/** The padding of a volume's slices as plain arrays: what Vue watches cannot be sent to a worker. */
export const paddingOfVolume = ({ padding_ranges: ranges }: Pick<Volume, "padding_ranges">): PaddingOfSlices => ranges && ranges.map((range) => range && [range[0], range[1]]);
