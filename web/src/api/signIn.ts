/** Who is signed in, and signing in without leaving the page. */

import { parseAnswer } from "@/api/answers";
import { type Me, me } from "@/api/generated/validators";
import { csrfToken, problemFrom, sendOnce, ServerProblem } from "@/api/http";

const LOGIN = "/login/";

/** The user of the browser's session as it is now, or null. It does not wait for the session or the connection. */
export async function whoIsSignedIn(): Promise<Me | null> {
  try {
    const response = await sendOnce("/api/me");
    return parseAnswer(me, await response.json());
  } catch (failure) {
    if (failure instanceof ServerProblem && failure.status === 401) return null;
    throw failure;
  }
}

/** Sends the form of the login page. Returns what is wrong with it, or nothing. */
export async function signIn(user: string, password: string): Promise<string> {
  if (!csrfToken(document.cookie)) await request({});
  const response = await request({
    method: "POST",
    body: new URLSearchParams({ username: user, password, next: "/healthz" }),
    headers: { "X-CSRFToken": csrfToken(document.cookie) },
  });
  if (response.type === "opaqueredirect") return "";
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("[role=alert]")?.textContent.trim() ?? problemFrom(response.status, "").message;
}

async function request(options: RequestInit): Promise<Response> {
  try {
    // The answer to the right password is a redirect, which is not followed: only that it comes matters.
    return await fetch(LOGIN, { ...options, redirect: "manual", credentials: "same-origin" });
  } catch {
    throw problemFrom(0, "");
  }
}

/** The login page, which returns to an address of this site. */
export const loginAddress = ({ pathname, search, hash }: { pathname: string; search: string; hash: string }): string =>
  `${LOGIN}?next=${encodeURIComponent(pathname + search + hash)}`;

/** Changes with each sign-in in this browser. */
export const signInMark = (): string => csrfToken(document.cookie);
