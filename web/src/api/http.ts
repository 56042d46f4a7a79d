/** Requests to the server: same-origin session, CSRF header, problem documents as errors, 401 to the login page. */

import { safeParse } from "valibot";

import { parseAnswer } from "@/api/answers";
import { type FieldErrorOut, problemDocument, type ProblemOut, type Validator } from "@/api/generated/validators";

/** An unsuccessful answer of the server, with the server's message. */
export class ServerProblem extends Error {
  override name = "ServerProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly skipped: Readonly<Record<string, ProblemOut>> = {},
    readonly errors: readonly FieldErrorOut[] = [],
  ) {
    super(detail);
  }
}

export function csrfToken(cookies: string): string {
  const found = cookies.split(/;\s*/).find((cookie) => cookie.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

/** The problem document of an answer (RFC 9457), or a problem made from its status. */
export function problemFrom(status: number, body: string): ServerProblem {
  const { success, output } = safeParse(problemDocument, parsedJson(body));
  if (!success) return new ServerProblem(status, "", statusText(status));
  const { title, detail, code, skipped, errors } = output;
  return new ServerProblem(status, code, detail || title || statusText(status), skipped ?? {}, errors ?? []);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function statusText(status: number): string {
  if (status === 0) return "The server cannot be reached. Check the connection, then try again.";
  if (status === 413) return "That is more than the server accepts in one request.";
  if (status === 404) return "There is nothing at this address.";
  if (status >= 500) return `The server had an internal error (${status}). Its log has the details.`;
  return `The server refused (${status}).`;
}

/** Opens the login page, which returns to the current page. */
export function goToLogin(): void {
  window.location.assign(`/login/?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: BodyInit;
  /** Sent as JSON, instead of `body`. */
  json?: unknown;
  signal?: AbortSignal;
}

export async function send(address: string, { method = "GET", body, json, signal }: RequestOptions = {}): Promise<Response> {
  const headers = new Headers({ Accept: "application/json" });
  if (method !== "GET") headers.set("X-CSRFToken", csrfToken(document.cookie));
  if (json !== undefined) headers.set("Content-Type", "application/json");
  let response: Response;
  try {
    response = await fetch(address, { method, body: json === undefined ? body : JSON.stringify(json), signal, headers, credentials: "same-origin" });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ServerProblem(0, "unreachable", statusText(0));
  }
  if (response.ok) return response;
  if (response.status === 401) goToLogin();
  throw problemFrom(response.status, await response.text());
}

/** The answer to a request, checked. */
export async function requestJson<T>(address: string, validator: Validator<T>, options?: RequestOptions): Promise<T> {
  const response = await send(address, options);
  return parseAnswer(validator, await response.json());
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** The message of any error for the user. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : "Something unexpected went wrong.";
}
