/**
 * Writes Valibot schemas for the answers of an OpenAPI 3.1 document.
 *
 * Only the keywords that the server uses are known; any other keyword is an error, so that nothing is left unchecked.
 */

const KEYWORDS = new Set([
  "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum", "format", "items", "maxItems",
  "maximum", "minItems", "minimum", "prefixItems", "properties", "required", "title", "type",
]);
const REFERENCE = "#/components/schemas/";
const SHARED = "#/components/responses/";

/** The source text of the module with the validators; `types` is the module of the generated types. */
export function validatorsModule(document, types) {
  const schemas = document.components.schemas;
  const names = inOrder(schemas, answersOf(document));
  const parts = names.map((name) => {
    const type = identifier(name);
    return [
      `export type ${type} = components["schemas"]["${name}"];`,
      `export const ${validatorName(name)}: Validator<${type}> = ${expression(schemas[name], name)};`,
    ].join("\n");
  });
  return [
    "// Generated from contract/openapi.json by `npm run types`. Do not edit.",
    'import * as v from "valibot";',
    "",
    `import type { components } from "${types}";`,
    "",
    "/** Checks a value of unknown type. The type annotations below prove that validators and generated types agree. */",
    "export type Validator<T> = v.GenericSchema<unknown, T>;",
    "",
    "const integer = v.pipe(v.number(), v.safeInteger());",
    "/** Valibot takes lists for objects with numbers as keys. */",
    "const notList = v.custom<object>((value) => typeof value === \"object\" && value !== null && !Array.isArray(value));",
    "",
    parts.join("\n\n"),
    "",
  ].join("\n");
}

/** The answers of an operation, those that several operations share among them. */
function answers(document, operation) {
  return Object.values(operation.responses).map((answer) => (answer.$ref ? document.components.responses[answer.$ref.slice(SHARED.length)] : answer));
}

/** The names of the schemas that the JSON answers consist of, and of the objects sent as events. */
function answersOf(document) {
  const found = new Set();
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    for (const { content = {} } of answers(document, operation)) {
      for (const { schema } of Object.values(content)) for (const name of references(schema)) found.add(name);
    }
  }
  return found;
}

/** The names and all that they refer to, each after those that it refers to. */
function inOrder(schemas, names) {
  const done = [];
  const visit = (name, path) => {
    if (done.includes(name)) return;
    if (path.includes(name)) throw new Error(`${[...path, name].join(" -> ")}: schemas that contain themselves are not supported`);
    for (const other of references(schemas[name])) visit(other, [...path, name]);
    done.push(name);
  };
  for (const name of [...names].sort()) visit(name, []);
  return done;
}

function references(node) {
  if (typeof node !== "object" || node === null) return [];
  const own = typeof node.$ref === "string" ? [node.$ref.slice(REFERENCE.length)] : [];
  return [...own, ...Object.values(node).flatMap(references)];
}

/** "Page_JobRow_" as "PageJobRow". */
const identifier = (name) => name.replace(/_+(\w?)/g, (_, letter) => letter.toUpperCase());

const validatorName = (name) => identifier(name).replace(/^\w/, (letter) => letter.toLowerCase());

/** The Valibot expression for a schema; `at` is its path in the document, for messages. */
function expression(node, at) {
  const unknown = Object.keys(node).find((key) => !KEYWORDS.has(key));
  if (unknown) throw new Error(`${at}: the keyword ${unknown} is not supported`);
  if (node.$ref) return validatorName(node.$ref.slice(REFERENCE.length));
  if (node.anyOf) return anyOf(node.anyOf, at);
  if (node.enum) return `v.picklist(${JSON.stringify(node.enum)})`;
  if ("const" in node) return `v.literal(${JSON.stringify(node.const)})`;
  switch (node.type) {
    case "string":
      return "v.string()";
    case "boolean":
      return "v.boolean()";
    case "null":
      return "v.null()";
    case "integer":
    case "number":
      return piped(node.type === "integer" ? "integer" : "v.number()", [
        ["minimum", "minValue"],
        ["maximum", "maxValue"],
      ], node);
    case "array":
      return array(node, at);
    case "object":
      return object(node, at);
    case undefined:
      return "v.unknown()";
    default:
      throw new Error(`${at}: the type ${String(node.type)} is not supported`);
  }
}

function anyOf(options, at) {
  const others = options.filter(({ type }) => type !== "null");
  const members = others.map((option, i) => expression(option, `${at}.anyOf[${i}]`));
  const all = members.length === 1 ? members[0] : `v.union([${members.join(", ")}])`;
  return others.length < options.length ? `v.nullable(${all})` : all;
}

function array(node, at) {
  if (node.prefixItems) {
    const count = node.prefixItems.length;
    if (node.items || node.minItems !== count || node.maxItems !== count) throw new Error(`${at}: only tuples of a fixed length are supported`);
    return `v.strictTuple([${node.prefixItems.map((item, i) => expression(item, `${at}[${i}]`)).join(", ")}])`;
  }
  return piped(`v.array(${expression(node.items ?? {}, `${at}[]`)})`, [
    ["minItems", "minLength"],
    ["maxItems", "maxLength"],
  ], node);
}

function object({ properties, required = [], additionalProperties = false }, at) {
  if (!properties) {
    const value = typeof additionalProperties === "object" ? expression(additionalProperties, `${at}{}`) : "v.unknown()";
    return `v.pipe(notList, v.record(v.string(), ${value}))`;
  }
  if (typeof additionalProperties === "object") throw new Error(`${at}: properties together with a schema for others are not supported`);
  const entries = Object.entries(properties).map(([key, value]) => {
    const each = expression(value, `${at}.${key}`);
    return `  ${key}: ${required.includes(key) ? each : `v.optional(${each})`},\n`;
  });
  return `v.${additionalProperties ? "looseObject" : "object"}({\n${entries.join("")}})`;
}

/** A schema with an action for each of the limits that the node has. */
function piped(schema, limits, node) {
  const actions = limits.filter(([keyword]) => keyword in node).map(([keyword, action]) => `v.${action}(${node[keyword]})`);
  return actions.length ? `v.pipe(${[schema, ...actions].join(", ")})` : schema;
}
