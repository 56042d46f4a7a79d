// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";

import { type RoleName } from "@/core/roles";
import ProjectPage from "@/pages/ProjectPage.vue";
import ProjectsPage from "@/pages/ProjectsPage.vue";
import { useSession } from "@/stores/session";

const SINCE = "2026-01-02T03:04:05Z";
const ME = { username: "anna", is_staff: false, is_admin: false, projects: [{ id: 3, name: "Heart", role: "owner" }], version: "1", settings: { threshold: 0.5 } };

interface Sent {
  method: string;
  address: string;
  body: unknown;
}

let sent: Sent[] = [];
let members: { username: string; role: RoleName; is_active: boolean; since: string }[] = [];
let project = { id: 3, name: "Heart", slug: "heart", description: "Beating", created: SINCE, role: "owner" as RoleName, study_count: 1, more_studies: false };
let me = ME;
let refusal: { status: number; code: string; detail: string } | null = null;
let unmount = (): void => undefined;

function answer(address: string, method: string, body: unknown): Response {
  const json = (value: unknown, status = 200) => new Response(value === null ? null : JSON.stringify(value), { status });
  if (method !== "GET" && refusal) return json({ title: "", ...refusal }, refusal.status);
  if (address === "/api/me") return json(me);
  if (address === "/api/projects") return json(me.projects.length ? [project] : []);
  if (address === "/api/projects/3" && method === "PATCH") project = { ...project, ...(body as typeof project) };
  if (address === "/api/projects/3") return json(project);
  if (address === "/api/projects/3/members") return json(members);
  const username = decodeURIComponent(address.split("/").at(-1) ?? "");
  const others = members.filter((one) => one.username !== username);
  if (method === "DELETE") {
    members = others;
    return json(null, 204);
  }
  const row = { username, role: (body as { role: RoleName }).role, is_active: true, since: SINCE };
  members = [...others, row].sort((a, b) => a.username.localeCompare(b.username));
  return json(row);
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 12; i += 1) await new Promise((resolve) => setTimeout(resolve));
  await nextTick();
};

async function mounted(page: object = ProjectPage, props: Record<string, unknown> = { id: 3 }) {
  const pinia = createPinia();
  setActivePinia(pinia);
  vi.stubGlobal("fetch", vi.fn((address: string, { method = "GET", body }: { method?: string; body?: string } = {}) => {
    const parsed: unknown = body === undefined ? undefined : JSON.parse(body);
    if (method !== "GET") sent.push({ method, address, body: parsed });
    return Promise.resolve(answer(address, method, parsed));
  }));
  await useSession().load();
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)*", component: { template: "<i />" } }] });
  const app = createApp(page, props).use(pinia).use(router);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  await settle();
  return { router };
}

function find(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`there is no ${selector}`);
  return found;
}
const field = (selector: string) => find(selector) as HTMLSelectElement | HTMLInputElement;
const text = (): string => document.body.textContent;

async function choose(selector: string, value: string): Promise<void> {
  const found = field(selector);
  found.value = value;
  found.dispatchEvent(new Event(found instanceof HTMLSelectElement ? "change" : "input", { bubbles: true }));
  await settle();
}

async function submit(selector: string): Promise<void> {
  find(selector).dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settle();
}

beforeEach(() => {
  document.body.innerHTML = "";
  sent = [];
  refusal = null;
  me = ME;
  project = { ...project, name: "Heart", role: "owner" };
  members = [
    { username: "anna", role: "owner", is_active: true, since: SINCE },
    { username: "bob@x.org", role: "viewer", is_active: false, since: SINCE },
  ];
  // jsdom has no dialogs.
  HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function (this: HTMLDialogElement) {
    this.open = false;
  };
});
afterEach(() => unmount());

it("lists members with their roles, and says who is oneself and whose account is closed", async () => {
  await mounted();
  const own = find("[data-testid='member-anna']");
  expect(own.textContent).toContain("you");
  expect(own.querySelector("select")?.value).toBe("owner");
  expect(find("[data-testid='member-bob@x.org']").textContent).toContain("account closed");
  expect(text()).toContain("1 study");
});

it("tells the address that viewers and programs use, and copies it", async () => {
  const copies: string[] = [];
  vi.stubGlobal("navigator", { clipboard: { writeText: (what: string): Promise<void> => Promise.resolve(void copies.push(what)) } });
  await mounted();
  expect(find("[data-testid='dicomweb-address']").textContent).toBe(`${window.location.origin}/dicomweb/projects/heart`);
  find(".dicomweb button").click();
  await settle();
  expect(copies).toEqual([`${window.location.origin}/dicomweb/projects/heart`]);
  expect(find(".dicomweb button").textContent).toContain("Copied");
  vi.unstubAllGlobals();
});

it("changes a role", async () => {
  await mounted();
  await choose("select[aria-label='Role of bob@x.org']", "analyst");
  expect(sent).toEqual([{ method: "PUT", address: "/api/projects/3/members/bob%40x.org", body: { role: "analyst" } }]);
  expect(field("select[aria-label='Role of bob@x.org']").value).toBe("analyst");
});

it("says why a role stays as it is, and shows that role", async () => {
  refusal = { status: 409, code: "last_owner", detail: "This is the last owner." };
  await mounted();
  await choose("select[aria-label='Role of anna']", "viewer");
  expect(find("[data-testid='members-error']").textContent).toContain("This is the last owner.");
  expect(field("select[aria-label='Role of anna']").value).toBe("owner");
});

it("adds a member by the exact name, and says why not", async () => {
  await mounted();
  await choose("[data-testid='member-name']", " carl ");
  await choose("[data-testid='member-role']", "uploader");
  refusal = { status: 404, code: "not_found", detail: "There is no active user of that name." };
  await submit(".add");
  expect(find("[data-testid='member-error']").textContent).toContain("no active user");
  expect(field("[data-testid='member-name']").value).toBe(" carl ");
  refusal = null;
  await submit(".add");
  expect(sent.at(-1)).toEqual({ method: "PUT", address: "/api/projects/3/members/carl", body: { role: "uploader" } });
  expect(find("[data-testid='member-carl']").textContent).toContain("carl");
  expect(field("[data-testid='member-name']").value).toBe("");
  expect(document.querySelector("[data-testid='member-error']")).toBeNull();
});

it("removes a member only when that is confirmed", async () => {
  await mounted();
  find("button[aria-label='Remove bob@x.org']").click();
  await settle();
  expect(find("dialog[aria-label='Remove bob@x.org?']").hasAttribute("open")).toBe(true);
  expect(sent).toEqual([]);
  await submit("dialog[open] form");
  expect(sent).toEqual([{ method: "DELETE", address: "/api/projects/3/members/bob%40x.org", body: undefined }]);
  expect(document.querySelector("[data-testid='member-bob@x.org']")).toBeNull();
});

it("leaves the page when one has removed oneself", async () => {
  const { router } = await mounted();
  find("button[aria-label='Remove anna']").click();
  await settle();
  me = { ...ME, projects: [] };
  await submit("dialog[open] form");
  expect(router.currentRoute.value.path).toBe("/projects");
});

it("shows members without controls to who is no owner", async () => {
  project = { ...project, role: "viewer" };
  await mounted();
  expect(find("[data-testid='members']").textContent).toContain("anna");
  expect(document.querySelector("select, form.add, form.change, [data-testid='delete-project']")).toBeNull();
});

it("changes the name", async () => {
  await mounted();
  await choose("[data-testid='project-name']", "Lung ");
  await submit(".change");
  expect(sent).toEqual([{ method: "PATCH", address: "/api/projects/3", body: { name: "Lung", description: "Beating" } }]);
  expect(find("h1").textContent).toBe("Lung");
});

it("says whom to ask when no project is open to one", async () => {
  me = { ...ME, projects: [] };
  await mounted(ProjectsPage, {});
  expect(text()).toContain("No project is open to you");
  expect(text()).toContain("An owner of a project can add you as a member, by your user name anna.");
  expect(document.querySelector("form")).toBeNull();
});

it("lets administrators make a project", async () => {
  me = { ...ME, is_admin: true };
  const { router } = await mounted(ProjectsPage, {});
  expect(find("[data-testid='projects']").textContent).toContain("Heart");
  refusal = { status: 409, code: "project_name", detail: "Another project has that name." };
  await choose("[data-testid='project-name']", "Lung");
  await submit("form.new");
  expect(find("[role='alert']").textContent).toContain("Another project has that name.");
  expect(router.currentRoute.value.path).toBe("/");
});
