import assert from "node:assert/strict";
import { test } from "node:test";
import { apiTypes } from "../types.mjs";

const typesOf = (schemas: object): string => apiTypes({ components: { schemas } });

test("a shape becomes a type with its fields and what they mean", () => {
  const schema = { type: "object", description: "One.", properties: { at: { type: "number", description: "When\n it was */." }, "x-y": { type: "string" } } };
  const text = typesOf({ Thing: schema });
  assert.match(text, /\/\*\* One\. \*\/\nexport type Thing = \{/);
  assert.match(text, /\/\*\* When it was \* \/\. \*\/\n {2}"at": number;/);
  assert.match(text, /"x-y": string;/);
});

test("unions, lists, maps, words and references keep what they are", () => {
  const properties = {
    a: { anyOf: [{ $ref: "#/components/schemas/Other" }, { type: "null" }] },
    b: { type: "array", items: { anyOf: [{ type: "integer" }, { type: "null" }] } },
    c: { type: "object", additionalProperties: { type: "string" } },
    d: { enum: ["x", "y"], type: "string" },
    e: { const: 3 },
    f: {},
  };
  const text = typesOf({ "Page[Thing]": { properties } });
  for (const line of ['"a": Other | null;', '"b": (number | null)[];', '"c": Record<string, string>;', '"d": "x" | "y";', '"e": 3;', '"f": unknown;', "export type Page_Thing_ ="]) {
    assert.ok(text.includes(line), line);
  }
});
