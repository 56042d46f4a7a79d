/** How long a job may take, how much memory, and when its turn comes: a form like those of steps, in people's units. */

import type { JobLimits } from "@/api/jobs";
import { formatNumber } from "@/core/words";
import { collect, type Errors, fieldsOf, initialValues, type Values } from "@/tools/run/form";

export type LimitName = keyof JobLimits;

/** The server takes 64 MiB and more, seconds and bytes. */
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

export const LIMIT_FIELDS = fieldsOf(SCHEMA);
export const noLimits = (): Values => initialValues(LIMIT_FIELDS);

/** What is typed, as the server takes it, and what is wrong with it by field. */
export function collectLimits(values: Values): { limits: JobLimits; errors: Errors } {
  const { params, errors } = collect(LIMIT_FIELDS, values);
  const given = Object.entries(params) as [LimitName, number][];
  // 4.2 minutes are 252 seconds, not 252.00000000000003.
  const limits = Object.fromEntries(given.map(([name, value]) => [name, Number((value * PER_UNIT[name]).toPrecision(12))]));
  if (limits.memory_limit_bytes) limits.memory_limit_bytes = Math.round(limits.memory_limit_bytes);
  return { limits, errors };
}

/** On one line what is given: "20 min, 4 GB, priority 5". */
export function limitsInWords(values: Values): string {
  return LIMIT_FIELDS.filter(({ name }) => String(values[name] ?? "").trim() !== "")
    .map(({ name, unit, title }) => (unit ? `${String(values[name]).trim()} ${unit}` : `${title.toLowerCase()} ${String(values[name]).trim()}`))
    .join(", ");
}

/** Those of the server's refusals that are about a limit, and the others. */
export function splitLimits<T extends { readonly loc: readonly string[]; readonly msg: string }>(told: readonly T[]): { limits: Errors; others: T[] } {
  const limits: Record<string, string> = {};
  const others: T[] = [];
  for (const one of told) {
    const name = one.loc.includes("params") ? undefined : NAMES.find((known) => one.loc.includes(known));
    if (name) limits[name] = one.msg;
    else others.push(one);
  }
  return { limits, others };
}

/** A refusal in the units of the form: seconds become minutes, bytes gigabytes. */
export function inFormUnits(detail: string): string {
  return detail.replace(/(\d[\d,]*(?:\.\d+)?) (seconds|bytes)\b/g, (_, digits: string, unit: string) => {
    const value = Number(digits.replaceAll(",", ""));
    return unit === "seconds" ? `${formatNumber(value / 60, 2)} min` : `${formatNumber(Math.floor(value / 1e7) / 100, 2)} GB`;
  });
}

/** The limit whose setting a refusal names: "a job may take 3600 seconds here at most (jobs.time_limit_seconds)". */
export const limitNamed = (detail: string): LimitName | undefined => NAMES.find((name) => detail.includes(`jobs.${name}`));
