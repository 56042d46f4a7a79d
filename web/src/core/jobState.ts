/** The states of jobs, uploads and series. */

export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_STATE_NAMES: Readonly<Record<JobState, string>> = {
  queued: "Waiting",
  running: "Running",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const isActive = (state: JobState): boolean => state === "queued" || state === "running";
