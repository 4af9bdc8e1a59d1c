// Types of the API for TypeScript, from the schemas of its OpenAPI document.

/** Return the text of src/api-types.ts. Every field of an answer is there, even one with a default. */
export function apiTypes(openapi) {
  const shapes = Object.entries(openapi.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  const head = "// Made from monitor/api/openapi.json by the build; not to be edited.\n";
  return head + shapes.map(([name, schema]) => `\n${declaration(name, schema)}`).join("");
}

function declaration(name, schema) {
  const said = schema.description ? `/** ${oneLine(schema.description)} */\n` : "";
  return `${said}export type ${identifier(name)} = ${typeOf(schema)};\n`;
}

function typeOf(schema) {
  if (schema.$ref) return identifier(schema.$ref.split("/").at(-1));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map(typeOf).join(" | ");
  if (schema.type === "array") return `(${typeOf(schema.items ?? {})})[]`;
  if (schema.properties) return fieldsOf(schema.properties);
  if (schema.type === "object") return `Record<string, ${typeOf(valuesOf(schema))}>`;
  return { integer: "number", number: "number", string: "string", boolean: "boolean", null: "null" }[schema.type] ?? "unknown";
}

function fieldsOf(properties) {
  const lines = Object.entries(properties).map(([name, schema]) => {
    const said = schema.description ? `  /** ${oneLine(schema.description)} */\n` : "";
    return `${said}  ${JSON.stringify(name)}: ${typeOf(schema)};\n`;
  });
  return `{\n${lines.join("")}}`;
}

function valuesOf(schema) {
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
}

function identifier(name) {
  return name.replace(/[^A-Za-z0-9]/g, "_");
}

function oneLine(text) {
  return text.replace(/\s+/g, " ").replaceAll("*/", "* /").trim();
}
