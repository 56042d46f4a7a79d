/** Jobs and steps: what can be done, how it goes, what came of it. */

import { anything, type Decoded, list, nullable, number, object, type Page, page, record, text, whole, words } from "@/api/decode";
import { ask, ServerProblem, withQuery } from "@/api/http";
import { accepted, jobFields, seriesName } from "@/api/records";
import { isActive } from "@/core/jobState";

export const step = object({
  name: text,
  title: words,
  description: words,
  group: words,
  inputs: list(text),
  optional: list(text),
  /** What the first volume must have. */
  needs: list(text),
  /** The JSON schema of its parameters. */
  params: record(anything),
});
export type Step = Decoded<typeof step>;

const totals = object({ total: whole, queued: whole, running: whole, succeeded: whole, failed: whole, cancelled: whole });
export type Totals = Decoded<typeof totals>;

const row = {
  ...jobFields,
  job_name: words,
  title: words,
  params: record(anything),
  inputs: list(object({ series: whole, stack: whole, description: words, modality: words, volume: words })),
  /** The series whose volumes it builds. */
  about: nullable(seriesName),
  in_dir: words,
  requested_by: words,
  queue: words,
  priority: whole,
  time_limit_seconds: nullable(number),
  memory_limit_bytes: nullable(whole),
  parent: nullable(whole),
  totals: nullable(totals),
};
export const jobRow = object(row);
export type JobRow = Decoded<typeof jobRow>;

export const jobResult = object({
  series: list(object({ id: whole, description: words, modality: words, address: text })),
  rows: nullable(object({ count: whole, columns: list(text), json_address: text, csv_address: text })),
  files: list(object({ name: text, size: whole, address: text })),
  warnings: list(text),
});
export type JobResult = Decoded<typeof jobResult>;

export const jobDetail = object({
  ...row,
  log: list(object({ time: text, words })),
  result: nullable(jobResult),
  trace: nullable(text),
});
export type JobDetail = Decoded<typeof jobDetail>;

/** Within the server's own, which hold where nothing is given. */
export interface JobLimits {
  readonly priority?: number;
  readonly time_limit_seconds?: number;
  readonly memory_limit_bytes?: number;
}

interface Confirmed {
  /** The user knows that the images lie in one place of the patient, though their frames of reference do not say so. */
  readonly same_frame_of_reference?: boolean;
}

export interface JobRequest extends JobLimits, Confirmed {
  readonly job_name: string;
  readonly series: number;
  readonly stack: number;
  readonly second?: number;
  readonly second_stack?: number;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The same step on each of many series. */
export interface BatchRequest extends JobLimits, Confirmed {
  readonly job_name: string;
  readonly series: readonly number[];
  readonly stack: number;
  readonly params: Readonly<Record<string, unknown>>;
}

export const listSteps = (signal?: AbortSignal): Promise<Step[]> => ask("/api/steps", list(step), { signal });

export const requestJob = (request: JobRequest): Promise<{ id: number }> =>
  ask("/api/jobs", accepted, { method: "POST", json: request });

export const requestBatch = (request: BatchRequest): Promise<{ id: number }> =>
  ask("/api/jobs/batch", accepted, { method: "POST", json: request });

export interface JobQuery {
  state?: string;
  job_name?: string;
  series?: number | null;
  parent?: number;
  /** "true" leaves out the jobs of batches. */
  top?: string;
  limit?: number;
  offset?: number;
}

export const listJobs = (query: JobQuery, signal?: AbortSignal): Promise<Page<JobRow>> =>
  ask(withQuery("/api/jobs", { ...query }), page(jobRow), { signal });

export const getJob = (id: number, signal?: AbortSignal): Promise<JobDetail> => ask(`/api/jobs/${id}`, jobDetail, { signal });

export const cancelJob = (id: number): Promise<JobDetail> => ask(`/api/jobs/${id}/cancel`, jobDetail, { method: "POST" });

export const retryJob = (id: number, confirmed: { sameFrameOfReference?: boolean } = {}): Promise<JobDetail> =>
  ask(withQuery(`/api/jobs/${id}/retry`, { same_frame_of_reference: confirmed.sameFrameOfReference ? "true" : null }), jobDetail, { method: "POST" });

export type ResultRow = Record<string, unknown>;
export const getResultRows = (address: string, signal?: AbortSignal): Promise<ResultRow[]> => ask(address, list(record(anything)), { signal });

/** Browsers open six connections to a server at most, and slices need some. */
const MOST_STREAMS = 2;
const POLL_MS = 1000;
let streams = 0;

export interface JobListener {
  readonly onJob: (job: JobDetail) => void;
  /** Told why nothing is heard; it goes on trying. */
  readonly onTrouble: (failure: unknown) => void;
}

/** Tells of a job now and whenever it changes, until it is over: by server-sent events, or by asking where they fail. */
export function followJob(id: number, { onJob, onTrouble }: JobListener): () => void {
  const controller = new AbortController();
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function closeStream(): void {
    if (!source) return;
    source.close();
    source = null;
    streams -= 1;
  }

  function stop(): void {
    controller.abort();
    clearTimeout(timer);
    closeStream();
  }

  async function poll(): Promise<void> {
    try {
      const job = await getJob(id, controller.signal);
      if (controller.signal.aborted) return;
      onJob(job);
      if (!isActive(job.state)) return;
    } catch (failure) {
      if (controller.signal.aborted) return;
      onTrouble(failure);
      if (failure instanceof ServerProblem && failure.status === 404) return;
    }
    timer = setTimeout(() => void poll(), POLL_MS);
  }

  function listen(event: MessageEvent<string>): void {
    try {
      const job = jobDetail(JSON.parse(event.data));
      onJob(job);
      if (!isActive(job.state)) stop();
    } catch (failure) {
      onTrouble(failure);
      stop();
    }
  }

  if (streams >= MOST_STREAMS || typeof EventSource === "undefined") {
    void poll();
    return stop;
  }
  streams += 1;
  source = new EventSource(`/api/jobs/${id}/events`);
  source.addEventListener("job", listen);
  source.addEventListener("error", () => {
    closeStream();
    void poll();
  });
  return stop;
}
