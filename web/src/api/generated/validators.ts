// Generated from contract/openapi.json by `npm run types`. Do not edit.
import * as v from "valibot";

import type { components } from "@/api/generated/types";

/** Checks a value of unknown type. The type annotations below prove that validators and generated types agree. */
export type Validator<T> = v.GenericSchema<unknown, T>;

const integer = v.pipe(v.number(), v.safeInteger());
/** Valibot takes lists for objects with numbers as keys. */
const notList = v.custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value));

export type Accepted = components["schemas"]["Accepted"];
export const accepted: Validator<Accepted> = v.object({
  address: v.string(),
  id: integer,
});

export type CopyCounts = components["schemas"]["CopyCounts"];
export const copyCounts: Validator<CopyCounts> = v.object({
  conflicts: integer,
  copied: integer,
  present: integer,
});

export type PatientOut = components["schemas"]["PatientOut"];
export const patientOut: Validator<PatientOut> = v.object({
  birth_date: v.string(),
  id: integer,
  name: v.string(),
  patient_id: v.string(),
  sex: v.string(),
});

export type ProblemOut = components["schemas"]["ProblemOut"];
export const problemOut: Validator<ProblemOut> = v.object({
  code: v.string(),
  message: v.string(),
});

export type StudyBrief = components["schemas"]["StudyBrief"];
export const studyBrief: Validator<StudyBrief> = v.object({
  date: v.string(),
  description: v.string(),
  id: integer,
});

export type SeriesRow = components["schemas"]["SeriesRow"];
export const seriesRow: Validator<SeriesRow> = v.object({
  body_part: v.string(),
  description: v.string(),
  id: integer,
  instance_count: integer,
  lossy: v.boolean(),
  modality: v.string(),
  number: v.nullable(integer),
  patient: patientOut,
  problem: v.nullable(problemOut),
  progress: v.number(),
  project_id: integer,
  regular: v.nullable(v.boolean()),
  series_instance_uid: v.string(),
  shape: v.nullable(v.array(integer)),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
  study: studyBrief,
  study_id: integer,
  thumbnail: v.nullable(v.string()),
  volume_count: integer,
  volume_labels: v.array(v.string()),
});

export type StudyOut = components["schemas"]["StudyOut"];
export const studyOut: Validator<StudyOut> = v.object({
  accession_number: v.string(),
  bytes: integer,
  date: v.string(),
  description: v.string(),
  id: integer,
  instance_count: integer,
  modalities: v.array(v.string()),
  patient: patientOut,
  project_id: integer,
  series: v.array(seriesRow),
  series_count: integer,
  study_instance_uid: v.string(),
  time: v.string(),
});

export type CopyOut = components["schemas"]["CopyOut"];
export const copyOut: Validator<CopyOut> = v.object({
  conflicting: v.array(v.string()),
  counts: copyCounts,
  study: studyOut,
});

export type LimitsOut = components["schemas"]["LimitsOut"];
export const limitsOut: Validator<LimitsOut> = v.object({
  lower: v.nullable(v.number()),
  upper: v.nullable(v.number()),
});

export type CountedOut = components["schemas"]["CountedOut"];
export const countedOut: Validator<CountedOut> = v.object({
  component: v.optional(v.nullable(v.strictTuple([v.number(), v.number(), v.number()]))),
  label: v.optional(v.nullable(v.string())),
  limits: v.optional(v.nullable(limitsOut)),
  method: v.string(),
  pixels_above_threshold: integer,
  pixels_total: integer,
  series_instance_uid: v.string(),
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
  threshold: v.nullable(v.number()),
  volume_mm3: v.nullable(v.number()),
  warnings: v.array(v.string()),
  within: v.optional(v.nullable(v.pipe(notList, v.record(v.string(), v.unknown())))),
});

export type DeliveryCounts = components["schemas"]["DeliveryCounts"];
export const deliveryCounts: Validator<DeliveryCounts> = v.object({
  failed: integer,
  more_than: v.boolean(),
  sent: integer,
  waiting: integer,
});

export type DeliveryOut = components["schemas"]["DeliveryOut"];
export const deliveryOut: Validator<DeliveryOut> = v.object({
  attempts: integer,
  created: v.string(),
  finished: v.nullable(v.string()),
  id: integer,
  problem: v.nullable(problemOut),
  rule: v.string(),
  series: integer,
  sop_instance_uid: v.string(),
  state: v.picklist(["waiting","sent","failed"]),
  study: integer,
});

export type DeliveryReason = components["schemas"]["DeliveryReason"];
export const deliveryReason: Validator<DeliveryReason> = v.object({
  code: v.string(),
  count: integer,
  message: v.string(),
  state: v.picklist(["waiting","sent","failed"]),
});

export type DeliveryList = components["schemas"]["DeliveryList"];
export const deliveryList: Validator<DeliveryList> = v.object({
  counts: deliveryCounts,
  items: v.array(deliveryOut),
  next: v.nullable(integer),
  reasons: v.array(deliveryReason),
});

export type EchoOut = components["schemas"]["EchoOut"];
export const echoOut: Validator<EchoOut> = v.object({
  is_answering: v.boolean(),
  milliseconds: v.nullable(v.number()),
  problem: v.nullable(problemOut),
  services: v.array(v.string()),
});

export type Emptied = components["schemas"]["Emptied"];
export const emptied: Validator<Emptied> = v.object({
  studies: integer,
});

export type FilterOut = components["schemas"]["FilterOut"];
export const filterOut: Validator<FilterOut> = v.object({
  filter: v.pipe(notList, v.record(v.string(), v.unknown())),
  id: integer,
  name: v.string(),
});

export type FilterList = components["schemas"]["FilterList"];
export const filterList: Validator<FilterList> = v.object({
  items: v.array(filterOut),
});

export type HistogramOut = components["schemas"]["HistogramOut"];
export const histogramOut: Validator<HistogramOut> = v.object({
  counts: v.array(integer),
  exact: v.boolean(),
  max: v.nullable(v.number()),
  min: v.nullable(v.number()),
  total: v.optional(v.nullable(integer)),
  values: v.array(v.number()),
});

export type SeriesName = components["schemas"]["SeriesName"];
export const seriesName: Validator<SeriesName> = v.object({
  description: v.string(),
  id: integer,
  modality: v.string(),
  number: v.nullable(integer),
});

export type InputOut = components["schemas"]["InputOut"];
export const inputOut: Validator<InputOut> = v.object({
  description: v.string(),
  modality: v.string(),
  series: integer,
  stack: integer,
  volume: v.string(),
});

export type LogLine = components["schemas"]["LogLine"];
export const logLine: Validator<LogLine> = v.object({
  time: v.string(),
  words: v.string(),
});

export type ResultFileOut = components["schemas"]["ResultFileOut"];
export const resultFileOut: Validator<ResultFileOut> = v.object({
  address: v.string(),
  name: v.string(),
  size: integer,
});

export type ResultRows = components["schemas"]["ResultRows"];
export const resultRows: Validator<ResultRows> = v.object({
  columns: v.array(v.string()),
  count: integer,
  csv_address: v.string(),
  json_address: v.string(),
});

export type ResultSeries = components["schemas"]["ResultSeries"];
export const resultSeries: Validator<ResultSeries> = v.object({
  address: v.string(),
  description: v.string(),
  id: integer,
  modality: v.string(),
});

export type ResultOut = components["schemas"]["ResultOut"];
export const resultOut: Validator<ResultOut> = v.object({
  files: v.array(resultFileOut),
  rows: v.nullable(resultRows),
  segmentations: v.array(integer),
  series: v.array(resultSeries),
  warnings: v.array(v.string()),
});

export type TotalsOut = components["schemas"]["TotalsOut"];
export const totalsOut: Validator<TotalsOut> = v.object({
  cancelled: integer,
  failed: integer,
  queued: integer,
  running: integer,
  succeeded: integer,
  total: integer,
});

export type JobDetail = components["schemas"]["JobDetail"];
export const jobDetail: Validator<JobDetail> = v.object({
  about: v.nullable(seriesName),
  attempts: integer,
  created: v.string(),
  finished: v.nullable(v.string()),
  id: integer,
  in_dir: v.string(),
  inputs: v.array(inputOut),
  job_name: v.string(),
  kind: v.string(),
  log: v.array(logLine),
  memory_limit_bytes: v.nullable(integer),
  message: v.string(),
  params: v.pipe(notList, v.record(v.string(), v.unknown())),
  parent: v.nullable(integer),
  priority: integer,
  problem: v.nullable(problemOut),
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  project_id: v.nullable(integer),
  queue: v.string(),
  requested_by: v.string(),
  result: v.nullable(resultOut),
  series: v.nullable(integer),
  started: v.nullable(v.string()),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
  time_limit_seconds: v.nullable(v.number()),
  title: v.string(),
  totals: v.nullable(totalsOut),
  trace: v.nullable(v.string()),
  upload: v.nullable(integer),
});

export type JobOut = components["schemas"]["JobOut"];
export const jobOut: Validator<JobOut> = v.object({
  attempts: integer,
  created: v.string(),
  finished: v.nullable(v.string()),
  id: integer,
  kind: v.string(),
  message: v.string(),
  problem: v.nullable(problemOut),
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  series: v.nullable(integer),
  started: v.nullable(v.string()),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
  upload: v.nullable(integer),
});

export type OwnProject = components["schemas"]["OwnProject"];
export const ownProject: Validator<OwnProject> = v.object({
  id: integer,
  name: v.string(),
  role: v.picklist(["viewer","analyst","uploader","owner"]),
});

export type ServerSettings = components["schemas"]["ServerSettings"];
export const serverSettings: Validator<ServerSettings> = v.object({
  threshold: v.number(),
  trash_days: v.optional(v.number()),
});

export type Me = components["schemas"]["Me"];
export const me: Validator<Me> = v.object({
  is_admin: v.boolean(),
  is_staff: v.boolean(),
  projects: v.array(ownProject),
  settings: serverSettings,
  username: v.string(),
  version: v.string(),
});

export type MeasureView = components["schemas"]["MeasureView"];
export const measureView: Validator<MeasureView> = v.object({
  aspect: v.number(),
  columns: integer,
  histogram: v.nullable(histogramOut),
  picture: v.string(),
  rows: integer,
  shape: v.array(integer),
  slice: integer,
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number())]),
  unit: v.string(),
});

export type ViewedMeasurement = components["schemas"]["ViewedMeasurement"];
export const viewedMeasurement: Validator<ViewedMeasurement> = v.object({
  component: v.optional(v.nullable(v.strictTuple([v.number(), v.number(), v.number()]))),
  label: v.optional(v.nullable(v.string())),
  limits: v.optional(v.nullable(limitsOut)),
  method: v.string(),
  pixels_above_threshold: integer,
  pixels_total: integer,
  series_instance_uid: v.string(),
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
  threshold: v.nullable(v.number()),
  view: v.optional(v.nullable(measureView)),
  volume_mm3: v.nullable(v.number()),
  warnings: v.array(v.string()),
  within: v.optional(v.nullable(v.pipe(notList, v.record(v.string(), v.unknown())))),
});

export type MeasureOut = components["schemas"]["MeasureOut"];
export const measureOut: Validator<MeasureOut> = v.object({
  measurements: v.array(viewedMeasurement),
  skipped: v.pipe(notList, v.record(v.string(), problemOut)),
});

export type MemberOut = components["schemas"]["MemberOut"];
export const memberOut: Validator<MemberOut> = v.object({
  is_active: v.boolean(),
  role: v.picklist(["viewer","analyst","uploader","owner"]),
  since: v.string(),
  username: v.string(),
});

export type NodeSeries = components["schemas"]["NodeSeries"];
export const nodeSeries: Validator<NodeSeries> = v.object({
  date: v.string(),
  description: v.string(),
  here: integer,
  instance_count: v.nullable(integer),
  modality: v.string(),
  number: v.nullable(integer),
  series: v.nullable(integer),
  series_instance_uid: v.string(),
});

export type NodeStudy = components["schemas"]["NodeStudy"];
export const nodeStudy: Validator<NodeStudy> = v.object({
  accession_number: v.string(),
  birth_date: v.string(),
  date: v.string(),
  description: v.string(),
  here: integer,
  instance_count: v.nullable(integer),
  modalities: v.array(v.string()),
  patient_id: v.string(),
  patient_name: v.string(),
  series_count: v.nullable(integer),
  study: v.nullable(integer),
  study_instance_uid: v.string(),
  time: v.string(),
});

export type NodeAnswer = components["schemas"]["NodeAnswer"];
export const nodeAnswer: Validator<NodeAnswer> = v.object({
  ignores_keys: v.boolean(),
  is_cut: v.boolean(),
  series: v.array(nodeSeries),
  studies: v.array(nodeStudy),
});

export type NodeConnection = components["schemas"]["NodeConnection"];
export const nodeConnection: Validator<NodeConnection> = v.object({
  calls_from: v.string(),
  certificate: v.string(),
  host: v.string(),
  port: v.nullable(integer),
  tls: v.boolean(),
});

export type ProjectName = components["schemas"]["ProjectName"];
export const projectName: Validator<ProjectName> = v.object({
  id: integer,
  name: v.string(),
});

export type NodeOut = components["schemas"]["NodeOut"];
export const nodeOut: Validator<NodeOut> = v.object({
  ae_title: v.string(),
  connection: v.nullable(nodeConnection),
  deliveries: deliveryCounts,
  has_address: v.boolean(),
  id: integer,
  is_enabled: v.boolean(),
  may_find: v.boolean(),
  may_retrieve: v.boolean(),
  may_store: v.boolean(),
  name: v.string(),
  project: projectName,
  retrieves_by: v.picklist(["get","move"]),
});

export type OwnAddressOut = components["schemas"]["OwnAddressOut"];
export const ownAddressOut: Validator<OwnAddressOut> = v.object({
  ae_title: v.string(),
  host: v.string(),
  is_listening: v.boolean(),
  port: v.nullable(integer),
  tls: v.boolean(),
});

export type NodeList = components["schemas"]["NodeList"];
export const nodeList: Validator<NodeList> = v.object({
  items: v.array(nodeOut),
  site: ownAddressOut,
});

export type JobRow = components["schemas"]["JobRow"];
export const jobRow: Validator<JobRow> = v.object({
  about: v.nullable(seriesName),
  attempts: integer,
  created: v.string(),
  finished: v.nullable(v.string()),
  id: integer,
  in_dir: v.string(),
  inputs: v.array(inputOut),
  job_name: v.string(),
  kind: v.string(),
  memory_limit_bytes: v.nullable(integer),
  message: v.string(),
  params: v.pipe(notList, v.record(v.string(), v.unknown())),
  parent: v.nullable(integer),
  priority: integer,
  problem: v.nullable(problemOut),
  progress: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  project_id: v.nullable(integer),
  queue: v.string(),
  requested_by: v.string(),
  series: v.nullable(integer),
  started: v.nullable(v.string()),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
  time_limit_seconds: v.nullable(v.number()),
  title: v.string(),
  totals: v.nullable(totalsOut),
  upload: v.nullable(integer),
});

export type PageJobRow = components["schemas"]["Page_JobRow_"];
export const pageJobRow: Validator<PageJobRow> = v.object({
  count: integer,
  items: v.array(jobRow),
  more_than: v.optional(v.boolean()),
  next: v.optional(v.nullable(integer)),
});

export type PageSeriesRow = components["schemas"]["Page_SeriesRow_"];
export const pageSeriesRow: Validator<PageSeriesRow> = v.object({
  count: integer,
  items: v.array(seriesRow),
  more_than: v.optional(v.boolean()),
  next: v.optional(v.nullable(integer)),
});

export type PageStudyOut = components["schemas"]["Page_StudyOut_"];
export const pageStudyOut: Validator<PageStudyOut> = v.object({
  count: integer,
  items: v.array(studyOut),
  more_than: v.optional(v.boolean()),
  next: v.optional(v.nullable(integer)),
});

export type Counts = components["schemas"]["Counts"];
export const counts: Validator<Counts> = v.object({
  present: integer,
  skipped: integer,
  stored: integer,
});

export type UploadRow = components["schemas"]["UploadRow"];
export const uploadRow: Validator<UploadRow> = v.object({
  counts: counts,
  created: v.string(),
  finished: v.nullable(v.string()),
  id: integer,
  message: v.string(),
  names: v.array(v.string()),
  node: v.string(),
  problem: v.nullable(problemOut),
  progress: v.number(),
  project_id: integer,
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
});

export type PageUploadRow = components["schemas"]["Page_UploadRow_"];
export const pageUploadRow: Validator<PageUploadRow> = v.object({
  count: integer,
  items: v.array(uploadRow),
  more_than: v.optional(v.boolean()),
  next: v.optional(v.nullable(integer)),
});

export type PatientListed = components["schemas"]["PatientListed"];
export const patientListed: Validator<PatientListed> = v.object({
  birth_date: v.string(),
  id: integer,
  last_study: integer,
  name: v.string(),
  patient_id: v.string(),
  project: projectName,
  sex: v.string(),
});

export type PatientList = components["schemas"]["PatientList"];
export const patientList: Validator<PatientList> = v.object({
  items: v.array(patientListed),
  next: v.nullable(v.string()),
});

export type ThumbnailPlace = components["schemas"]["ThumbnailPlace"];
export const thumbnailPlace: Validator<ThumbnailPlace> = v.object({
  series: integer,
  version: v.string(),
});

export type StudyListed = components["schemas"]["StudyListed"];
export const studyListed: Validator<StudyListed> = v.object({
  accession_number: v.string(),
  arrived: v.string(),
  building: v.boolean(),
  bytes: integer,
  date: v.string(),
  description: v.string(),
  has_problem: v.boolean(),
  has_volume: v.boolean(),
  id: integer,
  instance_count: integer,
  modalities: v.array(v.string()),
  patient: patientOut,
  project: projectName,
  series_count: integer,
  study_instance_uid: v.string(),
  thumbnail: v.nullable(thumbnailPlace),
  time: v.string(),
});

export type StudyList = components["schemas"]["StudyList"];
export const studyList: Validator<StudyList> = v.object({
  count: integer,
  items: v.array(studyListed),
  more_than: v.boolean(),
  next: v.nullable(v.string()),
  previous: v.nullable(v.string()),
});

export type PatientWithStudies = components["schemas"]["PatientWithStudies"];
export const patientWithStudies: Validator<PatientWithStudies> = v.object({
  birth_date: v.string(),
  id: integer,
  name: v.string(),
  patient_id: v.string(),
  project: projectName,
  sex: v.string(),
  studies: studyList,
});

export type PointValuesOut = components["schemas"]["PointValuesOut"];
export const pointValuesOut: Validator<PointValuesOut> = v.object({
  values: v.array(v.nullable(v.number())),
  version: v.string(),
});

export type FieldErrorOut = components["schemas"]["FieldErrorOut"];
export const fieldErrorOut: Validator<FieldErrorOut> = v.object({
  loc: v.array(v.string()),
  msg: v.string(),
  type: v.string(),
});

export type NewerOut = components["schemas"]["NewerOut"];
export const newerOut: Validator<NewerOut> = v.object({
  job: integer,
  segmentation: v.nullable(integer),
});

export type ProblemDocument = components["schemas"]["ProblemDocument"];
export const problemDocument: Validator<ProblemDocument> = v.object({
  code: v.string(),
  detail: v.string(),
  errors: v.optional(v.nullable(v.array(fieldErrorOut))),
  newer: v.optional(v.nullable(newerOut)),
  skipped: v.optional(v.nullable(v.pipe(notList, v.record(v.string(), problemOut)))),
  status: integer,
  title: v.string(),
  type: v.optional(v.string()),
});

export type ProjectOut = components["schemas"]["ProjectOut"];
export const projectOut: Validator<ProjectOut> = v.object({
  created: v.string(),
  description: v.string(),
  id: integer,
  more_studies: v.boolean(),
  name: v.string(),
  role: v.picklist(["viewer","analyst","uploader","owner"]),
  slug: v.string(),
  study_count: integer,
});

export type ReportLineOut = components["schemas"]["ReportLineOut"];
export const reportLineOut: Validator<ReportLineOut> = v.object({
  depth: integer,
  name: v.string(),
  value: v.string(),
});

export type ReportContentOut = components["schemas"]["ReportContentOut"];
export const reportContentOut: Validator<ReportContentOut> = v.object({
  lines: v.array(reportLineOut),
  more: v.boolean(),
  title: v.string(),
});

export type RuleOut = components["schemas"]["RuleOut"];
export const ruleOut: Validator<RuleOut> = v.object({
  created: v.string(),
  deliveries: deliveryCounts,
  description: v.string(),
  from_name: v.string(),
  from_node: v.nullable(integer),
  id: integer,
  is_enabled: v.boolean(),
  modalities: v.array(v.string()),
  name: v.string(),
});

export type CodeOut = components["schemas"]["CodeOut"];
export const codeOut: Validator<CodeOut> = v.object({
  meaning: v.string(),
  scheme: v.string(),
  value: v.string(),
});

export type SegmentOut = components["schemas"]["SegmentOut"];
export const segmentOut: Validator<SegmentOut> = v.object({
  algorithm: v.string(),
  algorithm_type: v.string(),
  anatomic_region: v.nullable(codeOut),
  box: v.nullable(v.strictTuple([v.strictTuple([integer, integer, integer]), v.strictTuple([integer, integer, integer])])),
  category: v.nullable(codeOut),
  colour: v.string(),
  contour_mm3: v.nullable(v.number()),
  count: integer,
  label: v.string(),
  layer: integer,
  mm3: v.nullable(v.number()),
  number: integer,
  region_modifier: v.nullable(codeOut),
  type: v.nullable(codeOut),
  type_modifier: v.nullable(codeOut),
  value: integer,
});

export type SegmentationOut = components["schemas"]["SegmentationOut"];
export const segmentationOut: Validator<SegmentationOut> = v.object({
  affine: v.nullable(v.array(v.array(v.number()))),
  created: v.string(),
  dtype: v.picklist(["uint8","uint16"]),
  fractional: v.nullable(v.picklist(["OCCUPANCY","PROBABILITY"])),
  id: integer,
  kind: v.picklist(["SEG","RTSTRUCT"]),
  label: v.string(),
  layers: integer,
  placed: v.nullable(v.picklist(["frame","unknown","other"])),
  problem: v.nullable(problemOut),
  recipe: v.string(),
  segment_count: integer,
  segments: v.array(segmentOut),
  series_id: integer,
  shape: v.array(integer),
  sop_instance_uid: v.string(),
  space: v.string(),
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
  state: v.picklist(["ready","building"]),
  study_id: integer,
  version: v.string(),
  voxel_mm3: v.nullable(v.number()),
  warnings: v.array(v.string()),
});

export type ValueStatisticsOut = components["schemas"]["ValueStatisticsOut"];
export const valueStatisticsOut: Validator<ValueStatisticsOut> = v.object({
  count: integer,
  maximum: v.nullable(v.number()),
  mean: v.nullable(v.number()),
  median: v.nullable(v.number()),
  minimum: v.nullable(v.number()),
  p25: v.nullable(v.number()),
  p5: v.nullable(v.number()),
  p75: v.nullable(v.number()),
  p95: v.nullable(v.number()),
  std: v.nullable(v.number()),
});

export type SegmentFiguresOut = components["schemas"]["SegmentFiguresOut"];
export const segmentFiguresOut: Validator<SegmentFiguresOut> = v.object({
  count: integer,
  missing: integer,
  mm3: v.nullable(v.number()),
  number: integer,
  values: valueStatisticsOut,
});

export type SegmentationStatisticsOut = components["schemas"]["SegmentationStatisticsOut"];
export const segmentationStatisticsOut: Validator<SegmentationStatisticsOut> = v.object({
  segments: v.array(segmentFiguresOut),
  unit: v.string(),
});

export type SegmentationSummaryOut = components["schemas"]["SegmentationSummaryOut"];
export const segmentationSummaryOut: Validator<SegmentationSummaryOut> = v.object({
  created: v.string(),
  id: integer,
  kind: v.picklist(["SEG","RTSTRUCT"]),
  label: v.string(),
  placed: v.nullable(v.picklist(["frame","unknown","other"])),
  problem: v.nullable(problemOut),
  segment_count: integer,
  series_id: integer,
  sop_instance_uid: v.string(),
  space: v.string(),
  state: v.picklist(["ready","building"]),
  study_id: integer,
});

export type SegmentationsOut = components["schemas"]["SegmentationsOut"];
export const segmentationsOut: Validator<SegmentationsOut> = v.object({
  segmentations: v.array(segmentationSummaryOut),
});

export type SendOut = components["schemas"]["SendOut"];
export const sendOut: Validator<SendOut> = v.object({
  waiting: integer,
});

export type PixellessObject = components["schemas"]["PixellessObject"];
export const pixellessObject: Validator<PixellessObject> = v.object({
  document: v.nullable(v.string()),
  kind: v.picklist(["report","document","presentation","contours","plan","waveform","registration","surface","measurements","other"]),
  report: v.nullable(v.string()),
  sop_instance_uid: v.string(),
  title: v.string(),
});

export type ClassCount = components["schemas"]["ClassCount"];
export const classCount: Validator<ClassCount> = v.object({
  count: integer,
  objects: v.array(pixellessObject),
  sop_class: v.string(),
});

export type FindingOut = components["schemas"]["FindingOut"];
export const findingOut: Validator<FindingOut> = v.looseObject({
  code: v.string(),
  message: v.string(),
  severity: v.picklist(["error","warning","note"]),
  stack: v.nullable(integer),
  stacks: v.array(integer),
});

export type ReportOut = components["schemas"]["ReportOut"];
export const reportOut: Validator<ReportOut> = v.object({
  problems: v.array(findingOut),
  regular: v.boolean(),
  summary: v.string(),
});

export type WindowOut = components["schemas"]["WindowOut"];
export const windowOut: Validator<WindowOut> = v.object({
  center: v.number(),
  function: v.picklist(["LINEAR","LINEAR_EXACT","SIGMOID"]),
  name: v.string(),
  width: v.number(),
});

export type TableOut = components["schemas"]["TableOut"];
export const tableOut: Validator<TableOut> = v.object({
  first: integer,
  levels: v.string(),
  name: v.string(),
});

export type MeasurementOut = components["schemas"]["MeasurementOut"];
export const measurementOut: Validator<MeasurementOut> = v.object({
  limits: v.optional(v.nullable(limitsOut)),
  method: v.string(),
  pixels_above_threshold: integer,
  pixels_total: integer,
  series_instance_uid: v.string(),
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
  threshold: v.nullable(v.number()),
  volume_mm3: v.nullable(v.number()),
  warnings: v.array(v.string()),
});

export type PlaneOut = components["schemas"]["PlaneOut"];
export const planeOut: Validator<PlaneOut> = v.object({
  aspect: v.number(),
  columns: integer,
  count: integer,
  lean: v.number(),
  rows: integer,
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number())]),
});

export type PlanesOut = components["schemas"]["PlanesOut"];
export const planesOut: Validator<PlanesOut> = v.object({
  acquired: planeOut,
  axial: v.optional(planeOut),
  coronal: v.optional(planeOut),
  sagittal: v.optional(planeOut),
});

export type SeparatorOut = components["schemas"]["SeparatorOut"];
export const separatorOut: Validator<SeparatorOut> = v.object({
  keyword: v.string(),
  name: v.string(),
  text: v.string(),
  unit: v.string(),
  value: v.nullable(v.number()),
});

export type SlicePlace = components["schemas"]["SlicePlace"];
export const slicePlace: Validator<SlicePlace> = v.object({
  gap_mm: v.nullable(v.number()),
  orientation: v.nullable(v.strictTuple([v.number(), v.number(), v.number(), v.number(), v.number(), v.number()])),
  pixel_spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number())]),
  position: v.nullable(v.strictTuple([v.number(), v.number(), v.number()])),
});

export type SideWords = components["schemas"]["SideWords"];
export const sideWords: Validator<SideWords> = v.object({
  laterality: v.string(),
  patient_orientation: v.array(v.string()),
  view: v.string(),
});

export type SliceSides = components["schemas"]["SliceSides"];
export const sliceSides: Validator<SliceSides> = v.object({
  slices: v.array(integer),
  words: v.array(sideWords),
});

export type SliceViews = components["schemas"]["SliceViews"];
export const sliceViews: Validator<SliceViews> = v.object({
  slices: v.array(v.nullable(integer)),
  views: v.array(v.union([windowOut, tableOut])),
});

export type UltrasoundRegionOut = components["schemas"]["UltrasoundRegionOut"];
export const ultrasoundRegionOut: Validator<UltrasoundRegionOut> = v.object({
  data_type: v.string(),
  delta_x: v.number(),
  delta_y: v.number(),
  first_column: integer,
  first_row: integer,
  last_column: integer,
  last_row: integer,
  pixel_spacing_mm: v.nullable(v.strictTuple([v.number(), v.number()])),
  reference: v.nullable(v.strictTuple([integer, integer])),
  reference_x: v.nullable(v.number()),
  reference_y: v.nullable(v.number()),
  spatial_format: v.string(),
  unit_x: v.string(),
  unit_y: v.string(),
});

export type SliceRegions = components["schemas"]["SliceRegions"];
export const sliceRegions: Validator<SliceRegions> = v.object({
  regions: v.array(v.array(ultrasoundRegionOut)),
  slices: v.array(integer),
});

export type VolumeOut = components["schemas"]["VolumeOut"];
export const volumeOut: Validator<VolumeOut> = v.object({
  acquired_by: v.string(),
  acquired_s: v.nullable(v.number()),
  affine: v.nullable(v.array(v.array(v.number()))),
  byte_order: v.literal("little"),
  colour: v.boolean(),
  default_view: v.union([windowOut, tableOut]),
  default_window: windowOut,
  dtype: v.string(),
  frame_of_reference_uid: v.nullable(v.string()),
  frame_rate: v.nullable(v.number()),
  frame_rate_source: v.string(),
  frame_sweep: v.boolean(),
  frame_times_ms: v.nullable(v.array(v.number())),
  grid: v.nullable(integer),
  index: integer,
  inverted: v.boolean(),
  label: v.string(),
  lossy: v.boolean(),
  max: v.nullable(v.number()),
  measurement: v.nullable(measurementOut),
  min: v.nullable(v.number()),
  overlay_slices: v.array(integer),
  padding_count: integer,
  padding_ranges: v.nullable(v.array(v.nullable(v.strictTuple([v.number(), v.number()])))),
  planes: planesOut,
  problem: v.nullable(problemOut),
  quadruped: v.boolean(),
  regular: v.boolean(),
  separators: v.array(separatorOut),
  shape: v.array(integer),
  slice_places: v.nullable(v.array(slicePlace)),
  slice_sides: v.nullable(sliceSides),
  slice_views: v.nullable(sliceViews),
  spacing_mm: v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
  tables: v.array(tableOut),
  ultrasound: v.nullable(sliceRegions),
  unit: v.string(),
  version: v.string(),
  warnings: v.array(v.string()),
  windows: v.array(windowOut),
});

export type SeriesOut = components["schemas"]["SeriesOut"];
export const seriesOut: Validator<SeriesOut> = v.object({
  body_part: v.string(),
  description: v.string(),
  id: integer,
  instance_count: integer,
  job: v.nullable(jobOut),
  lossy: v.boolean(),
  metadata: v.pipe(notList, v.record(v.string(), v.unknown())),
  modality: v.string(),
  number: v.nullable(integer),
  patient: patientOut,
  pixelless: v.array(classCount),
  problem: v.nullable(problemOut),
  progress: v.number(),
  project_id: integer,
  regular: v.nullable(v.boolean()),
  report: v.nullable(reportOut),
  series_instance_uid: v.string(),
  shape: v.nullable(v.array(integer)),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
  study: studyBrief,
  study_id: integer,
  thumbnail: v.nullable(v.string()),
  volume_count: integer,
  volume_labels: v.array(v.string()),
  volumes: v.array(volumeOut),
});

export type OverlayOut = components["schemas"]["OverlayOut"];
export const overlayOut: Validator<OverlayOut> = v.object({
  bits: v.string(),
  columns: integer,
  description: v.string(),
  group: integer,
  kind: v.picklist(["G","R",""]),
  label: v.string(),
  origin: v.strictTuple([integer, integer]),
  rows: integer,
});

export type SliceOverlaysOut = components["schemas"]["SliceOverlaysOut"];
export const sliceOverlaysOut: Validator<SliceOverlaysOut> = v.object({
  overlays: v.array(overlayOut),
  problems: v.array(v.string()),
});

export type StepOut = components["schemas"]["StepOut"];
export const stepOut: Validator<StepOut> = v.object({
  description: v.string(),
  group: v.string(),
  inputs: v.array(v.string()),
  name: v.string(),
  needs: v.array(v.picklist(["grey","millimetres","place","straight"])),
  optional: v.array(v.string()),
  params: v.pipe(notList, v.record(v.string(), v.unknown())),
  title: v.string(),
});

export type StudyDeliveries = components["schemas"]["StudyDeliveries"];
export const studyDeliveries: Validator<StudyDeliveries> = v.object({
  counts: deliveryCounts,
  name: v.string(),
  node: integer,
  problem: v.nullable(problemOut),
});

export type TermOut = components["schemas"]["TermOut"];
export const termOut: Validator<TermOut> = v.object({
  anatomic_region: v.nullable(codeOut),
  category: codeOut,
  colour: v.nullable(v.string()),
  modifiers: v.array(codeOut),
  type: codeOut,
});

export type TermsOut = components["schemas"]["TermsOut"];
export const termsOut: Validator<TermsOut> = v.object({
  regions: v.array(codeOut),
  terms: v.array(termOut),
});

export type TrashRow = components["schemas"]["TrashRow"];
export const trashRow: Validator<TrashRow> = v.object({
  bytes: integer,
  date: v.string(),
  days_left: integer,
  deleted: v.string(),
  deleted_by: v.string(),
  description: v.string(),
  goes: v.string(),
  id: integer,
  instance_count: integer,
  modalities: v.array(v.string()),
  patient: patientOut,
  project: projectName,
  series_count: integer,
  study_instance_uid: v.string(),
  time: v.string(),
});

export type TrashList = components["schemas"]["TrashList"];
export const trashList: Validator<TrashList> = v.object({
  count: integer,
  items: v.array(trashRow),
  more_than: v.boolean(),
  next: v.nullable(v.string()),
});

export type EntryOut = components["schemas"]["EntryOut"];
export const entryOut: Validator<EntryOut> = v.object({
  code: v.string(),
  message: v.string(),
  name: v.string(),
  series: v.nullable(integer),
  status: v.picklist(["stored","present","skipped"]),
});

export type UploadOut = components["schemas"]["UploadOut"];
export const uploadOut: Validator<UploadOut> = v.object({
  counts: counts,
  created: v.string(),
  entries: v.array(entryOut),
  entry_count: integer,
  finished: v.nullable(v.string()),
  id: integer,
  jobs: v.array(jobOut),
  kept_aside: integer,
  message: v.string(),
  names: v.array(v.string()),
  node: v.string(),
  problem: v.nullable(problemOut),
  progress: v.number(),
  project_id: integer,
  series: v.array(integer),
  series_names: v.array(seriesName),
  state: v.picklist(["queued","running","succeeded","failed","cancelled"]),
});
