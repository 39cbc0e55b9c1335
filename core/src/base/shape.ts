/** The keywords that the descriptors' schemas use; anything else makes `conforms` give up. */
interface Schema {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

type JsonObject = Record<string, unknown>;

const ANNOTATIONS = new Set(["$id", "$schema", "title", "description", "default", "examples", "format"]);
/** TypeBox writes a record of strings with this one pattern. */
const ANY_KEY = "^(.*)$";

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Rule = (schema: Schema, value: unknown) => boolean;

const ofType: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  null: (value) => value === null,
};

/** A keyword's rule passes values of other types, as JSON Schema says; `maxLength` counts at most too much (UTF-16 units). */
const RULES: Record<string, Rule> = {
  type: (schema, value) => typeof schema.type === "string" && ofType[schema.type]?.(value) === true,
  const: (schema, value) => value === schema.const,
  enum: (schema, value) => schema.enum?.includes(value) === true,
  anyOf: (schema, value) => schema.anyOf?.some((branch) => conforms(branch, value)) === true,
  required: (schema, value) => !isObject(value) || (schema.required ?? []).every((key) => Object.hasOwn(value, key)),
  properties: (schema, value) => !isObject(value) || known(schema.properties ?? {}, value),
  additionalProperties: (schema, value) => !isObject(value) || closed(schema, value),
  patternProperties: (schema, value) => !isObject(value) || anyKey(schema.patternProperties ?? {}, value),
  items: (schema, value) => !Array.isArray(value) || value.every((item) => conforms(schema.items ?? {}, item)),
  // A character outside the BMP counts as two here, so only 1 can be decided without counting code points.
  minLength: (schema, value) => typeof value !== "string" || ((schema.minLength ?? 2) <= 1 && value.length >= 1),
  maxLength: (schema, value) => typeof value !== "string" || value.length <= (schema.maxLength ?? 0),
  minimum: (schema, value) => typeof value !== "number" || value >= (schema.minimum ?? Infinity),
  maximum: (schema, value) => typeof value !== "number" || value <= (schema.maximum ?? -Infinity),
};

function known(properties: Readonly<Record<string, Schema>>, value: JsonObject): boolean {
  for (const key of Object.keys(properties)) {
    if (Object.hasOwn(value, key) && !conforms(properties[key] ?? {}, value[key])) return false;
  }
  return true;
}

function closed(schema: Schema, value: JsonObject): boolean {
  if (schema.additionalProperties === true) return true;
  if (schema.additionalProperties !== false || schema.patternProperties !== undefined) return false;
  return Object.keys(value).every((key) => Object.hasOwn(schema.properties ?? {}, key));
}

function anyKey(patterns: Readonly<Record<string, Schema>>, value: JsonObject): boolean {
  const inner = patterns[ANY_KEY];
  if (inner === undefined || Object.keys(patterns).length !== 1) return false;
  return Object.values(value).every((item) => conforms(inner, item));
}

/**
 * True when the value surely matches the schema. False means "not sure, ask the real validator": an unknown keyword, a
 * rule that is hard to decide here, or a value that does not match. Wrongly true is a bug, wrongly false only costs time.
 */
export function conforms(schema: object, value: unknown): boolean {
  const rules: Schema = schema;
  for (const keyword of Object.keys(rules)) {
    if (ANNOTATIONS.has(keyword)) continue;
    const rule = RULES[keyword];
    if (rule === undefined || !rule(rules, value)) return false;
  }
  return true;
}

/** The same schema, accepting unknown keys everywhere. Ids are dropped: a validator must not take it for the original. */
export function withoutClosedness(schema: object): object {
  return openCopy(schema) as object;
}

function openCopy(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(openCopy);
  if (!isObject(node)) return node;
  const copy: JsonObject = {};
  for (const [key, value] of Object.entries(node)) {
    if ((key === "additionalProperties" && value === false) || (key === "$id" && typeof value === "string")) continue;
    copy[key] = key === "const" || key === "default" || key === "enum" ? value : openCopy(value);
  }
  return copy;
}

/** Unknown keys of one object that are deleted; a newer client sends a few, and deleting millions takes seconds. */
export const MAX_UNKNOWN = 1_000;

/**
 * Deletes from a valid value, in place, what its closed schemas do not name; false when some object has too many such keys.
 * Unions are left alone.
 */
export function prune(schema: object, value: unknown): boolean {
  const { properties, items, additionalProperties, patternProperties }: Schema = schema;
  if (Array.isArray(value)) return items === undefined || value.every((item) => prune(items, item));
  if (!isObject(value) || properties === undefined) return true;
  if (additionalProperties === false && patternProperties === undefined) {
    const unknown: string[] = [];
    for (const key in value) {
      if (Object.hasOwn(properties, key)) continue;
      if (unknown.push(key) > MAX_UNKNOWN) return false;
    }
    for (const key of unknown) delete value[key];
  }
  return Object.entries(properties).every(([key, inner]) => !Object.hasOwn(value, key) || prune(inner, value[key]));
}
