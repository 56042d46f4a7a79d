// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from "vitest";

import BatchPage from "@/pages/BatchPage.vue";
import { useSelection } from "@/stores/selection";

import { ROW } from "../examples";
import { all, closePage, enter, json, mounted, openDocument, press, problem, sent, settle, stops, submit, text, type } from "./mounting";

const STEP = { name: "lungs", title: "Lungs", description: "Air in the chest.", group: "segment", inputs: ["volume"], needs: [], optional: [], params: { type: "object", properties: {} } };
const PAIR = { ...STEP, name: "register", title: "Register", inputs: ["fixed", "moving"] };
const ROWS = [ROW, { ...ROW, id: 6, description: "Scout" }];

let refusal: Response | null = null;
let waits = false;

function respond(address: string, method: string): Response | Promise<Response> {
  if (waits) return new Promise<Response>(() => undefined);
  if (refusal) return refusal.clone();
  if (method === "POST") return json({ id: 30, address: "/api/jobs/30" }, 202);
  if (address === "/api/steps") return json([STEP, PAIR]);
  return json(ROWS.find(({ id }) => address.endsWith(`/${id}`)));
}

async function page(rows: readonly object[] = ROWS) {
  const router = await mounted(BatchPage, { respond, address: "/run" });
  if (rows.length) useSelection().toggleAll(rows as Parameters<ReturnType<typeof useSelection>["toggleAll"]>[0]);
  await settle();
  return router;
}

beforeEach(() => {
  openDocument();
  refusal = null;
  waits = false;
});
afterEach(closePage);

it("says what to do while no series is selected", async () => {
  await page([]);
  expect(text()).toContain("No series is selected");
  expect(document.querySelector("a[href='/']")?.textContent).toBe("Go to the studies");
});

it("says that the steps are loaded", async () => {
  waits = true;
  await page();
  expect(document.querySelector("[role=status]")?.textContent).toBe("Loading the steps");
});

it("says why the steps could not be loaded, and tries again by keys", async () => {
  refusal = problem(503, "the database is away", "database");
  await page();
  expect(document.querySelector("[role=alert]")?.textContent).toContain("the database is away");
  refusal = null;
  await enter("Try again");
  expect(all("steps")[0].textContent).toContain("Lungs");
});

it("lists the selected series and the steps on one volume, and says of the others why not", async () => {
  await page();
  expect(document.querySelector("h1")?.textContent).toBe("Run a step on 2 series");
  expect(all("selected").map((row) => row.querySelector("a")?.textContent)).toEqual(["Lung bases", "Scout"]);
  expect(all("steps")[0].textContent).not.toContain("Register");
  expect(all("pairwise")[0].textContent).toContain("Register: they take two volumes");
  await enter("Leave out Scout");
  expect(document.querySelector("h1")?.textContent).toBe("Run a step on 1 series");
  await enter("Unselect all");
  expect(text()).toContain("No series is selected");
});

it("runs a step on all of them by keys, and leads to its jobs", async () => {
  const router = await page();
  await type("step-search", "lung");
  all("step-search")[0].focus();
  await press("Enter");
  expect(stops()).toContain(all("run")[0]);
  await submit("[data-testid=step-form]");
  expect(sent.at(-1)).toMatchObject({ method: "POST", address: "/api/jobs/batch", body: { job_name: "lungs", series: [5, 6], stack: 0, same_frame_of_reference: false } });
  expect(router.currentRoute.value.path).toBe("/jobs/30");
  expect(useSelection().count).toBe(0);
});

it("names the series for which the batch was refused, which can be left out", async () => {
  await page();
  await type("step-search", "lung");
  all("step-search")[0].focus();
  await press("Enter");
  refusal = problem(422, "series 6 forms no regular volume", "geometry");
  await submit("[data-testid=step-form]");
  expect(all("run-error")[0].textContent).toContain("series 6 forms no regular volume");
  expect(all("selected")[0].textContent).toContain("series 6 forms no regular volume");
  refusal = null;
  await enter("Leave out Scout");
  await submit("[data-testid=step-form]");
  expect(sent.at(-1)).toMatchObject({ body: { series: [5] } });
});

it("does not run while a series is being built, and says so at the button", async () => {
  await page([ROW, { ...ROW, id: 6, state: "running", volume_count: 0, regular: null }]);
  await type("step-search", "lung");
  all("step-search")[0].focus();
  await press("Enter");
  expect(all("run-blocked")).toHaveLength(1);
  expect(all("run")[0].getAttribute("aria-describedby")).toBe("run-blocked");
  expect((all("run")[0] as HTMLButtonElement).disabled).toBe(true);
});
