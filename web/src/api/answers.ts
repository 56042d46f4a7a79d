/** Checks the server's answers against the contract; the rest of the page relies on their types. */

import { type BaseIssue, getDotPath, safeParse } from "valibot";

import type { Validator } from "@/api/generated/validators";

/** An answer that does not fit the contract. Its message names the place and the types, never a value. */
export class AnswerError extends Error {
  override name = "AnswerError";

  constructor(path: string, expected: string, received: unknown) {
    super(`The server's answer has ${typeName(received)} where ${expected} should be (${path || "the answer itself"}).`);
  }
}

/** The value with its type, if it fits. */
export function parseAnswer<T>(validator: Validator<T>, value: unknown): T {
  const result = safeParse(validator, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = deepest(result.issues[0]);
  throw new AnswerError(pathOf(issue), expectation(issue), issue.input);
}

/** Bytes from base64. */
export function bytesFromBase64(text: string, path: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new AnswerError(path, "base64", text);
  }
}

/** The issue itself, or of a union the issue of the member that fits best: deep inside it, a wrong value rather than a missing one. */
function deepest(issue: BaseIssue<unknown>): BaseIssue<unknown> {
  const fit = ({ path, input }: BaseIssue<unknown>) => (path?.length ?? 0) + (input === undefined ? 0 : 0.5);
  const inner = (issue.issues ?? []).map(deepest).sort((a, b) => fit(b) - fit(a)).at(0);
  if (!inner?.path) return issue;
  return { ...inner, path: [...(issue.path ?? []), ...inner.path] };
}

/** "volumes[0].spacing_mm" */
const pathOf = (issue: BaseIssue<unknown>): string => (getDotPath(issue) ?? "").replace(/\.(\d+)(?=\.|$)/g, "[$1]");

const EXPECTATIONS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  strict_tuple: "a list of fixed length",
  object: "an object",
  loose_object: "an object",
  record: "an object",
  custom: "an object",
  safe_integer: "a whole number",
};

function expectation({ type, expected, input }: BaseIssue<unknown>): string {
  if (expected === "never") return "nothing";
  if (input === undefined && type.endsWith("object")) return expected ?? "a value";
  return EXPECTATIONS[type] ?? (expected === null ? "something else" : expected.replaceAll(/[()]/g, ""));
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
