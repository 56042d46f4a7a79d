/** Time limit, memory limit and priority of a job, as a form in minutes and gigabytes. */

import type { JobLimits } from "@/api/jobs";
import { formatNumber } from "@/core/formatting";
import { fieldsFromSchema, type FormErrors, type FormValues, initialValues } from "@/tools/run/formFields";
import { collectParams } from "@/tools/run/formValues";

export type LimitName = keyof JobLimits;

/** The form's schema. The server takes seconds and bytes, and at least 64 MiB. */
const SCHEMA = {
  properties: {
    time_limit_seconds: {
      type: "number",
      title: "Time limit",
      unit: "min",
      exclusiveMinimum: 0,
      description: "A job that takes longer is stopped. Empty: the server's own limit, which is also the most",
    },
    memory_limit_bytes: {
      type: "number",
      title: "Memory limit",
      unit: "GB",
      minimum: 0.07,
      description: "A job that takes more fails. Empty: the server's own limit, which is also the most",
    },
    priority: { type: "integer", title: "Priority", minimum: -100, maximum: 100, description: "Higher goes first, 0 is usual" },
  },
};
const PER_UNIT: Readonly<Record<LimitName, number>> = { time_limit_seconds: 60, memory_limit_bytes: 1e9, priority: 1 };
const NAMES = Object.keys(PER_UNIT) as LimitName[];

export const LIMIT_FIELDS = fieldsFromSchema(SCHEMA);
export const emptyLimits = (): FormValues => initialValues(LIMIT_FIELDS);

/** The limits in the server's units, and the errors by field. */
export function collectLimits(values: FormValues): { limits: JobLimits; errors: FormErrors } {
  const { params, errors } = collectParams(LIMIT_FIELDS, values);
  const given = Object.entries(params) as [LimitName, number][];
  // 4.2 minutes are 252 seconds, not 252.00000000000003.
  const limits = Object.fromEntries(given.map(([name, value]) => [name, Number((value * PER_UNIT[name]).toPrecision(12))]));
  if (limits.memory_limit_bytes) limits.memory_limit_bytes = Math.round(limits.memory_limit_bytes);
  return { limits, errors };
}

/** The limits that are set, on one line: "20 min, 4 GB, priority 5". */
export function limitsText(values: FormValues): string {
  return LIMIT_FIELDS.filter(({ name }) => String(values[name] ?? "").trim() !== "")
    .map(({ name, unit, title }) => (unit ? `${String(values[name]).trim()} ${unit}` : `${title.toLowerCase()} ${String(values[name]).trim()}`))
    .join(", ");
}

/** Splits the server's refusals into those about a limit, by field, and the others. */
export function splitLimitErrors<T extends { readonly loc: readonly string[]; readonly msg: string }>(refusals: readonly T[]): { limits: FormErrors; others: T[] } {
  const limits: Record<string, string> = {};
  const others: T[] = [];
  for (const refusal of refusals) {
    const name = refusal.loc.includes("params") ? undefined : NAMES.find((known) => refusal.loc.includes(known));
    if (name) limits[name] = refusal.msg;
    else others.push(refusal);
  }
  return { limits, others };
}

/** A refusal with the form's units: seconds become minutes, bytes become gigabytes. */
export function inFormUnits(detail: string): string {
  return detail.replace(/(\d[\d,]*(?:\.\d+)?) (seconds|bytes)\b/g, (_, digits: string, unit: string) => {
    const value = Number(digits.replaceAll(",", ""));
    return unit === "seconds" ? `${formatNumber(value / 60, 2)} min` : `${formatNumber(Math.floor(value / 1e7) / 100, 2)} GB`;
  });
}

/** The limit whose setting a refusal names: "a job may take 3600 seconds here at most (jobs.time_limit_seconds)". */
export const limitNamedIn = (detail: string): LimitName | undefined => NAMES.find((name) => detail.includes(`jobs.${name}`));
