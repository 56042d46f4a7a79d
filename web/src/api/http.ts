/**
 * Requests to the server: same-origin session, CSRF header, problem documents as errors.
 *
 * While the session has ended or the server cannot be reached, requests wait and are sent again afterwards: their callers
 * need not know. One dialog says the first (`stores/sessionEnd`), one notice the second (`stores/connection`).
 */

import { safeParse } from "valibot";

import { parseAnswer } from "@/api/answers";
import { type FieldErrorOut, problemDocument, type ProblemOut, type Validator } from "@/api/generated/validators";
import { Gate } from "@/core/gate";

/** Closed from the first answer that says 401 until the same user is signed in again. */
export const sessionGate = new Gate();
/** Closed from the first request that does not reach the server until one does. */
export const connectionGate = new Gate();
/** A request is sent so often before its failure is told to its caller. */
const MOST_TRIES = 4;

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

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: BodyInit;
  /** Sent as JSON, instead of `body`. */
  json?: unknown;
  signal?: AbortSignal;
  /** Whether the request changes nothing, so that it may be sent again if its answer is lost. Always true of GET. */
  reads?: boolean;
}

/** Sends a request as often as needed to get an answer, within bounds. */
export async function send(address: string, options: RequestOptions = {}): Promise<Response> {
  const { method = "GET", reads = method === "GET", signal } = options;
  for (let tries = 1; ; tries += 1) {
    // Through open gates a request is on its way at once: what the page does next may take long.
    if (sessionGate.isClosed) await sessionGate.passed(signal);
    if (reads && connectionGate.isClosed) await connectionGate.passed(signal);
    try {
      return await sendOnce(address, options);
    } catch (error) {
      if (!(error instanceof ServerProblem) || tries >= MOST_TRIES || !mayBeSentAgain(error, reads)) throw error;
    }
  }
}

/** Closes the gate that a failure is about. A refused request has changed nothing; a lost one may have. */
function mayBeSentAgain({ status }: ServerProblem, reads: boolean): boolean {
  if (status === 401) return sessionGate.close();
  return status === 0 && connectionGate.close() && reads;
}

/** Sends a request once, whatever the state of the session and the connection. */
export async function sendOnce(address: string, { method = "GET", body, json, signal }: RequestOptions = {}): Promise<Response> {
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
