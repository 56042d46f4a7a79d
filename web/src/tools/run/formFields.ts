/** The fields of a form, from the JSON schema of a step's parameters. */

import { sentenceCase } from "@/core/formatting";

export type FieldKind = "number" | "whole" | "truth" | "choice" | "text" | "numbers" | "json";

export interface NumberBounds {
  readonly least: number | null;
  readonly most: number | null;
  /** True if `least` itself is not allowed. */
  readonly above: boolean;
  /** True if `most` itself is not allowed. */
  readonly below: boolean;
}

export interface Field {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kind: FieldKind;
  readonly unit: string;
  readonly required: boolean;
  readonly bounds: NumberBounds;
  readonly choices: readonly { value: unknown; label: string }[];
  /** How many numbers a list takes. */
  readonly lengths: { readonly least: number; readonly most: number };
  /** True if a single number may replace a list. */
  readonly scalar: boolean;
  /** True if only whole numbers are allowed. */
  readonly integers: boolean;
  readonly initial: FieldValue;
  /** The field is active only if each of these other fields has one of these values; null: always active. */
  readonly when: Readonly<Record<string, readonly string[]>> | null;
}

/** The content of a field: whether it is ticked, or its text. */
export type FieldValue = string | boolean;
export type FormValues = Readonly<Record<string, FieldValue>>;
export type FormErrors = Readonly<Record<string, string>>;

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);
const nodes = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const finite = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export function fieldsFromSchema(schema: unknown): Field[] {
  if (!isNode(schema) || !isNode(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(schema.properties)
    .filter((entry): entry is [string, Node] => isNode(entry[1]))
    .map(([name, property]) => field(name, property, required.has(name), schema));
}

export const initialValues = (fields: readonly Field[]): FormValues =>
  Object.fromEntries(fields.map(({ name, initial }) => [name, initial]));

/** A node merged with the node it refers to ($ref, a single allOf); its own keys win. */
function resolved(node: Node, root: Node): Node {
  const reference = text(node.$ref);
  let merged = node;
  if (reference.startsWith("#/")) {
    let target: unknown = root;
    for (const part of reference.slice(2).split("/")) target = isNode(target) ? target[part] : undefined;
    if (isNode(target)) merged = { ...target, ...node };
  }
  const only = nodes(merged.allOf);
  return only.length === 1 ? { ...resolved(only[0], root), ...merged } : merged;
}

function field(name: string, property: Node, required: boolean, root: Node): Field {
  const outer = resolved(property, root);
  const options = nodes(outer.anyOf ?? outer.oneOf).map((option) => resolved(option, root)).filter((option) => option.type !== "null");
  const alone = options.length === 1 ? { ...options[0], ...outer } : outer;
  const array = options.length === 2 ? options.find((option) => option.type === "array") : undefined;
  const single = options.length === 2 ? options.find(isNumeric) : undefined;
  const scalar = array !== undefined && single !== undefined;
  const node = scalar ? { ...array, ...outer, type: "array" } : alone;
  const items = nodes(node.prefixItems);
  const item = items.length > 0 ? resolved(items[0], root) : isNode(node.items) ? resolved(node.items, root) : {};
  const choices = choicesOf(node);
  const kind = options.length > 1 && !scalar ? "json" : kindOf(node, item, choices);
  return {
    name,
    title: text(outer.title) || sentenceCase(name),
    description: text(outer.description),
    kind,
    unit: unitOf(outer, node),
    required,
    bounds: boundsOf(kind === "numbers" ? item : node),
    choices,
    lengths: { least: finite(node.minItems) ?? items.length, most: finite(node.maxItems) ?? (items.length || Infinity) },
    scalar,
    integers: kind === "whole" || (kind === "numbers" && item.type === "integer"),
    initial: contentOf(outer.default, kind),
    when: whenOf(outer.when),
  };
}

function whenOf(value: unknown): Field["when"] {
  if (!isNode(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([name, values]) => [name, Array.isArray(values) ? values.map(String) : []]));
}

/** The unit to show; "1" (no unit) is left out. */
const unitOf = (...from: Node[]): string => from.map(({ unit }) => text(unit)).find((unit) => unit !== "" && unit !== "1") ?? "";

const isNumeric = (node: Node): boolean => node.type === "number" || node.type === "integer";

function kindOf(node: Node, item: Node, choices: readonly unknown[]): FieldKind {
  if (choices.length > 0) return "choice";
  if (node.type === "number") return "number";
  if (node.type === "integer") return "whole";
  if (node.type === "boolean") return "truth";
  if (node.type === "string") return "text";
  if (node.type === "array" && isNumeric(item)) return "numbers";
  return "json";
}

function choicesOf(node: Node): { value: unknown; label: string }[] {
  const values: unknown[] = Array.isArray(node.enum) ? node.enum : "const" in node ? [node.const] : [];
  return values.map((value) => ({ value, label: sentenceCase(String(value)) }));
}

function boundsOf(node: Node): NumberBounds {
  const above = finite(node.exclusiveMinimum);
  const below = finite(node.exclusiveMaximum);
  return {
    least: above ?? finite(node.minimum),
    most: below ?? finite(node.maximum),
    above: above !== null,
    below: below !== null,
  };
}

/** A default value as the content of a field. */
function contentOf(value: unknown, kind: FieldKind): FieldValue {
  if (kind === "truth") return value === true;
  if (value === null || value === undefined) return "";
  if (kind === "numbers" && Array.isArray(value)) return value.join(", ");
  return typeof value === "string" && kind !== "json" ? value : JSON.stringify(value);
}
