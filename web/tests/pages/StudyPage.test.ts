// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import StudyPage from "@/pages/StudyPage.vue";

import { ROW } from "../examples";
import { all, asked, closePage, enter, json, ME, mounted, openDocument, problem, sent, settle, stops, text } from "./mounting";

const ROWS = [ROW, { ...ROW, id: 6, number: 4, description: "Scout", volume_count: 0, state: "failed", problem: { code: "geometry", message: "no place" }, thumbnail: null }];
const STUDY = {
  id: 2, project_id: 3, study_instance_uid: "1.2.840.7", patient: ROW.patient, date: "20010203", time: "101500", description: "Chest", accession_number: "A1", modalities: ["CT"],
  series_count: 2, instance_count: 70, bytes: 18_000_000, series: ROWS,
};

let study: object = STUDY;
let refusal: Response | null = null;
let waits = false;
let deletion: Promise<Response> | null = null;

function respond(address: string, method: string): Response | Promise<Response> {
  if (waits) return new Promise<Response>(() => undefined);
  if (refusal) return refusal.clone();
  if (method === "DELETE" && deletion) return deletion;
  if (method === "DELETE") return json(null, 204);
  if (address === "/api/nodes") return json({ site: null, items: [] });
  if (address.endsWith("/deliveries")) return json([]);
  return json(study);
}
const page = (me: unknown = ME) => mounted(StudyPage, { respond, props: { id: 2 }, me, address: "/studies/2" });

beforeEach(() => {
  openDocument();
  study = STUDY;
  refusal = null;
  waits = false;
  deletion = null;
});
afterEach(() => {
  closePage();
  vi.useRealTimers();
});

it("says that the study is loaded", async () => {
  waits = true;
  await page();
  expect(text()).toContain("Loading the study");
});

it("says why there is no study, and leads home", async () => {
  refusal = problem(404, "There is no study 2.", "not_found");
  await page();
  expect(text()).toContain("This study could not be loaded");
  expect(text()).toContain("There is no study 2.");
  expect(document.querySelector("a[href='/']")?.textContent).toBe("Go home");
});

it("tells what the study is, and leads to its patient, series and files", async () => {
  await page();
  expect(document.querySelector("h1")?.textContent).toBe("Chest");
  const facts = document.querySelector("dl")?.textContent ?? "";
  for (const words of ["P1", "3 Feb 2001, 10:15", "A1", "70 instances", "1.2.840.7"]) expect(facts).toContain(words);
  expect(all("patient-link")[0].getAttribute("href")).toBe("/patients/1");
  expect(all("series-row").map(({ dataset }) => dataset.series)).toEqual(["5", "6"]);
  expect(all("series-row")[1].textContent).toContain("Not built");
  expect(all("download-study")[0].getAttribute("href")).toBe("/api/studies/2/archive.zip");
});

it("has no list of series where there is none", async () => {
  study = { ...STUDY, series: [], series_count: 0 };
  await page();
  expect(text()).toContain("0 series");
  expect(all("selection-bar")).toHaveLength(0);
  expect(document.querySelectorAll("ul.cards")).toHaveLength(0);
});

it("offers nothing to a viewer that only an owner may do", async () => {
  await page({ ...ME, is_admin: false, projects: [{ id: 3, name: "Heart", role: "viewer" }] });
  expect([all("delete-study"), all("copy-study")]).toEqual([[], []]);
  expect(all("download-study")).toHaveLength(1);
});

it("deletes the study by keys, after a question", async () => {
  const router = await page();
  await enter("Delete");
  const dialog = document.querySelector<HTMLDialogElement>("dialog[open]");
  expect(dialog?.textContent).toContain("Delete this study?");
  expect(sent).toEqual([]);
  const answer = [...(dialog?.querySelectorAll("button") ?? [])].find(({ textContent }) => textContent.trim() === "Delete");
  if (!answer) throw new Error("the question cannot be answered");
  expect(stops()).toContain(answer);
  answer.click();
  await settle();
  expect(sent).toEqual([{ method: "DELETE", address: "/api/studies/2", body: undefined }]);
  expect(router.currentRoute.value.path).toBe("/");
});

it("selects its series by keys and leads to the choice of a step", async () => {
  const router = await page();
  const box = all("select-all")[0].querySelector("input") ?? document.querySelector<HTMLInputElement>("[data-testid=select-all]");
  expect(stops()).toContain(box);
  (box as HTMLElement).click();
  await settle();
  expect(all("selection-count")[0].textContent).toContain("1 series selected");
  await enter("Run a step on 1 series…");
  expect(router.currentRoute.value.path).toBe("/run");
});

it("keeps the study when it cannot be asked for again while it is built, says so and tries again", async () => {
  study = { ...STUDY, series: [{ ...ROW, state: "running", progress: 0.5 }] };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 1 });
  await page();
  expect(text()).toContain("Building 50");
  refusal = problem(500, "the database is away");
  await vi.advanceTimersByTimeAsync(1000);
  expect(document.querySelector("[role=alert]")?.textContent).toBe("the database is away");
  expect(document.querySelector("h1")?.textContent).toBe("Chest");
  refusal = null;
  study = STUDY;
  await vi.advanceTimersByTimeAsync(4000);
  expect(document.querySelector("[role=alert]")).toBeNull();
  expect(all("series-row")).toHaveLength(2);
});

it("asks nothing about a study while it is deleted, and goes on if that is refused", async () => {
  study = { ...STUDY, series: [{ ...ROW, state: "running", progress: 0.5 }] };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 1 });
  await page();
  let answer: (response: Response) => void = () => undefined;
  deletion = new Promise((resolve) => (answer = resolve));
  await enter("Delete");
  document.querySelector<HTMLElement>("dialog[open] [data-testid=confirm]")?.click();
  await settle();
  expect(sent).toHaveLength(1);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(before);
  answer(problem(409, "It is on its way to a node."));
  await settle();
  expect(document.querySelector("dialog [role=alert]")?.textContent).toBe("It is on its way to a node.");
  expect(asked.slice(before)).toEqual(expect.arrayContaining(["/api/studies/2", expect.stringContaining("/deliveries")]));
});
