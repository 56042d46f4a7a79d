// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import MeasurePage from "@/pages/MeasurePage.vue";

import { all, closePage, enter, json, mounted, openDocument, settle, stops, text } from "./mounting";

const MEASURED = {
  label: "", method: "pixels", pixels_above_threshold: 1234, pixels_total: 4096, series_instance_uid: "1.2.3", spacing_mm: [2, 0.5, 0.5], threshold: 0.5, volume_mm3: 617,
  warnings: ["slice 3 is missing"],
  view: {
    aspect: 1, columns: 64, rows: 64, shape: [1, 64, 64], slice: 0, spacing_mm: [0.5, 0.5], unit: "HU", picture: "data:image/png;base64,",
    histogram: { counts: [2862, 1234], exact: true, min: -1000, max: 1000, values: [-1000, 1000] },
  },
};
const ANSWER = { measurements: [MEASURED], skipped: {} };

/** Requests as XMLHttpRequest sends them, which wait until a test answers. */
class Upload {
  static all: Upload[] = [];
  upload: { onprogress?: (event: { loaded: number; total: number; lengthComputable: boolean }) => void } = {};
  onload = (): void => undefined;
  onerror = (): void => undefined;
  onabort = (): void => undefined;
  status = 0;
  responseText = "";
  address = "";
  isAborted = false;
  form = new FormData();
  open(_: string, address: string): void { this.address = address; }
  setRequestHeader(): void { /* no test reads them */ }
  send(form: FormData): void {
    this.form = form;
    Upload.all.push(this);
  }
  abort(): void {
    this.isAborted = true;
    this.onabort();
  }
  async answer(value: unknown, status = 200): Promise<void> {
    this.status = status;
    this.responseText = JSON.stringify(value);
    this.onload();
    await settle();
  }
}

async function page(): Promise<void> {
  await mounted(MeasurePage, { respond: () => json({}), address: "/measure" });
  vi.stubGlobal("XMLHttpRequest", Upload);
}

async function choose(...names: string[]): Promise<void> {
  const field = document.querySelector<HTMLInputElement>("[data-testid=file-input]");
  if (!field) throw new Error("no file can be chosen");
  const files = names.map((name) => new File(["x"], name));
  Object.defineProperty(field, "files", { value: files, configurable: true });
  field.dispatchEvent(new Event("change"));
  await settle();
}

beforeEach(() => {
  openDocument();
  Upload.all = [];
});
afterEach(closePage);

it("says what it does before there is a file, and that it is not for diagnosis", async () => {
  await page();
  expect(text()).toContain("Nothing is stored.");
  expect(text()).toContain("Initial threshold 0.5");
  expect(all("not-for-diagnosis")).toHaveLength(1);
  expect(all("measurement")).toHaveLength(0);
});

it("opens the choice of files by keys", async () => {
  await page();
  const opened = vi.spyOn(HTMLInputElement.prototype, "click").mockImplementation(() => undefined);
  await enter("Drop a DICOM file or a zip, or click to choose");
  expect(opened).toHaveBeenCalledTimes(1);
  opened.mockRestore();
});

it("tells how far a file is, and shows its count and volume", async () => {
  await page();
  await choose("a.dcm");
  const [request] = Upload.all;
  expect(request.address).toBe("/api/measure");
  expect(all("measure-working")[0].textContent).toContain("Sending a.dcm");
  request.upload.onprogress?.({ loaded: 5, total: 5, lengthComputable: true });
  await settle();
  expect(all("measure-working")[0].textContent).toContain("Measuring a.dcm");
  await request.answer(ANSWER);
  expect(all("measure-working")).toHaveLength(0);
  expect(all("measure-count")[0].textContent).toContain("1,234");
  expect(all("measurement")[0].textContent).toContain("617");
  expect(all("measure-warning")[0].textContent).toContain("slice 3 is missing");
  expect(document.querySelector("img")?.getAttribute("alt")).toBe("Slice 1 of a.dcm");
});

it("says why a file was not measured, and goes on to the next", async () => {
  await page();
  await choose("notes.txt", "b.zip");
  await Upload.all[0].answer({ title: "", status: 422, code: "not_dicom", detail: "notes.txt is no DICOM file", skipped: { "notes.txt": { code: "not_dicom", message: "notes.txt: no DICOM" } } }, 422);
  expect(all("measure-error")[0].textContent).toContain("notes.txt was not measured.");
  expect(all("measure-skipped")).toHaveLength(0);
  await Upload.all[1].answer({ ...ANSWER, skipped: { "c.txt": { code: "not_dicom", message: "c.txt: no DICOM" } } });
  expect(all("measurement")).toHaveLength(1);
  expect(all("measure-skipped")[0].textContent).toContain("1 file of b.zip skipped");
});

it("says when nothing in a file could be measured", async () => {
  await page();
  await choose("empty.zip");
  await Upload.all[0].answer({ measurements: [], skipped: {} });
  expect(text()).toContain("Nothing in empty.zip could be measured.");
});

it("is cancelled by keys, and measures no further file", async () => {
  await page();
  await choose("a.dcm", "b.dcm");
  await enter("Cancel");
  expect(Upload.all[0].isAborted).toBe(true);
  expect(Upload.all).toHaveLength(1);
  expect(all("measure-working")).toHaveLength(0);
  expect(stops().some((one) => one.textContent === "Cancel")).toBe(false);
});
