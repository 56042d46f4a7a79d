import { describe, expect, it } from "vitest";

import { validatorsModule } from "../../scripts/validators.js";

/** An OpenAPI document of one address that answers with the first of the schemas. */
function moduleOf(schemas: Record<string, object>): string {
  const schema = { $ref: `#/components/schemas/${Object.keys(schemas)[0]}` };
  const responses = { 200: { content: { "application/json": { schema } } } };
  return validatorsModule({ components: { schemas }, paths: { "/a": { get: { responses } } } }, "types");
}
const validatorOf = (schema: object): string => /const a: Validator<A> = (.*);/s.exec(moduleOf({ A: schema }))?.[1] ?? "";

describe("the generated validators", () => {
  it.each([
    [{ type: "string", format: "date-time" }, "v.string()"],
    [{ type: "integer", minimum: 0 }, "v.pipe(integer, v.minValue(0))"],
    [{ anyOf: [{ type: "number" }, { type: "null" }] }, "v.nullable(v.number())"],
    [{ type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }] } }, "v.array(v.nullable(v.union([v.string(), v.number()])))"],
    [{ type: "array", prefixItems: [{ type: "number" }, { type: "boolean" }], minItems: 2, maxItems: 2 }, "v.strictTuple([v.number(), v.boolean()])"],
    [{ type: "array", items: { type: "number" }, minItems: 1 }, "v.pipe(v.array(v.number()), v.minLength(1))"],
    [{ enum: ["a", "b"], type: "string" }, 'v.picklist(["a","b"])'],
    [{ const: "a", type: "string" }, 'v.literal("a")'],
    [{ type: "object", additionalProperties: { type: "number" } }, "v.pipe(notList, v.record(v.string(), v.number()))"],
    [{}, "v.unknown()"],
  ])("of %j", (schema, expected) => {
    expect(validatorOf(schema)).toBe(expected);
  });

  it("of an object have each of its fields, optional ones too, and others where they are allowed", () => {
    const fields = { type: "object", properties: { a: { type: "string" }, b: { type: "boolean" } }, required: ["a"] };
    expect(validatorOf(fields)).toBe("v.object({\n  a: v.string(),\n  b: v.optional(v.boolean()),\n})");
    expect(validatorOf({ ...fields, additionalProperties: true })).toContain("v.looseObject({");
  });

  it("come after those that they refer to, and only if an answer needs them", () => {
    const page = { type: "array", items: { $ref: "#/components/schemas/Row" } };
    const text = moduleOf({ Page_Row_: page, Row: { type: "string" }, Request: { type: "number" } });
    expect(text.indexOf("const row:")).toBeLessThan(text.indexOf("const pageRow:"));
    expect(text).not.toContain("request");
  });

  it.each([
    [{ type: "string", pattern: "^a" }, "A: the keyword pattern is not supported"],
    [{ type: "array", items: { oneOf: [] } }, "A[]: the keyword oneOf is not supported"],
    [{ type: ["string", "null"] }, "is not supported"],
    [{ type: "array", prefixItems: [{ type: "number" }] }, "A: only tuples of a fixed length are supported"],
    [{ type: "object", properties: {}, additionalProperties: { type: "number" } }, "are not supported"],
    [{ type: "array", items: { $ref: "#/components/schemas/A" } }, "A -> A: schemas that contain themselves"],
  ])("refuse %j rather than check less", (schema, message) => {
    expect(() => moduleOf({ A: schema })).toThrow(message);
  });
});

it("reads answers that several operations share", () => {
  const schemas = { Wrong: { type: "object", properties: { code: { type: "string" } }, required: ["code"] } };
  const shared = { Problem: { content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Wrong" } } } } };
  const get = { responses: { 404: { $ref: "#/components/responses/Problem" } } };
  expect(validatorsModule({ components: { schemas, responses: shared }, paths: { "/a": { get } } }, "types")).toContain("wrong");
});
