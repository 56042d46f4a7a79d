/** Checks the values of a step's form and converts them to parameters. */

import type { Field, FieldValue, FormErrors, FormValues } from "@/tools/run/formFields";

/** The allowed range as text: "above 0, at most 50". */
export function rangeText({ bounds: { least, most, above, below } }: Field): string {
  const low = least === null ? "" : above ? `above ${least}` : `at least ${least}`;
  const high = most === null ? "" : below ? `below ${most}` : `at most ${most}`;
  if (least !== null && most !== null && !above && !below) return `${least} to ${most}`;
  return [low, high].filter(Boolean).join(", ");
}

/** The hint below a field: its description, how many numbers it takes, and its range. */
export function fieldHint(field: Field): string {
  const range = rangeText(field);
  const many = field.kind !== "numbers" ? "" : field.scalar && field.description ? "commas between several" : countText(field);
  return [field.description, many, range].filter(Boolean).map((part) => part.replace(/\.$/, "")).join("; ");
}

function countText({ lengths: { least, most }, scalar }: Field): string {
  const count = least === most ? `${least} numbers` : most === Infinity ? "numbers" : `${least} to ${most} numbers`;
  return `${scalar ? `one number, or ${count}` : count} with commas between`;
}

export type FieldCheck = { readonly value: unknown } | { readonly error: string } | null;

/** The content of a field as a parameter, or what is wrong with it; null for an optional field that is empty. */
export function checkField(field: Field, content: FieldValue): FieldCheck {
  if (typeof content === "boolean") return { value: content };
  const trimmed = content.trim();
  if (trimmed === "") return field.required ? { error: "Needed." } : null;
  if (field.kind === "number" || field.kind === "whole") return numberOf(field, trimmed);
  if (field.kind === "numbers") return numbersOf(field, trimmed);
  if (field.kind === "choice") {
    const chosen = field.choices.find(({ value }) => String(value) === trimmed);
    return chosen ? { value: chosen.value } : { error: "Choose one of those offered." };
  }
  if (field.kind === "json") return jsonOf(trimmed);
  return { value: trimmed };
}

function numberOf(field: Field, content: string): { value: number } | { error: string } {
  const value = Number(content);
  if (!Number.isFinite(value)) return { error: "A number is needed." };
  if (field.integers && !Number.isInteger(value)) return { error: "A whole number is needed." };
  const { least, most, above, below } = field.bounds;
  const low = least !== null && (above ? value <= least : value < least);
  const high = most !== null && (below ? value >= most : value > most);
  return low || high ? { error: `It must be ${rangeText(field)}.` } : { value };
}

function numbersOf(field: Field, content: string): FieldCheck {
  const parts = content.split(/[\s,;]+/).filter(Boolean);
  const values: number[] = [];
  for (const part of parts) {
    const number = numberOf(field, part);
    if ("error" in number) return number;
    values.push(number.value);
  }
  if (field.scalar && values.length === 1) return { value: values[0] };
  const { least, most } = field.lengths;
  if (values.length < least || values.length > most) return { error: `Give ${countText(field)}.` };
  return { value: values };
}

function jsonOf(content: string): FieldCheck {
  try {
    return { value: JSON.parse(content) as unknown };
  } catch {
    return { error: "This is not valid JSON." };
  }
}

/** The parameters of all fields, and the errors by field. */
export function collectParams(fields: readonly Field[], values: FormValues): { params: Record<string, unknown>; errors: FormErrors } {
  const params: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const field of fields) {
    const checked = checkField(field, values[field.name] ?? field.initial);
    if (checked === null) continue;
    if ("error" in checked) errors[field.name] = checked.error;
    else params[field.name] = checked.value;
  }
  return { params, errors };
}

/** The server's errors by field; errors of no field have the key "". */
export function errorsByField(fields: readonly Field[], refusals: readonly { loc: readonly string[]; msg: string }[]): FormErrors {
  const errors: Record<string, string> = {};
  for (const { loc, msg } of refusals) {
    const at = loc.indexOf("params");
    const name = at >= 0 ? loc[at + 1] : "";
    const known = fields.some((field) => field.name === name);
    const key = known ? name : "";
    const message = known || loc.length === 0 ? msg : `${loc[loc.length - 1]}: ${msg}`;
    errors[key] = errors[key] ? `${errors[key]} ${message}` : message;
  }
  return errors;
}

/** The fields that apply to the values of the others; the rest are neither shown nor sent. */
export const activeFields = (fields: readonly Field[], values: FormValues): Field[] =>
  fields.filter(({ when }) =>
    Object.entries(when ?? {}).every(([name, wanted]) => {
      const other = fields.find((field) => field.name === name);
      return !other || wanted.includes(String(values[name] ?? other.initial));
    }),
  );
