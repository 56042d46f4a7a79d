/** The states that uploads, jobs and series share. */

export const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type State = (typeof STATES)[number];

export const STATE_WORDS: Readonly<Record<State, string>> = {
  queued: "Waiting",
  running: "Running",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const isActive = (state: State): boolean => state === "queued" || state === "running";
