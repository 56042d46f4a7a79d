// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";

import App from "@/pages/App.vue";
import { router } from "@/pages/router";

import { ROW, STUDY } from "../examples";

const PROJECTS = [{ id: 7, name: "default", role: "owner" }];
const STUDIES = [1, 2, 3].map((id) => ({ ...STUDY, id, description: `CT ${id}`, patient: { ...STUDY.patient, id: id % 2 } }));

let me: object;
let found: object[];
let calls: { method: string; address: string; body: string }[];
let unmount = (): void => undefined;

/** A server that knows a few addresses. */
function serve(input: string | URL | Request, { method = "GET", body = "" }: RequestInit = {}): Promise<Response> {
  const address = input instanceof Request ? input.url : String(input);
  calls.push({ method, address, body: typeof body === "string" ? body : "" });
  const answer = (value: unknown) => Promise.resolve(new Response(JSON.stringify(value)));
  if (address === "/api/me") return answer(me);
  if (address === "/api/studies/search") return answer({ items: found, count: found.length, more_than: false, next: null, previous: null });
  if (address.startsWith("/api/series?study=2")) return answer({ items: [{ ...ROW, id: 20, study_id: 2 }, { ...ROW, id: 21, number: 1, study_id: 2 }], count: 2 });
  if (address.startsWith("/api/uploads")) return answer({ items: [], count: 0 });
  if (address === "/api/filters") return answer({ items: [{ id: 4, name: "Mine", filter: { modalities: ["MR"] } }] });
  return Promise.resolve(new Response(null, { status: 204 }));
}

const all = (id: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-testid=${id}]`)];
const one = (id: string): HTMLElement => {
  const element = all(id).at(0);
  if (!element) throw new Error(`there is no ${id}`);
  return element;
};
const press = (key: string, more: KeyboardEventInit = {}) => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
const lastSearch = (): Record<string, unknown> => JSON.parse(calls.filter(({ address }) => address === "/api/studies/search").at(-1)?.body ?? "{}") as Record<string, unknown>;
const settle = async (): Promise<void> => {
  for (let i = 0; i < 8; i += 1) await vi.advanceTimersByTimeAsync(1);
  await nextTick();
};

async function mounted(): Promise<void> {
  const pinia = createPinia();
  setActivePinia(pinia);
  await router.push("/");
  const app = createApp(App).use(pinia).use(router);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  document.body.innerHTML = "";
  localStorage.clear();
  sessionStorage.clear();
  me = { username: "rita", is_staff: false, is_admin: false, projects: PROJECTS, version: "1", settings: { threshold: 0.5 } };
  found = STUDIES;
  calls = [];
  vi.stubGlobal("fetch", vi.fn(serve));
  vi.stubGlobal("ResizeObserver", class { observe(): void { /* nothing is laid out here */ } disconnect(): void { /* as above */ } });
  window.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
  HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement) { this.open = true; };
  HTMLDialogElement.prototype.close = function close(this: HTMLDialogElement) { this.open = false; };
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the table of studies", () => {
  it("sorts by a click on a head, and says so to screen readers", async () => {
    await mounted();
    const head = document.querySelector<HTMLElement>("th[data-column=patient]");
    expect([head?.getAttribute("aria-sort"), document.querySelector("th[data-column=arrived]")?.getAttribute("aria-sort")]).toEqual(["none", "descending"]);
    head?.querySelector("button")?.click();
    await settle();
    expect([lastSearch().order, lastSearch().descending, head?.getAttribute("aria-sort")]).toEqual(["patient", false, "ascending"]);
  });

  it("filters once the typing pauses, with the words in no address", async () => {
    await mounted();
    const before = calls.length;
    const field = one("search") as HTMLInputElement;
    for (const text of ["d", "do", "doe"]) {
      field.value = text;
      field.dispatchEvent(new Event("input"));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(calls.length).toBe(before);
    await vi.advanceTimersByTimeAsync(300);
    expect([calls.length, lastSearch().search]).toEqual([before + 1, "doe"]);
    expect(`${window.location.href} ${calls.map(({ address }) => address).join(" ")}`).not.toContain("doe");
    for (const storage of [localStorage, sessionStorage]) expect(Object.keys(storage).map((key) => storage.getItem(key)).join(" ")).not.toContain("doe");
  });

  it("shows the series of a study in the order of their numbers", async () => {
    await mounted();
    all("expand")[1].click();
    await settle();
    expect(all("series-row").map((row) => row.dataset.series)).toEqual(["21", "20"]);
    expect(all("study")[1].getAttribute("aria-expanded")).toBe("true");
    all("expand")[1].click();
    await settle();
    expect(all("series-row")).toEqual([]);
  });

  it("groups the studies by patient", async () => {
    await mounted();
    one("group").click();
    await settle();
    expect(lastSearch().order).toBe("patient");
    expect([...document.querySelectorAll<HTMLElement>("tr[data-key]")].map((row) => row.dataset.key)).toEqual(["patient-1", "study-1", "study-3", "patient-0", "study-2"]);
  });

  it("moves, selects and opens by keys", async () => {
    await mounted();
    all("study")[0].focus();
    press("j");
    await settle();
    expect(document.activeElement?.getAttribute("data-key")).toBe("study-2");
    press(" ");
    press("End");
    await settle();
    press(" ", { shiftKey: true });
    await settle();
    expect(one("selection-count").textContent).toBe("2 studies selected");
    press("Escape");
    await settle();
    expect(all("selection-count")).toEqual([]);
    press("/");
    expect(document.activeElement).toBe(one("search"));
    all("study")[0].focus();
    press("?");
    await settle();
    expect((one("keyboard-help") as HTMLDialogElement).open).toBe(true);
    const push = vi.spyOn(router, "push");
    press("Enter");
    expect(push).toHaveBeenLastCalledWith("/studies/1");
  });

  it("moves studies to the trash, and back", async () => {
    await mounted();
    all("select-study").slice(0, 2).forEach((tick) => tick.querySelector("input")?.click());
    await settle();
    one("bulk-delete").click();
    await settle();
    document.querySelector<HTMLElement>("dialog[open] [data-testid=confirm]")?.click();
    found = [STUDIES[2]];
    await settle();
    expect(calls.find(({ address }) => address === "/api/studies/delete")?.body).toBe('{"studies":[1,2]}');
    expect([all("study").length, all("selection-count").length]).toEqual([1, 0]);
    found = STUDIES;
    one("notice-action").click();
    await settle();
    expect(calls.filter(({ address }) => address.endsWith("/restore")).map(({ address }) => address)).toEqual(["/api/trash/1/restore", "/api/trash/2/restore"]);
    expect(all("study")).toHaveLength(3);
  });

  it("chooses a saved filter", async () => {
    await mounted();
    const menu = one("saved-filters") as HTMLDetailsElement;
    menu.open = true;
    menu.dispatchEvent(new Event("toggle"));
    await settle();
    one("saved-filter").querySelector("button")?.click();
    await settle();
    expect([lastSearch().modalities, one("saved-filters").querySelector("summary")?.textContent]).toEqual([["MR"], "Mine"]);
  });
});

describe("roles", () => {
  it("hide what a viewer may not do, or say why", async () => {
    me = { ...me, projects: [{ ...PROJECTS[0], role: "viewer" }] };
    await mounted();
    expect([all("drop-zone"), all("delete-study")]).toEqual([[], []]);
    one("select-study").querySelector("input")?.click();
    await settle();
    expect((one("bulk-delete") as HTMLButtonElement).disabled).toBe(true);
    expect(one("bulk-delete").title).toContain("“owner” in default");
    expect((one("run-selection") as HTMLButtonElement).disabled).toBe(true);
  });

  it("leave one without a project to ask for one", async () => {
    me = { ...me, projects: [] };
    found = [];
    await mounted();
    expect(one("no-project").textContent).toContain("No project is open to you yet");
  });

  it("offer the projects to which one may add", async () => {
    me = { ...me, projects: [...PROJECTS, { id: 8, name: "Lung", role: "uploader" }, { id: 9, name: "Seen", role: "viewer" }] };
    await mounted();
    expect([...one("upload-project").querySelectorAll("option")].map(({ textContent }) => textContent)).toEqual(["default", "Lung"]);
    expect(document.querySelector("th[data-column=project]")).not.toBeNull();
  });
});
