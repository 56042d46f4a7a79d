/** A form from a step's JSON schema: which fields there are, what is typed into them, and what that means. */

import { tiltDegrees } from "@/core/geometry";

export type Kind = "number" | "whole" | "truth" | "choice" | "text" | "numbers" | "json";

export interface Bounds {
  readonly least: number | null;
  readonly most: number | null;
  /** True where the bound itself is outside. */
  readonly above: boolean;
  readonly below: boolean;
}

export interface Field {
  readonly name: string;
  readonly title: string;
  readonly words: string;
  readonly kind: Kind;
  readonly unit: string;
  readonly required: boolean;
  readonly bounds: Bounds;
  readonly choices: readonly { value: unknown; words: string }[];
  /** Of a list of numbers: how many; a single one may stand for all where `scalar`. */
  readonly lengths: { readonly least: number; readonly most: number };
  readonly scalar: boolean;
  /** Its numbers are whole. */
  readonly integers: boolean;
  readonly initial: Typed;
  /** Used only where each of these other fields has one of these values; null for always. */
  readonly when: Readonly<Record<string, readonly string[]>> | null;
}

/** What stands in a field: a tick, or text. */
export type Typed = string | boolean;
export type Values = Readonly<Record<string, Typed>>;
export type Errors = Readonly<Record<string, string>>;

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);
const nodes = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const numeral = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export function fieldsOf(schema: unknown): Field[] {
  if (!isNode(schema) || !isNode(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(schema.properties)
    .filter((entry): entry is [string, Node] => isNode(entry[1]))
    .map(([name, property]) => field(name, property, required.has(name), schema));
}

export const initialValues = (fields: readonly Field[]): Values =>
  Object.fromEntries(fields.map(({ name, initial }) => [name, initial]));

/** A node with what it refers to laid in; its own words come first. */
function resolved(node: Node, root: Node): Node {
  const reference = text(node.$ref);
  let found = node;
  if (reference.startsWith("#/")) {
    let target: unknown = root;
    for (const part of reference.slice(2).split("/")) target = isNode(target) ? target[part] : undefined;
    if (isNode(target)) found = { ...target, ...node };
  }
  const only = nodes(found.allOf);
  return only.length === 1 ? { ...resolved(only[0], root), ...found } : found;
}

function field(name: string, property: Node, required: boolean, root: Node): Field {
  const outer = resolved(property, root);
  const options = nodes(outer.anyOf ?? outer.oneOf).map((option) => resolved(option, root)).filter((option) => option.type !== "null");
  const alone = options.length === 1 ? { ...options[0], ...outer } : outer;
  const array = options.length === 2 ? options.find((option) => option.type === "array") : undefined;
  const one = options.length === 2 ? options.find(isNumeric) : undefined;
  const scalar = array !== undefined && one !== undefined;
  const node = scalar ? { ...array, ...outer, type: "array" } : alone;
  const items = nodes(node.prefixItems);
  const item = items.length > 0 ? resolved(items[0], root) : isNode(node.items) ? resolved(node.items, root) : {};
  const choices = choicesOf(node);
  const kind = options.length > 1 && !scalar ? "json" : kindOf(node, item, choices);
  return {
    name,
    title: text(outer.title) || titled(name),
    words: text(outer.description),
    kind,
    unit: unitOf(outer, node),
    required,
    bounds: boundsOf(kind === "numbers" ? item : node),
    choices,
    lengths: { least: numeral(node.minItems) ?? items.length, most: numeral(node.maxItems) ?? (items.length || Infinity) },
    scalar,
    integers: kind === "whole" || (kind === "numbers" && item.type === "integer"),
    initial: shown(outer.default, kind),
    when: whenOf(outer.when),
  };
}

function whenOf(value: unknown): Field["when"] {
  if (!isNode(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([name, values]) => [name, Array.isArray(values) ? values.map(String) : []]));
}

/** The fields that what is typed makes use of; another method's are not shown, and not sent. */
export const usedFields = (fields: readonly Field[], values: Values): Field[] =>
  fields.filter(({ when }) =>
    Object.entries(when ?? {}).every(([name, wanted]) => {
      const other = fields.find((one) => one.name === name);
      return !other || wanted.includes(String(values[name] ?? other.initial));
    }),
  );

/** "1" is no unit to people. */
const unitOf = (...from: Node[]): string => from.map(({ unit }) => text(unit)).find((unit) => unit !== "" && unit !== "1") ?? "";

const isNumeric = (node: Node): boolean => node.type === "number" || node.type === "integer";

function kindOf(node: Node, item: Node, choices: readonly unknown[]): Kind {
  if (choices.length > 0) return "choice";
  if (node.type === "number") return "number";
  if (node.type === "integer") return "whole";
  if (node.type === "boolean") return "truth";
  if (node.type === "string") return "text";
  if (node.type === "array" && isNumeric(item)) return "numbers";
  return "json";
}

function choicesOf(node: Node): { value: unknown; words: string }[] {
  const values: unknown[] = Array.isArray(node.enum) ? node.enum : "const" in node ? [node.const] : [];
  return values.map((value) => ({ value, words: titled(String(value)) }));
}

function boundsOf(node: Node): Bounds {
  const above = numeral(node.exclusiveMinimum);
  const below = numeral(node.exclusiveMaximum);
  return {
    least: above ?? numeral(node.minimum),
    most: below ?? numeral(node.maximum),
    above: above !== null,
    below: below !== null,
  };
}

/** "min_size_mm" as "Min size mm". */
function titled(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function shown(value: unknown, kind: Kind): Typed {
  if (kind === "truth") return value === true;
  if (value === null || value === undefined) return "";
  if (kind === "numbers" && Array.isArray(value)) return value.join(", ");
  return typeof value === "string" && kind !== "json" ? value : JSON.stringify(value);
}

/** The range in words: "above 0, at most 50". */
export function rangeWords({ bounds: { least, most, above, below } }: Field): string {
  const low = least === null ? "" : above ? `above ${least}` : `at least ${least}`;
  const high = most === null ? "" : below ? `below ${most}` : `at most ${most}`;
  if (least !== null && most !== null && !above && !below) return `${least} to ${most}`;
  return [low, high].filter(Boolean).join(", ");
}

/** What a field is for, its range included. */
export function hint(field: Field): string {
  const range = rangeWords(field);
  const many = field.kind !== "numbers" ? "" : field.scalar && field.words ? "commas between several" : countWords(field);
  return [field.words, many, range].filter(Boolean).map((part) => part.replace(/\.$/, "")).join("; ");
}

function countWords({ lengths: { least, most }, scalar }: Field): string {
  const count = least === most ? `${least} numbers` : most === Infinity ? "numbers" : `${least} to ${most} numbers`;
  return `${scalar ? `one number, or ${count}` : count} with commas between`;
}

export type Checked = { readonly value: unknown } | { readonly error: string } | null;

/** What is typed, as a parameter; null where nothing is and nothing has to be. */
export function check(field: Field, typed: Typed): Checked {
  if (typeof typed === "boolean") return { value: typed };
  const trimmed = typed.trim();
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

function numberOf(field: Field, typed: string): { value: number } | { error: string } {
  const value = Number(typed);
  if (!Number.isFinite(value)) return { error: "A number is needed." };
  if (field.integers && !Number.isInteger(value)) return { error: "A whole number is needed." };
  const { least, most, above, below } = field.bounds;
  const low = least !== null && (above ? value <= least : value < least);
  const high = most !== null && (below ? value >= most : value > most);
  return low || high ? { error: `It must be ${rangeWords(field)}.` } : { value };
}

function numbersOf(field: Field, typed: string): Checked {
  const parts = typed.split(/[\s,;]+/).filter(Boolean);
  const values: number[] = [];
  for (const part of parts) {
    const found = numberOf(field, part);
    if ("error" in found) return found;
    values.push(found.value);
  }
  if (field.scalar && values.length === 1) return { value: values[0] };
  const { least, most } = field.lengths;
  if (values.length < least || values.length > most) return { error: `Give ${countWords(field)}.` };
  return { value: values };
}

function jsonOf(typed: string): Checked {
  try {
    return { value: JSON.parse(typed) as unknown };
  } catch {
    return { error: "This is no JSON." };
  }
}

/** All that is typed, as parameters, and what is wrong with it by field. */
export function collect(fields: readonly Field[], values: Values): { params: Record<string, unknown>; errors: Errors } {
  const params: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const one of fields) {
    const found = check(one, values[one.name] ?? one.initial);
    if (found === null) continue;
    if ("error" in found) errors[one.name] = found.error;
    else params[one.name] = found.value;
  }
  return { params, errors };
}

/** The server's errors by field; what belongs to no field comes under "". */
export function errorsByField(fields: readonly Field[], told: readonly { loc: readonly string[]; msg: string }[]): Errors {
  const errors: Record<string, string> = {};
  for (const { loc, msg } of told) {
    const at = loc.indexOf("params");
    const name = at >= 0 ? loc[at + 1] : "";
    const known = fields.some((one) => one.name === name);
    const key = known ? name : "";
    const words = known || loc.length === 0 ? msg : `${loc[loc.length - 1]}: ${msg}`;
    errors[key] = errors[key] ? `${errors[key]} ${words}` : words;
  }
  return errors;
}

/** What a step may be done on. */
export interface Volumeish {
  readonly colour: boolean;
  readonly affine: readonly (readonly number[])[] | null;
  readonly spacing_mm: readonly (number | null)[];
}

/** Less of a tilt than this is none to any step, in degrees. */
const TILT = 0.1;

/** Why a step does not apply to a volume; empty where it does. */
export function inapplicable(step: { readonly needs: readonly string[] }, volume: Volumeish): string {
  const needs = new Set(step.needs);
  if (needs.has("grey") && volume.colour) return "Needs grey values: this is a colour image.";
  if (needs.has("place") && volume.affine === null) return "Needs a place in the patient, which is unknown here.";
  if (needs.has("millimetres") && volume.spacing_mm.includes(null)) return "Needs millimetres, which are unknown here.";
  if (needs.has("straight") && volume.affine && volume.affine.length > 0 && tiltDegrees(volume.affine) > TILT) {
    return "Needs a straight stack: this one is tilted. Straighten it first (rectify).";
  }
  return "";
}

export interface StepBrief {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly group: string;
}

const GROUPS: Readonly<Record<string, string>> = {
  filter: "Filters",
  mask: "Masks",
  measure: "Measurements",
  register: "Registration",
  model: "Models",
};
export const groupTitle = (group: string): string => GROUPS[group] ?? titled(group);

/** Those steps that have each of the words, in groups, in the order of the groups above. */
export function grouped<T extends StepBrief>(steps: readonly T[], search: string): { group: string; title: string; steps: T[] }[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = steps.filter(({ name, title, description }) => {
    const all = `${name} ${title} ${description}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  const order = [...Object.keys(GROUPS), ...matching.map(({ group }) => group)];
  return [...new Set(order)]
    .map((group) => ({ group, title: groupTitle(group), steps: matching.filter((step) => step.group === group) }))
    .filter(({ steps: found }) => found.length > 0);
}
