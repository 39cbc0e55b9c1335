import { conforms } from "../base/shape.ts";

/** The part of JSON Schema that config and manifests use; everything in it was written by TypeBox or checked by the host. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
}

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Schemas come from manifests and from TypeBox as plain objects; this is the one place that names their type. */
export const parseSchema = (schema: object): JsonSchema => schema;

/** Schema of one key of an object, from `properties`, then a matching pattern, then `additionalProperties`. */
export function schemaOfKey(schema: JsonSchema, key: string): JsonSchema | undefined {
  const own = schema.properties?.[key];
  if (own !== undefined && Object.hasOwn(schema.properties ?? {}, key)) return own;
  for (const [pattern, child] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, "u").test(key)) return child;
  }
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** Of a union the branch that fits the value, else the first of the value's kind; any other schema is its own branch. */
export function branchOf(schema: JsonSchema, value: unknown): JsonSchema | undefined {
  if (schema.anyOf === undefined) return schema;
  const kind = Array.isArray(value) ? "array" : typeof value;
  return schema.anyOf.find((branch) => conforms(branch, value)) ?? schema.anyOf.find((branch) => branch.type === kind);
}

/** Returns the replacement of a value, or the value itself. */
export type Visit = (at: { schema: JsonSchema; value: unknown; path: readonly string[] }) => unknown;

/**
 * A copy of `value` in which `visit` replaced what it wanted to. It is asked about every place that has a schema, parents
 * first; below a replaced place it does not look. Of a union, the branch that fits the value counts.
 */
export function mapValue(schema: JsonSchema, value: unknown, at: { visit: Visit; path: readonly string[] }): unknown {
  const { visit, path } = at;
  const replaced = visit({ schema, value, path });
  if (replaced !== value) return replaced;
  const branch = branchOf(schema, value);
  if (branch === undefined) return value;
  if (branch !== schema) return mapValue(branch, value, at);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : value.map((item, index) => mapValue(items, item, { visit, path: [...path, String(index)] }));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, child]) => {
    const childSchema = schemaOfKey(schema, key);
    return [key, childSchema === undefined ? child : mapValue(childSchema, child, { visit, path: [...path, key] })];
  });
  return Object.fromEntries(entries);
}

/** A copy of `value` with the schema's defaults in the places that were left out. */
export function withDefaults(schema: JsonSchema, value: unknown): unknown {
  const given = value ?? schema.default;
  if (Array.isArray(given)) return given.map((item) => withDefaults(schema.items ?? {}, item));
  if (!isJsonObject(given)) return given;
  const filled: JsonObject = {};
  for (const key of new Set([...Object.keys(given), ...Object.keys(schema.properties ?? {})])) {
    const child = withDefaults(schemaOfKey(schema, key) ?? {}, given[key]);
    if (child !== undefined) filled[key] = child;
  }
  return filled;
}
