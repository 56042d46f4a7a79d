// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from "vitest";

import ProjectsPage from "@/pages/ProjectsPage.vue";

import { all, closePage, enter, json, ME, mounted, openDocument, problem, sent, stops, submit, text, type } from "./mounting";

const PROJECT = { id: 3, name: "Heart", slug: "heart", description: "Beating", created: "2026-01-02T03:04:05Z", role: "owner", study_count: 1200, more_studies: true };

let projects: object[] = [];
let refusal: Response | null = null;
let waits = false;

function respond(_: string, method: string): Response | Promise<Response> {
  if (waits) return new Promise<Response>(() => undefined);
  if (refusal) return refusal.clone();
  return json(method === "POST" ? { ...PROJECT, id: 4, name: "Lungs" } : projects);
}
const page = (me: unknown = ME) => mounted(ProjectsPage, { respond, me, address: "/projects" });

beforeEach(() => {
  openDocument();
  projects = [PROJECT];
  refusal = null;
  waits = false;
});
afterEach(closePage);

it("says that the projects are loaded, without a form for what is not known yet", async () => {
  waits = true;
  await page();
  expect(text()).toContain("Loading the projects");
  expect(all("project-name")).toHaveLength(0);
});

it("lists projects with the role there and the count of studies", async () => {
  await page({ ...ME, is_admin: false });
  expect(all("projects")[0].textContent).toContain("owner");
  expect(all("projects")[0].textContent).toContain("more than 1,200");
  expect(document.querySelector("a[href='/projects/3']")?.textContent).toBe("Heart");
  expect(all("project-name")).toHaveLength(0);
});

it("says to whom no project is open what to do", async () => {
  projects = [];
  await page({ ...ME, is_admin: false, username: "olaf" });
  expect(text()).toContain("No project is open to you");
  expect(text()).toContain("olaf");
});

it("says why the projects could not be loaded, and tries again by keys", async () => {
  refusal = problem(503, "the database is away", "database");
  await page();
  expect(text()).toContain("the database is away");
  refusal = null;
  await enter("Try again");
  expect(text()).not.toContain("the database is away");
  expect(all("projects")).toHaveLength(1);
});

it("makes a project by Enter, and leads to it", async () => {
  projects = [];
  const router = await page();
  expect(text()).toContain("make the first one below");
  expect(stops().some((one) => one.textContent === "Make the project")).toBe(false);
  await type("project-name", " Lungs ");
  expect(stops()).toContain(all("project-name")[0]);
  refusal = problem(409, "another project has this name", "project_name");
  await submit("form");
  expect(document.querySelector("form [role=alert]")?.textContent).toBe("another project has this name");
  expect((all("project-name")[0] as HTMLInputElement).value).toBe(" Lungs ");
  refusal = null;
  await submit("form");
  expect(sent.at(-1)).toEqual({ method: "POST", address: "/api/projects", body: { name: "Lungs", description: "" } });
  expect(router.currentRoute.value.path).toBe("/projects/4");
});
