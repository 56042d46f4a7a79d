// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import SignOut from "@/pages/SignOut.vue";
import { useSession } from "@/stores/session";

import { closePage, ME, mounted, openDocument, settle } from "./mounting";

const browser = vi.hoisted(() => ({ kept: [] as string[], discarded: [] as string[], fails: false }));
vi.mock("@/scene/openDraft", () => ({
  storedDrafts: () => (browser.fails ? Promise.reject(new Error("no database")) : Promise.resolve(browser.kept)),
  discardAllOf: (user: string) => Promise.resolve(void browser.discarded.push(user)),
}));

const submitted = vi.fn();

beforeEach(async () => {
  openDocument();
  Object.assign(browser, { kept: [], discarded: [], fails: false });
  submitted.mockReset();
  HTMLFormElement.prototype.submit = submitted;
  document.cookie = "csrftoken=abc";
  await mounted(SignOut, { respond: () => new Response("{}") });
  await useSession().load();
});
afterEach(closePage);

const dialog = (): HTMLDialogElement => document.querySelector("dialog") as HTMLDialogElement;
async function press(words: string): Promise<void> {
  const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === words);
  button?.click();
  await settle();
}

it("signs out at once where nothing is kept, or nothing can be", async () => {
  await press("Sign out");
  expect(submitted).toHaveBeenCalledTimes(1);
  expect(document.querySelector<HTMLInputElement>("input[type=hidden]")?.value).toBe("abc");
  browser.fails = true;
  await press("Sign out");
  expect(submitted).toHaveBeenCalledTimes(2);
  expect(dialog().open).toBe(false);
});

it("asks about unsaved segmentations: they are kept, discarded, or nobody signs out", async () => {
  browser.kept = ["a", "b"];
  await press("Sign out");
  expect(dialog().textContent).toContain("2 segmentations that you drew are not saved");
  await press("Stay signed in");
  expect([dialog().open, submitted.mock.calls.length, browser.discarded.length]).toEqual([false, 0, 0]);
  await press("Sign out");
  await press("Keep, and sign out");
  expect([submitted.mock.calls.length, browser.discarded.length]).toEqual([1, 0]);
  await press("Discard, and sign out");
  expect([submitted.mock.calls.length, browser.discarded]).toEqual([2, [ME.username]]);
});
