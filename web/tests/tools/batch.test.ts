import { afterEach, describe, expect, it, vi } from "vitest";

import type { SeriesRow, StepOut } from "@/api/generated/validators";
import { requestBatch } from "@/api/jobs";
import { batchSteps, commonVolumes, pairStepTitles, refusedSeries, whyBatchBlocked } from "@/tools/run/batch";
import { collectLimits, emptyLimits, inFormUnits, limitNamedIn, limitsText, splitLimitErrors } from "@/tools/run/limits";

import { ROW } from "../examples";

const row = (id: number, more: Partial<SeriesRow> = {}): SeriesRow => ({ ...ROW, state: "succeeded", id, ...more });
const step = (title: string, inputs: string[], optional: string[] = []): StepOut => ({
  name: title, title, description: "", group: "filter", inputs, optional, needs: [], params: {},
});

describe("a batch", () => {
  it("is of steps on one volume", () => {
    const steps = [step("Blur", ["volume"]), step("Fill", ["volume"], ["image"]), step("Register", ["fixed", "moving"])];
    expect(batchSteps(steps).map(({ title }) => title)).toEqual(["Blur", "Fill"]);
    expect(pairStepTitles(steps)).toBe("Register");
    expect(pairStepTitles([...steps, step("Subtract", ["a", "b"]), step("Add", ["a", "b"])])).toBe("Register, Subtract and Add");
    expect(pairStepTitles([])).toBe("");
  });

  it("waits for what is built, and for what can never be run on to be left out", () => {
    const building = row(2, { state: "running", volume_count: 0, regular: null });
    expect(whyBatchBlocked([row(1)])).toBe("");
    expect(whyBatchBlocked([row(1), building])).toBe("1 series is still being built: wait, or leave it out.");
    expect(whyBatchBlocked([building, row(3, { regular: false }), row(4, { regular: false })])).toContain("2 series of these: leave them out");
    expect(whyBatchBlocked(Array.from({ length: 10_001 }, (_, id) => row(id)))).toContain("at most 10,000 series");
  });

  it("is of a volume that all of its series have", () => {
    expect(commonVolumes([row(1, { volume_count: 3 }), row(2, { volume_count: 2 })])).toEqual([0, 1]);
    expect(commonVolumes([row(1, { volume_count: 3 }), row(2, { volume_count: 0 })])).toEqual([0]);
    expect(commonVolumes([])).toEqual([]);
  });

  it("finds the series that a refusal names among its own", () => {
    const rows = [row(4), row(12)];
    expect(refusedSeries("series 12 forms no regular volume: two spacings", rows)).toBe(12);
    expect(refusedSeries("there is no series 13", rows)).toBeNull();
    expect(refusedSeries("a job may take 12 seconds here", rows)).toBeNull();
  });
});

describe("limits", () => {
  it("are typed in minutes and gigabytes, sent in seconds and bytes, and left to the server where empty", () => {
    expect(collectLimits(emptyLimits())).toEqual({ limits: {}, errors: {} });
    const { limits, errors } = collectLimits({ time_limit_seconds: "4.2", memory_limit_bytes: " 2.3 ", priority: "-5" });
    expect(limits).toEqual({ time_limit_seconds: 252, memory_limit_bytes: 2_300_000_000, priority: -5 });
    expect(errors).toEqual({});
    expect(limitsText({ time_limit_seconds: "4.2", memory_limit_bytes: "2.3", priority: "-5" })).toBe("4.2 min, 2.3 GB, priority -5");
    expect(limitsText(emptyLimits())).toBe("");
  });

  it("are whole bytes and never no time at all", () => {
    expect(collectLimits({ memory_limit_bytes: "0.1234567891234" }).limits.memory_limit_bytes).toBe(123_456_789);
    expect(collectLimits({ time_limit_seconds: "0.000001" }).limits.time_limit_seconds).toBeGreaterThan(0);
  });

  it("are refused where they are no limits", () => {
    const { errors } = collectLimits({ time_limit_seconds: "0", memory_limit_bytes: "0.01", priority: "101" });
    expect(Object.keys(errors).sort()).toEqual(["memory_limit_bytes", "priority", "time_limit_seconds"]);
    expect(collectLimits({ priority: "1.5" }).errors.priority).toBe("A whole number is needed.");
  });

  it("have the server's refusals at their fields", () => {
    const told = [
      { loc: ["body", "body", "time_limit_seconds"], msg: "must be above 0" },
      // A step's own parameter of that name is none of them.
      { loc: ["body", "params", "priority"], msg: "is too high" },
    ];
    expect(splitLimitErrors(told)).toEqual({ limits: { time_limit_seconds: "must be above 0" }, others: [told[1]] });
    expect(limitNamedIn("a job may take 3600 seconds here at most (jobs.time_limit_seconds)")).toBe("time_limit_seconds");
    expect(inFormUnits("a job may take 3600 seconds here at most (jobs.time_limit_seconds)")).toBe("a job may take 60 min here at most (jobs.time_limit_seconds)");
    expect(inFormUnits("a job may take 2,147,483,648 bytes of memory here")).toBe("a job may take 2.14 GB of memory here");
    expect(limitNamedIn("there is no series 3")).toBeUndefined();
  });
});

describe("asking for a batch", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is one request for all series", async () => {
    const asked = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ id: 9, address: "/api/jobs/9" }), { status: 202 })));
    vi.stubGlobal("fetch", asked);
    vi.stubGlobal("document", { cookie: "" });
    const request = { job_name: "gaussian", series: [3, 4], stack: 0, params: { sigma: 2 }, time_limit_seconds: 60 };
    expect((await requestBatch(request)).id).toBe(9);
    const [address, { method, body }] = asked.mock.calls[0] as unknown as [string, { method: string; body: string }];
    expect([address, method]).toEqual(["/api/jobs/batch", "POST"]);
    expect(JSON.parse(body)).toEqual(request);
  });
});
