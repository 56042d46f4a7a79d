/**
 * Holds the decoders against the server's OpenAPI document, at compile time: `npm run typecheck` fails when a record
 * that the pages read is no longer what the server gives. `npm run types` renews the generated side.
 */

import type * as jobs from "@/api/jobs";
import type * as records from "@/api/records";
import type { components } from "@/api/schema";

type Served = components["schemas"];

/** Everything the pages read is there, and of a type they take. */
type Fits<Given extends Wanted, Wanted> = Given;
/** Everything the pages read is there; for records whose fixed-length lists OpenAPI cannot tell. */
type Names<Given extends Record<keyof Wanted, unknown>, Wanted> = keyof Wanted & keyof Given;

export type Agreement = [
  Fits<Served["Me"], records.Me>,
  Fits<Served["JobOut"], records.Job>,
  Fits<Served["EntryOut"], records.UploadEntry>,
  Fits<Served["UploadOut"], records.Upload>,
  Fits<Served["PatientOut"], records.Patient>,
  Fits<Served["SeriesRow"], records.SeriesRow>,
  Fits<Served["StudyOut"], records.Study>,
  Fits<Served["StepOut"], jobs.Step>,
  Fits<Served["JobRow"], jobs.JobRow>,
  Fits<Served["JobDetail"], jobs.JobDetail>,
  Names<Required<Served["JobRequest"]>, jobs.JobRequest>,
  Names<Required<Served["BatchRequest"]>, jobs.BatchRequest>,
  Names<Served["SeriesOut"], records.Series>,
  Names<Served["VolumeOut"], records.VolumeFacts>,
  Names<Served["PlaneOut"], records.PlaneFacts>,
  Names<Served["MeasurementOut"], records.Measurement>,
  Names<Served["MeasureView"], records.MeasuredView>,
  Names<Served["MeasureOut"], records.MeasureAnswer>,
];
