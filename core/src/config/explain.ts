import { Ajv, type ErrorObject } from "ajv";
import { isEndpointSchema, isSecretSchema } from "openclaw-host-schemas";
import { nearest } from "../base/nearest.ts";
import { conforms } from "../base/shape.ts";
import type { ConfigIssue } from "./issue.ts";
import { type JsonSchema, parseSchema } from "./json-schema.ts";

/** Every fault of `value`, told to the person who wrote the file: where, what is there, what should be. Never the value itself. */
export function explain(schema: JsonSchema, value: unknown): ConfigIssue[] {
  if (conforms(schema, value)) return [];
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false, logger: false });
  const check = ajv.compile(schema);
  if (check(value)) return [];
  const errors = check.errors ?? [];
  const unions = errors.filter((error) => error.keyword === "anyOf").map((error) => `${error.schemaPath}/`);
  // A union's branches fail each for its own reason; what the union as a whole wants says it better.
  const outer = errors.filter((error) => !unions.some((union) => error.schemaPath.startsWith(union)));
  const issues = outer.map(toIssue);
  return [...new Map(issues.map((issue) => [`${issue.path}\n${issue.message}`, issue])).values()];
}

function toIssue(error: ErrorObject): ConfigIssue {
  const parent = parseSchema(error.parentSchema ?? {});
  const at = dotted(error.instancePath);
  const params: Record<string, unknown> = error.params;
  if (error.keyword === "additionalProperties") {
    const key = String(params["additionalProperty"]);
    return { path: joinPath(at, key), message: unknownKey(key, Object.keys(parent.properties ?? {})) };
  }
  if (error.keyword === "required") {
    const key = String(params["missingProperty"]);
    const wanted = parent.properties?.[key];
    return { path: joinPath(at, key), message: `is missing; it must be ${describeSchema(wanted ?? {})}` };
  }
  return {
    path: at,
    message: `is ${kindOf(error.data)}, must be ${describeSchema(parent)}${hint(parent, error.data)}`,
  };
}

/** The sentence for a key nobody reads. */
function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key; did you mean "${meant}"?`;
  if (known.length === 0) return "unknown key; no keys are known here: remove it";
  return `unknown key; remove it, or use one of: ${known.toSorted().join(", ")}`;
}

/** The kind of a value, without its content: it may be a secret in the wrong place. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "string") return value === "" ? "empty text" : "text";
  return "an object";
}

const WORDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};

/** What a schema wants, in words. */
export function describeSchema(schema: JsonSchema): string {
  return schema.description === undefined ? shapeOf(schema) : `${shapeOf(schema)} (${schema.description})`;
}

function shapeOf(schema: JsonSchema): string {
  if (isSecretSchema(schema)) return 'text, {"$env": "NAME"}, {"$file": "path"} or {"$exec": ["command", "argument"]}';
  if (isEndpointSchema(schema)) return "an http:// or https:// address";
  const choices = choicesOf(schema);
  if (choices !== undefined) return choices.length === 1 ? String(choices[0]) : `one of ${choices.join(", ")}`;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(shapeOf))].join(" or ");
  return `${WORDS[schema.type ?? ""] ?? "another value"}${rangeOf(schema)}`;
}

function rangeOf(schema: JsonSchema): string {
  const { minimum, maximum, minLength, maxLength, pattern } = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  if (maximum !== undefined) return ` of at most ${maximum}`;
  if (pattern !== undefined) return ` of the form ${pattern}`;
  if (schema.type === "array" && schema.items !== undefined) return ` of ${shapeOf(schema.items)}`;
  if (maxLength !== undefined) return ` of ${minLength ?? 0} to ${maxLength} characters`;
  return minLength === undefined || minLength < 2 ? "" : ` of at least ${minLength} characters`;
}

/** The literal values of an enumeration, as JSON. */
function choicesOf(schema: JsonSchema): string[] | undefined {
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum !== undefined) return schema.enum.map((choice) => JSON.stringify(choice));
  const branches = schema.anyOf?.map((branch) => branch.const);
  if (branches === undefined || branches.includes(undefined)) return undefined;
  return branches.map((choice) => JSON.stringify(choice));
}

function hint(schema: JsonSchema, value: unknown): string {
  if (typeof value !== "string") return "";
  const meant = nearest(
    value,
    (choicesOf(schema) ?? []).map((choice) => choice.replaceAll('"', "")),
  );
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  return schema.type === "number" || schema.type === "integer" || schema.type === "boolean"
    ? "; write it without quotes"
    : "";
}

/** A JSON pointer as the dotted path that `config set` takes. */
function dotted(pointer: string): string {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")).join(".");
}

/** Joins two dotted paths; either may be empty. */
export const joinPath = (path: string, key: string): string => [path, key].filter((part) => part !== "").join(".");
