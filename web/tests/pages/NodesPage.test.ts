// @vitest-environment jsdom
import { getActivePinia, type Pinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp } from "vue";
import type { Router } from "vue-router";

import NodePage from "@/pages/network/NodePage.vue";
import NodesPage from "@/pages/network/NodesPage.vue";
import QueryPage from "@/pages/network/QueryPage.vue";

import { all, click, closePage, json, mounted as mountedPage, openDocument, press, sent, settle, submit, text, type } from "./mounting";

const COUNTS = { waiting: 0, sent: 0, failed: 0, more_than: false };
const SITE = { ae_title: "VOXELRY", host: "archive.example", port: 11112, tls: false, is_listening: true };
const NODE = {
  id: 7, name: "PACS", ae_title: "PACS1", project: { id: 3, name: "Heart" }, has_address: true, may_store: true, may_find: false, may_retrieve: false, retrieves_by: "get",
  is_enabled: true, deliveries: COUNTS, connection: { host: "192.0.2.7", port: 104, tls: false, calls_from: "", certificate: "" },
};
const RULE = { id: 2, name: "CT on", modalities: ["CT"], description: "", from_node: null, from_name: "", is_enabled: true, created: "2026-01-01T00:00:00Z", deliveries: { ...COUNTS, failed: 4 } };
const found = (uid: string, here = 0) => ({
  study_instance_uid: uid, patient_name: `Doe^${uid}`, patient_id: `P${uid}`, birth_date: "", date: "2026-01-02", time: "", description: `Chest ${uid}`, accession_number: "",
  modalities: ["CT"], series_count: 2, instance_count: 9, study: here ? 5 : null, here,
});
const series = (uid: string) => ({ series_instance_uid: uid, number: 1, modality: "CT", description: `Lung ${uid}`, date: "", instance_count: 4, series: null, here: 0 });

let nodes: (typeof NODE)[] = [];
let refusal: { status: number; json: unknown } | null = null;
let answer: Record<string, unknown> = {};
let leave = (): void => undefined;
let router: Router;

function respond(address: string, method: string): Response {
  if (method !== "GET" && refusal) return json(refusal.json, refusal.status);
  if (address === "/api/nodes" && method === "GET") return json({ site: SITE, items: nodes });
  if (address.endsWith("/echo")) return json(answer);
  if (address.endsWith("/query")) return json(answer);
  if (address.endsWith("/fetch")) return json({ id: 40 + sent.length, address: "/api/jobs/40" }, 202);
  if (address.endsWith("/rules")) return json(method === "GET" ? [RULE] : RULE);
  if (address.includes("/rules/")) return method === "DELETE" ? json(null, 204) : json(RULE);
  if (address.endsWith("/retry")) return json(COUNTS);
  if (address.includes("/deliveries")) return json({ items: [], counts: { ...COUNTS, sent: 8, failed: 4 }, reasons: [{ state: "failed", code: "timed_out", message: "the node did not answer", count: 4 }], next: null });
  if (address.startsWith("/api/jobs/")) return json({ title: "", status: 404, code: "not_found", detail: "no such job" }, 404);
  return method === "DELETE" ? json(null, 204) : json(NODE);
}

async function mounted(page: object, props: Record<string, unknown> = {}, address = "/network"): Promise<void> {
  router = await mountedPage(page, { respond, props, address });
}

beforeEach(() => {
  openDocument();
  nodes = [NODE];
  refusal = null;
  answer = {};
});
afterEach(() => {
  leave();
  leave = () => undefined;
  closePage();
});

it("tells this site's address, and what a node is while there is none", async () => {
  nodes = [];
  await mounted(NodesPage);
  expect(all("own-title")[0].textContent).toBe("VOXELRY");
  expect(all("own-port")[0].textContent).toBe("11112");
  expect(text()).toContain("A node is another program");
  expect(all("add-node")).toHaveLength(1);
});

it("adds a node, and says at the field what the server says of it", async () => {
  await mounted(NodesPage);
  await click("add-node");
  await type("node-name", " Scanner ");
  await type("node-title", "CT_2");
  await type("node-host", "ct.example");
  await type("node-port", "99999");
  await submit("dialog[open] form");
  expect(sent).toEqual([]);
  expect(text()).toContain("A port is a whole number from 1 to 65535");
  await type("node-port", "104");
  refusal = { status: 422, json: { title: "", status: 422, code: "node_fields", detail: "ae_title: is too long", errors: [{ loc: ["body", "ae_title"], msg: "is too long", type: "node_fields" }] } };
  await submit("dialog[open] form");
  expect(all("node-title")[0].getAttribute("aria-invalid")).toBe("true");
  expect(text()).toContain("is too long");
  expect(all("dialog-error")).toHaveLength(0);
  refusal = null;
  await submit("dialog[open] form");
  expect(sent.at(-1)).toMatchObject({ method: "POST", address: "/api/nodes", body: { name: "Scanner", ae_title: "CT_2", host: "ct.example", port: 104, project: 3, may_store: false } });
  expect(router.currentRoute.value.path).toBe("/network/7");
});

it("tests a node: how long it took and what it offers, or why it did not answer", async () => {
  await mounted(NodesPage);
  answer = { is_answering: true, milliseconds: 12.4, services: ["C-ECHO", "C-FIND"], problem: null };
  await click("test-node");
  expect(all("echo")[0].textContent).toContain("PACS answered in 12 ms.");
  expect(all("echo")[0].textContent).toContain("C-FIND");
  answer = { is_answering: false, milliseconds: null, services: [], problem: { code: "connection", message: "the connection was refused" } };
  await click("test-node");
  expect(all("echo")[0].dataset.state).toBe("failed");
  expect(all("echo")[0].textContent).toContain("refused");
});

it("changes and disables rules, and sends again what failed", async () => {
  await mounted(NodePage, { id: 7 });
  expect(text()).toContain("PACS1@192.0.2.7:104");
  expect(all("rule")[0].textContent).toContain("4 failed");
  const box = document.querySelector<HTMLInputElement>("input[aria-label='Enable CT on']");
  box?.click();
  await settle();
  expect(sent.at(-1)).toEqual({ method: "PATCH", address: "/api/nodes/7/rules/2", body: { is_enabled: false } });
  await click("add-rule");
  await type("rule-name", "MR");
  await type("rule-modalities", "mr ct");
  await submit("dialog[open] form");
  expect(sent.at(-1)).toEqual({ method: "POST", address: "/api/nodes/7/rules", body: { name: "MR", modalities: ["MR", "CT"], description: "", from_node: null, is_enabled: true } });
  expect(all("node-deliveries")[0].textContent).toContain("the node did not answer");
  await click("retry-deliveries");
  expect(sent.at(-1)).toEqual({ method: "POST", address: "/api/nodes/7/deliveries/retry", body: { study: null } });
});

it("searches by Enter as soon as the form is there, while the nodes are loaded again", async () => {
  await mounted(NodesPage);
  const fetched = fetch;
  vi.stubGlobal("fetch", vi.fn((to: string, options?: RequestInit) => (to === "/api/nodes" ? new Promise<Response>(() => undefined) : fetched(to, options))));
  const app = createApp(QueryPage).use(getActivePinia() as Pinia).use(router);
  app.mount(document.body.appendChild(document.createElement("div")));
  leave = () => app.unmount();
  await settle();
  answer = { studies: [found("1")], series: [], is_cut: false, ignores_keys: false };
  await type("query-name", "Doe*");
  await submit('[data-testid="query-form"]');
  expect(sent.at(-1)).toMatchObject({ method: "POST", address: "/api/nodes/7/query" });
  expect(all("found-study")).toHaveLength(1);
});

it("searches a node, chooses by keys and has studies and series fetched", async () => {
  await mounted(QueryPage, {}, "/network/query?node=7");
  answer = { studies: [found("1"), found("2", 3), found("3", 9)], series: [], is_cut: true, ignores_keys: false };
  await type("query-name", "Doe*");
  await submit("[data-testid='query-form']");
  expect(sent.at(-1)).toMatchObject({ address: "/api/nodes/7/query", body: { level: "study", patient_name: "Doe*", limit: 200 } });
  expect(all("found-study")).toHaveLength(3);
  expect(all("found-count")[0].textContent).toContain("PACS has more. Narrow the search");
  expect(all("here").map(({ textContent }) => textContent)).toEqual(["3 of 9 here", "Here"]);
  all("found-study")[0].focus();
  await press(" ");
  await press("ArrowDown");
  answer = { studies: [], series: [series("2.1"), series("2.2")], is_cut: false, ignores_keys: false };
  await press("ArrowRight");
  expect(all("found-series")).toHaveLength(2);
  await press("ArrowDown");
  await press(" ");
  expect(all("found-selection")[0].textContent).toContain("1 study and 1 series selected");
  await click("retrieve");
  expect(sent.slice(-2).map(({ body }) => body)).toEqual([
    { study_instance_uids: ["1"], series_instance_uids: [] },
    { study_instance_uids: ["2"], series_instance_uids: ["2.1"] },
  ]);
  expect(all("retrieval")).toHaveLength(2);
  expect(all("found-selection")).toHaveLength(0);
});

it("says in words why a search failed, and that nothing was found", async () => {
  await mounted(QueryPage, {}, "/network/query?node=7");
  refusal = { status: 504, json: { title: "", status: 504, code: "timed_out", detail: "the node did not answer within 30 s" } };
  await submit("[data-testid='query-form']");
  expect(all("query-error")[0].textContent).toBe("the node did not answer within 30 s");
  refusal = null;
  answer = { studies: [], series: [], is_cut: false, ignores_keys: false };
  await submit("[data-testid='query-form']");
  expect(text()).toContain("PACS has no such study");
});
