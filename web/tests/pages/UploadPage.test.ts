// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from "vitest";

import UploadPage from "@/pages/UploadPage.vue";

import { all, asked, closePage, enter, json, mounted, openDocument, press, problem, sent, settle, stops, text } from "./mounting";

const entry = (name: string, status: string, message = "", series: number | null = null) => ({ name, status, message, code: message && "no_pixels", series });
const UPLOAD = {
  id: 6, project_id: 3, names: ["chest.zip"], node: "PACS", state: "succeeded", progress: 1, message: "", problem: null, created: "2026-01-02T10:00:00Z", finished: "2026-01-02T10:00:09Z", kept_aside: 0,
  counts: { stored: 2, present: 1, skipped: 1 }, entry_count: 4, series: [5], series_names: [{ id: 5, number: 3, modality: "CT", description: "Lung bases" }], jobs: [],
  entries: [entry("1.dcm", "stored", "", 5), entry("2.dcm", "stored", "", 5), entry("3.dcm", "present", "", 5), entry("notes.txt", "skipped", "notes.txt: it is no DICOM file")],
};

let upload: object = UPLOAD;
let refusal: Response | null = null;
let waits = false;

function respond(address: string, method: string): Response | Promise<Response> {
  if (waits) return new Promise<Response>(() => undefined);
  if (refusal) return refusal.clone();
  if (method === "POST") {
    upload = { ...upload, state: "cancelled" };
    return json(upload);
  }
  return json(address.includes("offset=4") ? { ...upload, entries: [entry("5.dcm", "stored", "", 5)] } : upload);
}
const page = () => mounted(UploadPage, { respond, props: { id: 6 }, address: "/uploads/6" });
const files = () => [...document.querySelectorAll("[data-testid=entries] tbody tr")].map((row) => row.querySelector("td")?.textContent);

beforeEach(() => {
  openDocument();
  upload = UPLOAD;
  refusal = null;
  waits = false;
});
afterEach(closePage);

it("says that the report is loaded", async () => {
  waits = true;
  await page();
  expect(text()).toContain("Loading the report");
});

it("says why there is no report, and leads home", async () => {
  refusal = problem(404, "There is no upload 6.", "not_found");
  await page();
  expect(text()).toContain("This report could not be loaded");
  expect(text()).toContain("There is no upload 6.");
  expect(document.querySelector("a[href='/']")?.textContent).toBe("Go home");
});

it("counts the files, names the series and says why a file was skipped", async () => {
  await page();
  expect(document.querySelector("h1")?.textContent).toBe("PACS (1 file)");
  expect([all("count-stored"), all("count-present"), all("count-skipped")].map(([one]) => one.textContent)).toEqual(["2Stored", "1Already there", "1Skipped"]);
  expect(all("view-link")[0].getAttribute("href")).toBe("/series/5");
  expect(all("upload-node")[0].textContent).toContain("PACS");
  expect(files()).toHaveLength(4);
  expect(document.querySelector("tr[data-status=skipped]")?.textContent).toContain("it is no DICOM file");
  expect(stops().some((one) => one.textContent.trim() === "Cancel")).toBe(false);
});

it("shows the files of one result by keys, and those with some words", async () => {
  await page();
  all("count-skipped")[0].focus();
  expect(stops()).toContain(document.activeElement);
  await press(" ");
  expect(files()).toEqual(["notes.txt"]);
  expect(all("count-skipped")[0].getAttribute("aria-pressed")).toBe("true");
  await press("Enter");
  expect(files()).toHaveLength(4);
  const filter = document.querySelector<HTMLInputElement>("input[type=search]");
  if (!filter) throw new Error("there is no filter");
  filter.value = "lung bases";
  filter.dispatchEvent(new Event("input"));
  await settle();
  expect(files()).toHaveLength(3);
  filter.value = "nothing of this";
  filter.dispatchEvent(new Event("input"));
  await settle();
  expect(text()).toContain("No file matches.");
});

it("loads the rest of a long report", async () => {
  upload = { ...UPLOAD, entry_count: 5 };
  await page();
  expect(asked.at(-1)).toContain("offset=4");
  expect(files()).toHaveLength(5);
});

it("says when an upload had no file", async () => {
  upload = { ...UPLOAD, counts: { stored: 0, present: 0, skipped: 0 }, entries: [], entry_count: 0, series: [], series_names: [] };
  await page();
  expect(text()).toContain("There was no file in it.");
});

it("tells how far it is, and is cancelled by keys", async () => {
  upload = { ...UPLOAD, state: "running", progress: 0.25, message: "reading chest.zip", entries: [], entry_count: 0, series: [], series_names: [] };
  await page();
  expect(all("upload-progress")[0].textContent).toContain("reading chest.zip");
  expect(all("upload-progress")[0].textContent).toContain("25");
  expect(text()).not.toContain("There was no file in it.");
  await enter("Cancel");
  expect(sent).toEqual([{ method: "POST", address: "/api/uploads/6/cancel", body: undefined }]);
  expect(all("upload-state")[0].textContent).toContain("Cancelled");
});

it("says above the report why it cannot be cancelled, and why the upload failed", async () => {
  upload = { ...UPLOAD, state: "running", problem: { code: "storage_full", message: "the disk is full" } };
  await page();
  refusal = problem(409, "the upload has ended", "job_state");
  await enter("Cancel");
  expect([...document.querySelectorAll("[role=alert]")].map(({ textContent }) => textContent)).toEqual(["the upload has ended", "the disk is full"]);
  expect(files()).toHaveLength(4);
});
