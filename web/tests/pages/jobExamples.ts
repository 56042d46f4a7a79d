/** Jobs as the server gives them. */
import { SERIES } from "../examples";

const INPUT = { series: 5, stack: 0, modality: "CT", description: "Lung bases", volume: "" };

export const JOB = {
  id: 8, kind: "step", job_name: "lungs", title: "Lungs", state: "succeeded", progress: 1, message: "done", problem: null, attempts: 1, queue: "steps", priority: 0,
  created: "2026-01-02T10:00:00Z", started: "2026-01-02T10:00:01Z", finished: "2026-01-02T10:00:03Z", requested_by: "anna", project_id: 3, series: 5, upload: null, parent: null,
  about: { id: SERIES.id, number: 3, modality: "CT", description: "Lung bases" }, in_dir: "", inputs: [INPUT], params: { threshold: 0.5 }, totals: null, time_limit_seconds: null, memory_limit_bytes: null,
};

export const JOB_DETAIL = {
  ...JOB, trace: "", log: [{ time: "2026-01-02T10:00:01Z", words: "started" }],
  result: { files: [], rows: null, segmentations: [], series: [{ id: 11, address: "/api/series/11", description: "Lungs", modality: "SEG" }], warnings: ["small gap"] },
};

export const TOTALS = { total: 6, queued: 1, running: 1, succeeded: 1, failed: 2, cancelled: 1 };
