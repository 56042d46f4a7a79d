import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { JobDetail } from "@/api/generated/validators";
import { followJob } from "@/api/jobEvents";

const JOB = {
  id: 7, kind: "step", state: "running", progress: 0.5, message: "half", created: "2026-01-01T00:00:00Z", started: null, finished: null,
  attempts: 1, problem: null, upload: null, series: 3, project_id: 1, job_name: "gaussian", title: "Gaussian blur", params: { sigma: 1 },
  inputs: [{ series: 3, stack: 0, description: "Chest", modality: "CT", volume: "" }], about: null, in_dir: "", requested_by: "admin", queue: "cpu",
  priority: 0, time_limit_seconds: null, memory_limit_bytes: null, parent: null, totals: null, log: [{ time: "2026-01-01T00:00:00Z", words: "begun" }], result: null, trace: null,
};

class Source {
  static opened: Source[] = [];
  closed = false;
  private readonly listeners = new Map<string, (event: unknown) => void>();

  constructor(readonly address: string) {
    Source.opened.push(this);
  }

  addEventListener(name: string, listener: (event: unknown) => void): void {
    this.listeners.set(name, listener);
  }

  close(): void {
    this.closed = true;
  }

  tell(name: string, data: unknown = null): void {
    this.listeners.get(name)?.({ data: typeof data === "string" ? data : JSON.stringify(data) });
  }
}

describe("following a job", () => {
  let heard: JobDetail[];
  let troubles: unknown[];
  const stops: (() => void)[] = [];
  const follow = (id: number) => {
    const stop = followJob(id, { onJob: (job) => heard.push(job), onTrouble: (failure) => troubles.push(failure) });
    stops.push(stop);
    return stop;
  };
  const answer = vi.fn();

  beforeEach(() => {
    heard = [];
    troubles = [];
    Source.opened = [];
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", Source);
    vi.stubGlobal("fetch", answer);
    answer.mockReset();
  });
  afterEach(() => {
    stops.splice(0).forEach((stop) => stop());
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("hears every change and closes when it is over", () => {
    follow(7);
    const [source] = Source.opened;
    expect(source.address).toBe("/api/jobs/7/events");
    source.tell("job", JOB);
    expect(source.closed).toBe(false);
    source.tell("job", { ...JOB, state: "succeeded", progress: 1 });
    expect(heard.map(({ state }) => state)).toEqual(["running", "succeeded"]);
    expect(source.closed).toBe(true);
  });

  it("asks every second where no events come, through failures, until the job is over", async () => {
    answer.mockResolvedValueOnce(new Response(JSON.stringify(JOB)));
    answer.mockRejectedValueOnce(new TypeError("network"));
    answer.mockResolvedValueOnce(new Response(JSON.stringify({ ...JOB, state: "failed", problem: { code: "x", message: "why" } })));
    follow(7);
    Source.opened[0].tell("error");
    expect(Source.opened[0].closed).toBe(true);
    await vi.advanceTimersByTimeAsync(2500);
    expect(heard.map(({ state }) => state)).toEqual(["running", "failed"]);
    expect(troubles).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(answer).toHaveBeenCalledTimes(3);
  });

  it("leaves connections for slices: two streams at a time, others ask", async () => {
    answer.mockImplementation(() => Promise.resolve(new Response(JSON.stringify(JOB))));
    const stop = follow(1);
    follow(2);
    follow(3);
    expect(Source.opened).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(0);
    expect(heard).toHaveLength(1);
    stop();
    follow(4);
    expect(Source.opened).toHaveLength(3);
  });

  it("is silent once it is stopped", async () => {
    const stop = follow(7);
    stop();
    Source.opened[0].tell("error");
    await vi.advanceTimersByTimeAsync(3000);
    expect(answer.mock.calls.length).toBeLessThanOrEqual(1);
    expect(heard).toEqual([]);
  });
});
