/** A page by itself in jsdom: a server that answers as a test says, and what a user does by mouse and keys. */
import { createPinia, setActivePinia } from "pinia";
import { vi } from "vitest";
import { createApp, nextTick } from "vue";
import { createMemoryHistory, createRouter, type Router } from "vue-router";

import { useSession } from "@/stores/session";

export const ME = { username: "anna", is_staff: true, is_admin: true, projects: [{ id: 3, name: "Heart", role: "owner" }], version: "1", settings: { threshold: 0.5 } };

export interface SentRequest {
  method: string;
  address: string;
  body: unknown;
}

/** What the page sent that was no GET. */
export const sent: SentRequest[] = [];
/** The addresses that the page asked for by GET. */
export const asked: string[] = [];
let unmount = (): void => undefined;

export const json = (value: unknown, status = 200): Response => new Response(value === null ? null : JSON.stringify(value), { status });
export const problem = (status: number, detail: string, code = "code"): Response => json({ title: "", status, code, detail }, status);

export const settle = async (): Promise<void> => {
  for (let i = 0; i < 14; i += 1) await new Promise((resolve) => setTimeout(resolve));
  await nextTick();
};

/** An empty document, before each test. */
export function openDocument(): void {
  document.body.innerHTML = "";
  sessionStorage.clear();
  sent.length = asked.length = 0;
  // jsdom opens no dialogs, and scrolls nothing.
  HTMLDialogElement.prototype.showModal = function open() { this.open = true; };
  HTMLDialogElement.prototype.close = function close() { this.open = false; };
  Element.prototype.scrollIntoView = () => undefined;
}

/** The page is left, after each test. */
export function closePage(): void {
  unmount();
  unmount = () => undefined;
  vi.unstubAllGlobals();
}

export interface Mounting {
  /** The server: an answer to each request, but for `/api/me`. */
  respond: (address: string, method: string) => Response | Promise<Response>;
  props?: Record<string, unknown>;
  address?: string;
  me?: unknown;
}

export async function mounted(page: object, { respond, props = {}, address = "/", me = ME }: Mounting): Promise<Router> {
  const pinia = createPinia();
  setActivePinia(pinia);
  vi.stubGlobal("fetch", vi.fn((to: string, { method = "GET", body }: { method?: string; body?: string } = {}) => {
    if (method === "GET") asked.push(to);
    else sent.push({ method, address: to, body: body === undefined ? undefined : JSON.parse(body) });
    return Promise.resolve(to === "/api/me" ? json(me) : respond(to, method));
  }));
  await useSession().load();
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)*", component: { template: "<i />" } }] });
  await router.push(address);
  const app = createApp(page, props).use(pinia).use(router);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  await settle();
  return router;
}

export const all = (id: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-testid="${id}"]`)];
export const text = (): string => document.body.textContent;

/** The button or link with these words, or with this name. */
export function named(words: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>("button, a, summary")].find((one) => (one.getAttribute("aria-label") ?? one.textContent.trim()) === words);
  if (!found) throw new Error(`there is no button or link "${words}"`);
  return found;
}

export async function click(id: string, at = 0): Promise<void> {
  all(id)[at].click();
  await settle();
}

export async function type(id: string, value: string): Promise<void> {
  const field = all(id)[0] as HTMLInputElement | HTMLSelectElement;
  field.value = value;
  field.dispatchEvent(new Event(field instanceof HTMLSelectElement ? "change" : "input", { bubbles: true }));
  await settle();
}

export async function submit(selector: string): Promise<void> {
  document.querySelector(selector)?.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
  await settle();
}

/** A key on what has the focus; as browsers do, Enter and Space press a button, and Enter follows a link. */
export async function press(key: string, shiftKey = false): Promise<void> {
  const focused = document.activeElement;
  const untouched = focused?.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
  const isPressed = focused instanceof HTMLButtonElement ? key === "Enter" || key === " " : focused instanceof HTMLAnchorElement && key === "Enter";
  if (untouched && isPressed && focused instanceof HTMLElement) focused.click();
  await settle();
}

/** What Tab leads to, in this order: all that can have the focus. */
export const stops = (): HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>("a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), summary, [tabindex='0']")].filter((one) => !one.closest("[hidden], dialog:not([open])"));

/** Focus a button or link by its words or name, which Tab must reach, and press Enter. */
export async function enter(words: string): Promise<void> {
  const target = named(words);
  if (!stops().includes(target)) throw new Error(`Tab does not reach "${words}"`);
  target.focus();
  await press("Enter");
}
