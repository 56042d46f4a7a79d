// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from "vitest";

import JobPage from "@/pages/JobPage.vue";
import JobsPage from "@/pages/JobsPage.vue";

import { JOB, JOB_DETAIL, TOTALS } from "./jobExamples";
import { all, asked, closePage, enter, json, mounted, openDocument, problem, sent, settle, stops, text, type } from "./mounting";

const STEP = { name: "lungs", title: "Lungs", description: "Air in the chest.", group: "Segment", inputs: ["image"], needs: ["grey"], optional: [], params: {} };
const FAILED = { ...JOB, id: 9, state: "failed", progress: 0.4, problem: { code: "geometry", message: "the slices are not parallel" } };
const RUNNING = { ...JOB, id: 10, state: "running", progress: 0.5, message: "slice 3 of 6", finished: null };

let jobs: object[] = [];
let count = 0;
let job: object = JOB_DETAIL;
let refusal: Response | null = null;
const never = new Promise<Response>(() => undefined);
let waits = false;

function respond(address: string, method: string): Response | Promise<Response> {
  if (address === "/api/steps") return json([STEP]);
  if (waits) return never;
  if (refusal) return refusal.clone();
  if (address.startsWith("/api/jobs?")) return json({ items: address.includes("state=cancelled") ? [] : jobs, count, more_than: false, next: null });
  if (method === "POST") job = { ...job, state: address.endsWith("/cancel") ? "cancelled" : "queued" };
  return json(job);
}
const jobsPage = (address = "/jobs") => mounted(JobsPage, { respond, address });
const jobPage = (id = 8) => mounted(JobPage, { respond, props: { id }, address: `/jobs/${id}` });
const rows = () => all("job-row").map(({ dataset }) => `${dataset.job} ${dataset.state}`);

beforeEach(() => {
  openDocument();
  jobs = [JOB, FAILED, RUNNING];
  count = 3;
  job = JOB_DETAIL;
  refusal = null;
  waits = false;
});
afterEach(closePage);

it("says that the jobs are loaded, and then what there is", async () => {
  waits = true;
  await jobsPage();
  expect(document.querySelector(".spinner, [aria-busy=true]")).not.toBeNull();
  expect(text()).toContain("Loading the jobs");
  closePage();
  openDocument();
  waits = false;
  await jobsPage();
  expect(rows()).toEqual(["8 succeeded", "9 failed", "10 running"]);
  expect(text()).toContain("the slices are not parallel");
  expect(document.querySelector("[role=progressbar], progress")?.getAttribute("aria-label")).toBe("Job 10");
});

it("says what jobs are while there is none, and what no filter finds", async () => {
  jobs = [];
  count = 0;
  const router = await jobsPage("/jobs?series=5");
  expect(text()).toContain("No such job");
  await enter("Show all jobs");
  await settle();
  expect(router.currentRoute.value.fullPath).toBe("/jobs");
  expect(text()).toContain("Jobs appear here when something is uploaded");
  expect(all("job-row")).toHaveLength(0);
});

it("asks for the jobs of a state and of a step", async () => {
  await jobsPage();
  await type("job-state", "failed");
  await type("job-name", "lungs");
  expect(asked.at(-1)).toContain("state=failed");
  expect(asked.at(-1)).toContain("job_name=lungs");
  expect([...document.querySelectorAll("optgroup")].map(({ label }) => label)).toEqual(["Steps", "Archive", "DICOM network"]);
  await type("job-state", "cancelled");
  expect(text()).toContain("No such job");
});

it("says why no job could be loaded, and draws no empty card", async () => {
  refusal = problem(500, "the database is away");
  await jobsPage();
  expect(document.querySelector("[role=alert]")?.textContent).toBe("the database is away");
  expect(document.querySelectorAll("ul")).toHaveLength(0);
});

it("cancels, retries and shows more by keys", async () => {
  count = 70;
  await jobsPage();
  await enter("Cancel");
  await enter("Retry");
  expect(sent.map(({ address }) => address)).toEqual(["/api/jobs/10/cancel", "/api/jobs/9/retry"]);
  await enter("Show more of 70 jobs");
  expect(asked.at(-1)).toContain("limit=100");
});

it("tells a job: about what, by whom, with what and what came of it", async () => {
  waits = true;
  await jobPage();
  expect(text()).toContain("Loading the job");
  closePage();
  openDocument();
  waits = false;
  await jobPage();
  expect(document.querySelector("h1")?.textContent).toBe("Lungs");
  for (const words of ["by anna", "threshold", "0.5", "small gap", "started"]) expect(text()).toContain(words);
  expect([...document.querySelectorAll("a")].map((link) => link.getAttribute("href"))).toEqual(expect.arrayContaining(["/jobs", "/series/5", "/series/11"]));
  expect(stops().some((one) => ["Cancel", "Retry"].includes(one.textContent.trim()))).toBe(false);
});

it("says that there is no such job, and leads back", async () => {
  refusal = problem(404, "There is no job 8.", "not_found");
  await jobPage();
  expect(text()).toContain("This job could not be loaded");
  expect(text()).toContain("There is no job 8.");
  expect(document.querySelector("a[href='/jobs']")).not.toBeNull();
});

it("tells a failed job's reason and trace, and retries it by keys", async () => {
  job = { ...JOB_DETAIL, ...FAILED, id: 8, result: null, trace: "Traceback" };
  await jobPage();
  expect(all("job-problem")[0].textContent).toBe("the slices are not parallel");
  expect(document.querySelector("pre[tabindex='0']")?.textContent).toBe("Traceback");
  await enter("Retry");
  expect(sent).toEqual([{ method: "POST", address: "/api/jobs/8/retry", body: undefined }]);
  expect(text()).toContain("Waiting for its turn");
});

it("cancels a running job by keys, and says above it why that failed", async () => {
  job = { ...JOB_DETAIL, ...RUNNING, id: 8, result: null };
  await jobPage();
  expect(document.querySelector("section[aria-live=polite]")?.textContent).toContain("slice 3 of 6");
  refusal = problem(409, "the job has ended", "job_state");
  await enter("Cancel");
  expect(document.querySelector("[role=alert]")?.textContent).toBe("the job has ended");
  expect(document.querySelector("h1")?.textContent).toBe("Lungs");
});

it("counts a batch's jobs by state, and shows those of one by keys", async () => {
  job = { ...JOB_DETAIL, totals: TOTALS, state: "failed", progress: 0.7, inputs: [], result: null };
  await jobPage();
  expect(all("totals")[0].textContent).toBe("4 of 6 jobs finished");
  expect(document.querySelector("[role=img]")?.getAttribute("aria-label")).toBe("1 done, 1 running, 1 waiting, 2 failed, 1 cancelled");
  all("only-failed")[0].focus();
  expect(stops()).toContain(document.activeElement);
  all("only-failed")[0].click();
  await settle();
  expect(asked.at(-1)).toContain("state=failed");
  expect(all("only-failed")[0].getAttribute("aria-pressed")).toBe("true");
  await enter("Show all");
  expect(all("only-failed")[0].getAttribute("aria-pressed")).toBe("false");
  await enter("Retry 3 jobs");
  expect(sent.at(-1)?.address).toBe("/api/jobs/8/retry");
});
