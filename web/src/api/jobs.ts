/** Requests for steps, jobs and their results. */

import * as v from "valibot";

import type { components } from "@/api/generated/types";
import { type Accepted, accepted, type JobDetail, jobDetail, type PageJobRow, pageJobRow, type StepOut, stepOut } from "@/api/generated/validators";
import { requestJson } from "@/api/http";
import { type Query, withQuery } from "@/api/query";

export type JobRequest = components["schemas"]["JobRequest"];
export type BatchRequest = components["schemas"]["BatchRequest"];

/** The limits of a job, at most the server's own; those apply where none is given. */
export type JobLimits = Pick<JobRequest, "priority" | "time_limit_seconds" | "memory_limit_bytes">;

export const listSteps = (signal?: AbortSignal): Promise<StepOut[]> => requestJson("/api/steps", v.array(stepOut), { signal });

export const requestJob = (request: JobRequest): Promise<Accepted> => requestJson("/api/jobs", accepted, { method: "POST", json: request });

export const requestBatch = (request: BatchRequest): Promise<Accepted> =>
  requestJson("/api/jobs/batch", accepted, { method: "POST", json: request });

export type JobQuery = Query<"/api/jobs">;

export const listJobs = (query: JobQuery, signal?: AbortSignal): Promise<PageJobRow> =>
  requestJson(withQuery("/api/jobs", query), pageJobRow, { signal });

export const getJob = (id: number, signal?: AbortSignal): Promise<JobDetail> => requestJson(`/api/jobs/${id}`, jobDetail, { signal });

export const cancelJob = (id: number): Promise<JobDetail> => requestJson(`/api/jobs/${id}/cancel`, jobDetail, { method: "POST" });

/** Runs a job again; with `same_frame_of_reference` the user confirms what the job's problem asks for. */
export const retryJob = (id: number, query: Query<"/api/jobs/{job_id}/retry", "post"> = {}): Promise<JobDetail> =>
  requestJson(withQuery(`/api/jobs/${id}/retry`, query), jobDetail, { method: "POST" });

export type ResultRow = Record<string, unknown>;

/** The measurements of a step; their columns differ from step to step. */
export const getResultRows = (address: string, signal?: AbortSignal): Promise<ResultRow[]> =>
  requestJson(address, v.array(v.record(v.string(), v.unknown())), { signal });
