/** One way to talk to the server: same-origin session, CSRF header, problems as errors, 401 to the login page. */

import { type Decoder, list, nullable, object, record, text, words } from "@/api/decode";
import { problem } from "@/api/records";

/** What is wrong with one part of a request, and where. */
export interface FieldError {
  readonly loc: readonly string[];
  readonly msg: string;
}

/** An answer that is no success, in the server's words. */
export class ServerProblem extends Error {
  override name = "ServerProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly skipped: Readonly<Record<string, { code: string; message: string }>> = {},
    readonly errors: readonly FieldError[] = [],
  ) {
    super(detail);
  }
}

export function csrfToken(cookies: string): string {
  const found = cookies.split(/;\s*/).find((cookie) => cookie.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

const problemBody = object({
  title: words,
  detail: words,
  code: words,
  skipped: nullable(record(problem)),
  errors: nullable(list(object({ loc: list(text), msg: words }))),
});

/** The problem that an answer's body tells of (RFC 9457), or one made from its status. */
export function problemFrom(status: number, body: string): ServerProblem {
  try {
    const { title, detail, code, skipped, errors } = problemBody(JSON.parse(body));
    return new ServerProblem(status, code, detail || title || inWords(status), skipped ?? {}, errors ?? []);
  } catch {
    return new ServerProblem(status, "", inWords(status));
  }
}

function inWords(status: number): string {
  if (status === 0) return "The server cannot be reached. Check the connection, then try again.";
  if (status === 413) return "That is more than the server accepts in one go.";
  if (status === 404) return "There is nothing at this address.";
  if (status >= 500) return `The server had an internal error (${status}). Its log tells more.`;
  return `The server refused (${status}).`;
}

/** Leaves for the login page, to come back to where the user is. */
export function goToLogin(): void {
  window.location.assign(`/login/?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

export interface RequestOptions {
  method?: "GET" | "POST" | "DELETE";
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
    throw new ServerProblem(0, "unreachable", inWords(0));
  }
  if (response.ok) return response;
  if (response.status === 401) goToLogin();
  throw problemFrom(response.status, await response.text());
}

export async function ask<T>(address: string, decode: Decoder<T>, options?: RequestOptions): Promise<T> {
  const response = await send(address, options);
  return decode(await response.json());
}

/** An address with those of the parameters that have a value. */
export function withQuery(address: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(key, String(value));
  }
  return query.size ? `${address}?${query}` : address;
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** Any error in words for the user. */
export function inUserWords(error: unknown): string {
  return error instanceof Error ? error.message : "Something unexpected went wrong.";
}
