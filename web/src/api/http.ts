/** Requests to the server: same-origin session, CSRF header, problem documents as errors, 401 to the login page. */

import { type Decoder, list, nullable, object, record, text, words } from "@/api/decode";
import { problem } from "@/api/records";

/** The error of one part of a request. */
export interface FieldError {
  readonly loc: readonly string[];
  readonly msg: string;
}

/** An unsuccessful answer of the server, with the server's message. */
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

/** The problem document of an answer (RFC 9457), or a problem made from its status. */
export function problemFrom(status: number, body: string): ServerProblem {
  try {
    const { title, detail, code, skipped, errors } = problemBody(JSON.parse(body));
    return new ServerProblem(status, code, detail || title || statusText(status), skipped ?? {}, errors ?? []);
  } catch {
    return new ServerProblem(status, "", statusText(status));
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
    throw new ServerProblem(0, "unreachable", statusText(0));
  }
  if (response.ok) return response;
  if (response.status === 401) goToLogin();
  throw problemFrom(response.status, await response.text());
}

export async function ask<T>(address: string, decode: Decoder<T>, options?: RequestOptions): Promise<T> {
  const response = await send(address, options);
  return decode(await response.json());
}

/** An address with the parameters that have a value. */
export function withQuery(address: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(key, String(value));
  }
  return query.size ? `${address}?${query}` : address;
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/** The message of any error for the user. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : "Something unexpected went wrong.";
}
