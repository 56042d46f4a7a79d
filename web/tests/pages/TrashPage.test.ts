// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, h, nextTick, ref } from "vue";

import CopyStudies from "@/pages/CopyStudies.vue";
import TrashPage from "@/pages/TrashPage.vue";
import { useNotices } from "@/stores/notices";
import { useSession } from "@/stores/session";

const PATIENT = { id: 1, patient_id: "P1", name: "Doe^Jane", birth_date: "", sex: "" };
const row = (id: number) => ({
  id, project: { id: 3, name: "Heart" }, patient: PATIENT, study_instance_uid: `1.${id}`, date: "2026-01-02", time: "", description: `Study ${id}`,
  modalities: ["CT"], series_count: 1, instance_count: 2, bytes: 2048, deleted: "2026-01-03T00:00:00Z", deleted_by: "anna", goes: "2026-01-10T00:00:00Z", days_left: 7,
});
const STUDY = {
  id: 1, project_id: 3, study_instance_uid: "1.1", patient: PATIENT, date: "", time: "", description: "", accession_number: "", modalities: [],
  series_count: 0, instance_count: 0, bytes: 0, series: [],
};
const projects = [{ id: 3, name: "Heart", role: "owner" }, { id: 4, name: "Teaching", role: "owner" }, { id: 5, name: "Other", role: "viewer" }];

let sent: string[] = [];
let listed = [row(1), row(2)];
let conflict = false;
let unmount = (): void => undefined;

function answer(address: string, method: string): Response {
  const json = (value: unknown, status = 200) => new Response(value === null ? null : JSON.stringify(value), { status });
  if (address === "/api/me") return json({ username: "anna", is_staff: false, is_admin: false, projects, version: "1", settings: { threshold: 0.5 } });
  if (method === "GET" && address.includes("after=")) return json({ items: [row(9)], count: 3, more_than: false, next: null });
  if (method === "GET") return json({ items: listed, count: listed.length, more_than: false, next: listed.length ? "on" : null });
  if (conflict) return json({ title: "", status: 409, code: "restore_conflict", detail: "it is here again" }, 409);
  if (address.endsWith("/restore")) return json(STUDY);
  if (address.endsWith("/copy")) return json({ study: STUDY, counts: { copied: 3, present: 1, conflicts: 2 }, conflicting: ["1.2", "1.3"] }, 201);
  if (address.startsWith("/api/trash?")) {
    listed = [];
    return json({ studies: 2 });
  }
  return json(null, 204);
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 12; i += 1) await new Promise((resolve) => setTimeout(resolve));
  await nextTick();
};

async function mounted(page: object = TrashPage, props: Record<string, unknown> = {}): Promise<void> {
  const pinia = createPinia();
  setActivePinia(pinia);
  vi.stubGlobal("fetch", vi.fn((address: string, { method = "GET", body }: { method?: string; body?: string } = {}) => {
    if (method !== "GET") sent.push(`${method} ${address}${body ? ` ${body}` : ""}`);
    return Promise.resolve(answer(address, method));
  }));
  await useSession().load();
  const app = createApp(page, props).use(pinia);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  await settle();
}

const all = (id: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-testid="${id}"]`)];
async function click(id: string): Promise<void> {
  all(id)[0].click();
  await settle();
}
const text = (): string => document.body.textContent;
const told = (): string[] => useNotices().notices.map((notice) => notice.text);

beforeEach(() => {
  sent = [];
  listed = [row(1), row(2)];
  conflict = false;
  // jsdom opens no dialogs.
  HTMLDialogElement.prototype.showModal = function open() { this.open = true; };
  HTMLDialogElement.prototype.close = function close() { this.open = false; };
});

afterEach(() => {
  unmount();
  document.body.innerHTML = "";
  vi.unstubAllGlobals();
});

it("lists what was deleted, by whom and when it goes, and more on demand", async () => {
  await mounted();
  expect(all("trash-row")).toHaveLength(2);
  for (const word of ["Doe", "Study 1", "Heart", "by anna", "in 7 days", "2 studies"]) expect(text()).toContain(word);
  await click("more-trash");
  expect(all("trash-row")).toHaveLength(3);
  expect(all("more-trash")).toHaveLength(0);
});

it("restores a study, or says why not", async () => {
  await mounted();
  await click("restore");
  expect(sent).toEqual(["POST /api/trash/1/restore"]);
  expect(all("trash-row")).toHaveLength(1);
  conflict = true;
  await click("restore");
  expect(all("trash-row")).toHaveLength(1);
  expect(told()).toEqual(["The study was restored.", "it is here again"]);
});

it("deletes a study for good once that is confirmed", async () => {
  await mounted();
  await click("delete-now");
  expect(sent).toEqual([]);
  await click("confirm");
  expect(sent).toEqual(["DELETE /api/trash/1"]);
  expect(all("trash-row")).toHaveLength(1);
});

it("empties the trash of the chosen project", async () => {
  await mounted();
  expect(all("empty-trash")).toHaveLength(0);
  const chosen = all("trash-project")[0] as HTMLSelectElement;
  chosen.value = "3";
  chosen.dispatchEvent(new Event("change"));
  await settle();
  await click("empty-trash");
  expect(text()).toContain("Empty the trash of Heart?");
  await click("confirm");
  expect(sent).toEqual(["DELETE /api/trash?project=3"]);
  expect(text()).toContain("The trash is empty");
});

it("copies a study to another project that one owns, and says what was left out", async () => {
  const open = ref(false);
  await mounted({ setup: () => () => h(CopyStudies, { studies: open.value ? [{ id: 1, project: 3 }] : [], onClose: () => (open.value = false) }) });
  open.value = true;
  await settle();
  const options = [...(all("copy-project")[0] as HTMLSelectElement).options].map((option) => option.text);
  expect(options).toEqual(["Teaching"]);
  await click("confirm");
  expect(sent).toEqual(['POST /api/studies/1/copy {"project":4}']);
  expect(open.value).toBe(false);
  expect(told()).toEqual(["3 files copied to Teaching; 1 there already; 2 left out, because Teaching has other files with their UIDs."]);
});
