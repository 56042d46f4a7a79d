// @vitest-environment jsdom
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp, nextTick } from "vue";

import { requestJson, send } from "@/api/http";
import NoticeList from "@/pages/NoticeList.vue";
import SessionEnded from "@/pages/SessionEnded.vue";
import { useConnection } from "@/stores/connection";
import { useNotices } from "@/stores/notices";
import { useSession } from "@/stores/session";
import { useSessionEnd } from "@/stores/sessionEnd";

const ME = { username: "rita", is_staff: false, is_admin: false, projects: [], version: "1", settings: { threshold: 0.5 } };
const anything = { parse: (value: unknown) => value } as never;

let signedIn: string | null;
let away: boolean;
let password: string;
let asked: string[];
let leave: (() => void)[] = [];

function serve(input: string | URL | Request, { method = "GET", body }: RequestInit = {}): Promise<Response> {
  const address = input instanceof Request ? input.url : String(input);
  asked.push(`${method} ${address}`);
  if (away) return Promise.reject(new TypeError("Failed to fetch"));
  if (address.startsWith("/login/")) {
    const form = body as URLSearchParams;
    if (form.get("password") !== password) return Promise.resolve(new Response("<p role='alert'>That is not right.</p>"));
    signedIn = form.get("username");
    document.cookie = `csrftoken=${signedIn}-${asked.length}`;
    return Promise.resolve({ type: "opaqueredirect" } as Response);
  }
  if (address === "/healthz") return Promise.resolve(new Response("{}"));
  if (!signedIn) return Promise.resolve(new Response("", { status: 401 }));
  return Promise.resolve(new Response(JSON.stringify(address === "/api/me" ? { ...ME, username: signedIn } : "fine")));
}

const one = (id: string): HTMLElement | null => document.querySelector(`[data-testid=${id}]`);
const dialog = (): HTMLDialogElement => one("session-ended") as HTMLDialogElement;
const settle = async (): Promise<void> => {
  for (let i = 0; i < 8; i += 1) await vi.advanceTimersByTimeAsync(1);
  await nextTick();
};
async function signInAs(user: string, words: string): Promise<void> {
  for (const [id, value] of [["sign-in-user", user], ["sign-in-password", words]]) {
    const field = one(id) as HTMLInputElement;
    field.value = value;
    field.dispatchEvent(new Event("input"));
  }
  one("sign-in")?.closest("form")?.dispatchEvent(new Event("submit", { cancelable: true }));
  await settle();
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  document.body.innerHTML = "";
  document.cookie = "csrftoken=first";
  [signedIn, away, password, asked] = ["rita", false, "right", []];
  vi.stubGlobal("fetch", vi.fn(serve));
  HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement) { this.open = true; };
  HTMLDialogElement.prototype.close = function close(this: HTMLDialogElement) { this.open = false; };
  const pinia = createPinia();
  setActivePinia(pinia);
  for (const part of [NoticeList, SessionEnded]) {
    const shown = createApp(part).use(pinia);
    shown.mount(document.body.appendChild(document.createElement("div")));
    leave.push(() => shown.unmount());
  }
  await useSession().load();
  leave.push(useSessionEnd().watchSession(), useConnection().watchConnection());
});
afterEach(() => {
  for (const stop of leave) stop();
  leave = [];
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a session that has ended", () => {
  it("is told above the page, and what was asked for comes after the sign-in", async () => {
    signedIn = null;
    const answers: string[] = [];
    void send("/api/jobs").then(async (response) => answers.push(await response.text()));
    void send("/api/jobs", { method: "POST" }).then(() => answers.push("posted"));
    await settle();
    expect([dialog().open, (one("sign-in-user") as HTMLInputElement).value, answers]).toEqual([true, "rita", []]);
    await signInAs("rita", "wrong");
    expect([dialog().open, one("sign-in-error")?.textContent]).toEqual([true, "That is not right."]);
    await signInAs("rita", "right");
    expect([dialog().open, answers.sort()]).toEqual([false, ['"fine"', "posted"]]);
  });

  it("is found renewed in another tab when the user returns", async () => {
    signedIn = null;
    const answer = send("/api/jobs");
    await settle();
    window.dispatchEvent(new Event("focus"));
    await settle();
    expect(dialog().open).toBe(true);
    signedIn = "rita";
    window.dispatchEvent(new Event("focus"));
    await settle();
    expect(dialog().open).toBe(false);
    await answer;
  });

  it("can be put aside, and stays told among the notices", async () => {
    signedIn = null;
    void send("/api/jobs").catch(() => undefined);
    await settle();
    dialog().dispatchEvent(new Event("cancel", { cancelable: true }));
    await settle();
    expect([dialog().open, one("session-ended-notice")?.textContent]).toEqual([false, "Your session has ended.Sign in"]);
    one("session-ended-notice")?.querySelector("button")?.click();
    await settle();
    expect(dialog().open).toBe(true);
  });
});

describe("another user's session", () => {
  it("sends nothing of the first user's, and offers to reload", async () => {
    signedIn = null;
    void send("/api/jobs").catch(() => undefined);
    await settle();
    asked = [];
    await signInAs("otto", "right");
    expect(dialog().textContent).toContain("otto");
    expect([one("reload") !== null, asked.filter((line) => line.includes("jobs"))]).toEqual([true, []]);
  });

  it("is noticed without any refusal, before something is sent", async () => {
    [signedIn, document.cookie] = ["otto", "csrftoken=other"];
    window.dispatchEvent(new Event("focus"));
    void send("/api/jobs", { method: "POST" }).catch(() => undefined);
    await settle();
    expect([dialog().open, asked.filter((line) => line.includes("jobs"))]).toEqual([true, []]);
  });
});

describe("a lost connection", () => {
  it("is said once for all that is asked for, which goes on when the server answers", async () => {
    away = true;
    const answers = [send("/api/a"), send("/api/b"), requestJson("/api/c", anything).catch(() => "unchecked")];
    await settle();
    expect(document.querySelectorAll("[data-testid=connection-lost]")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20_000);
    away = false;
    one("reconnect")?.click();
    await settle();
    await Promise.all(answers);
    expect(one("connection-lost")).toBeNull();
  });

  it("is told to whoever wanted to change something, because it may have arrived", async () => {
    away = true;
    await expect(send("/api/a", { method: "POST" })).rejects.toThrow(/cannot be reached/);
    expect(useConnection().lost).toBe(true);
  });
});

it("says the same words once", async () => {
  const notices = useNotices();
  notices.tell("It failed.", "bad");
  notices.tell("It failed.", "bad");
  await nextTick();
  expect(notices.notices).toHaveLength(1);
});
