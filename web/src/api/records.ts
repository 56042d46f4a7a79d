/** The REST API's records: each decoder is the type's only definition. */

import {
  anything,
  base64,
  type Decoded,
  DecodeError,
  type Decoder,
  list,
  nullable,
  number,
  object,
  oneOf,
  otherwise,
  record,
  text,
  truth,
  tuple,
  whole,
  words,
} from "@/api/decode";
import { JOB_STATES } from "@/core/jobState";
import type { Voi } from "@/core/windowing";

export const state = oneOf(...JOB_STATES);

export const problem = object({ code: words, message: words });
export type Problem = Decoded<typeof problem>;

export const me = object({
  username: text,
  is_staff: truth,
  version: words,
  settings: object({ threshold: number }),
});
export type Me = Decoded<typeof me>;

/** What is told of every job, wherever it is told. */
export const jobFields = {
  id: whole,
  kind: text,
  state,
  progress: number,
  message: words,
  created: nullable(text),
  started: nullable(text),
  finished: nullable(text),
  attempts: otherwise(whole, 0),
  problem: nullable(problem),
  upload: nullable(whole),
  series: nullable(whole),
};

export const job = object(jobFields);
export type Job = Decoded<typeof job>;

export const uploadEntry = object({
  name: text,
  status: oneOf("stored", "present", "skipped"),
  code: words,
  message: words,
  series: nullable(whole),
});
export type UploadEntry = Decoded<typeof uploadEntry>;

/** A series where it is only mentioned. */
export const seriesName = object({ id: whole, number: nullable(whole), modality: words, description: words });
export type SeriesName = Decoded<typeof seriesName>;

export const upload = object({
  id: whole,
  state,
  progress: number,
  message: words,
  created: nullable(text),
  finished: nullable(text),
  names: otherwise(list(text), []),
  counts: object({ stored: whole, present: whole, skipped: whole }),
  entries: otherwise(list(uploadEntry), []),
  entry_count: otherwise(whole, 0),
  series_names: otherwise(list(seriesName), []),
  jobs: otherwise(list(job), []),
  problem: nullable(problem),
});
export type Upload = Decoded<typeof upload>;

export const accepted = object({ id: whole, address: words });

export const patient = object({ id: nullable(whole), patient_id: words, name: words, birth_date: words, sex: words });
export type Patient = Decoded<typeof patient>;

export const seriesRow = object({
  id: whole,
  study_id: whole,
  series_instance_uid: words,
  number: nullable(whole),
  modality: words,
  description: words,
  body_part: words,
  instance_count: whole,
  state,
  progress: otherwise(number, 0),
  thumbnail: nullable(text),
  volume_count: otherwise(whole, 0),
  /** What the first of its volumes are called. */
  volume_labels: otherwise(list(text), []),
  regular: nullable(truth),
  lossy: otherwise(truth, false),
  shape: nullable(list(whole)),
  /** What of its files could not be used. */
  problem: nullable(problem),
  study: nullable(object({ id: whole, description: words, date: words })),
  patient: nullable(patient),
});
export type SeriesRow = Decoded<typeof seriesRow>;

export const study = object({
  id: whole,
  study_instance_uid: words,
  patient,
  date: words,
  time: words,
  description: words,
  accession_number: words,
  modalities: otherwise(list(text), []),
  series_count: whole,
  instance_count: whole,
  bytes: otherwise(whole, 0),
  series: otherwise(list(seriesRow), []),
});
export type Study = Decoded<typeof study>;

const voiWindow = object({
  name: words,
  center: number,
  width: number,
  function: oneOf("LINEAR", "LINEAR_EXACT", "SIGMOID"),
});

/** A table: its grey levels come as base64. */
const voiTable = object({
  name: words,
  first: whole,
  levels: (value: unknown, path = "") => {
    const bytes = base64(value, path);
    if (bytes.length === 0) throw new DecodeError(path, "at least one level", value);
    return bytes;
  },
});
const voi: Decoder<Voi> = (value, path) =>
  typeof value === "object" && value !== null && "levels" in value ? voiTable(value, path) : voiWindow(value, path);

const slicePlace = object({
  position: nullable(tuple(number, number, number)),
  orientation: nullable(tuple(number, number, number, number, number, number)),
});
export type SlicePlace = Decoded<typeof slicePlace>;

const spacing = tuple(nullable(number), nullable(number), nullable(number));

export const measurement = object({
  series_instance_uid: words,
  pixels_above_threshold: whole,
  pixels_total: whole,
  volume_mm3: nullable(number),
  threshold: number,
  method: text,
  spacing_mm: spacing,
  warnings: list(text),
});
export type Measurement = Decoded<typeof measurement>;

export const histogram = object({
  values: list(number),
  counts: list(whole),
  min: nullable(number),
  max: nullable(number),
  exact: truth,
});

export const planeFacts = object({
  count: whole,
  rows: whole,
  columns: whole,
  spacing_mm: tuple(nullable(number), nullable(number)),
  /** The height of a pixel over its width. */
  aspect: otherwise(number, 1),
  /** How many columns each row lies to the right of the row above, across the slices of a tilted stack. */
  lean: otherwise(number, 0),
});
export type PlaneFacts = Decoded<typeof planeFacts>;

export const volume = object({
  index: whole,
  /** Changes when the volume is made again; part of its slices' addresses, which may be cached for long. */
  version: words,
  label: words,
  shape: list(whole),
  dtype: text,
  colour: truth,
  regular: truth,
  problem: nullable(problem),
  warnings: list(text),
  affine: nullable(list(list(number))),
  spacing_mm: spacing,
  unit: words,
  min: nullable(number),
  max: nullable(number),
  padding_count: otherwise(whole, 0),
  inverted: otherwise(truth, false),
  lossy: otherwise(truth, false),
  windows: list(voiWindow),
  tables: list(voiTable),
  default_view: voi,
  /** What each slice as acquired is shown with where they differ: a place in `views`, or null for the default. */
  slice_views: nullable(object({ views: list(voi), slices: list(nullable(whole)) })),
  /** From and to which value is padding: one range for all slices, or one for each. */
  padding_ranges: nullable(list(nullable(tuple(number, number)))),
  /** Where each slice lies, of a volume that has no affine. */
  slice_places: nullable(list(slicePlace)),
  frame_rate: nullable(number),
  frame_times_ms: nullable(list(number)),
  frame_sweep: truth,
  planes: object({
    acquired: planeFacts,
    axial: nullable(planeFacts),
    coronal: nullable(planeFacts),
    sagittal: nullable(planeFacts),
  }),
  measurement: nullable(measurement),
});
export type VolumeFacts = Decoded<typeof volume>;

const finding = object({
  code: words,
  message: words,
  severity: oneOf("error", "warning", "note"),
  /** The first volume that it is about; null for the series as a whole. */
  stack: nullable(whole),
});
export type Finding = Decoded<typeof finding>;

export const geometryReport = object({ regular: truth, summary: words, problems: list(finding) });
export type GeometryReport = Decoded<typeof geometryReport>;

const seriesMore = object({
  metadata: otherwise(record(anything), {}),
  report: nullable(geometryReport),
  pixelless: otherwise(list(object({ sop_class: words, count: whole })), []),
  job: nullable(job),
  volumes: otherwise(list(volume), []),
});
export type Series = SeriesRow & Decoded<typeof seriesMore>;
export const series = (value: unknown, path?: string): Series => ({ ...seriesRow(value, path), ...seriesMore(value, path) });

const measuredView = object({
  picture: text,
  rows: whole,
  columns: whole,
  slice: otherwise(whole, 0),
  spacing_mm: nullable(list(nullable(number))),
  aspect: otherwise(number, 1),
  histogram: nullable(histogram),
  unit: words,
  shape: list(whole),
});
export type MeasuredView = Decoded<typeof measuredView>;

const measured = (value: unknown, path?: string) => ({
  ...measurement(value, path),
  ...object({ view: nullable(measuredView) })(value, path),
});
export type Measured = ReturnType<typeof measured>;

export const measureAnswer = object({ measurements: list(measured), skipped: otherwise(record(problem), {}) });
export type MeasureAnswer = Decoded<typeof measureAnswer>;
