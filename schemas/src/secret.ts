import { type TUnsafe, Type } from "@sinclair/typebox";

/** A secret as it is written in the config: a literal, or where the host finds it. `$exec` is a command and its arguments. */
export type SecretSource =
  | string
  | { readonly $env: string }
  | { readonly $file: string }
  | { readonly $exec: readonly string[] };

/** The format that marks a literal secret. */
export const SECRET_FORMAT = "secret";

/** The format of an address the operator wrote; such addresses are exempt from the SSRF guard for their account. */
export const ENDPOINT_FORMAT = "endpoint";

function source(key: "$env" | "$file" | "$exec", value: object): object {
  return { type: "object", properties: { [key]: value }, required: [key], additionalProperties: false };
}

/**
 * A field that holds a secret. Its static type is `string`: the host resolves `{$env}`, `{$file}` and `{$exec}` before anybody
 * reads it, and redacts the value wherever it would be shown. `$exec` can never be set over RPC.
 */
export function Secret(options: { readonly description?: string } = {}): TUnsafe<string> {
  return Type.Unsafe<string>({
    ...options,
    anyOf: [
      { type: "string", minLength: 1, format: SECRET_FORMAT },
      source("$env", { type: "string", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }),
      source("$file", { type: "string", minLength: 1 }),
      source("$exec", { type: "array", items: { type: "string" }, minItems: 1 }),
    ],
  });
}

/** A field that holds an http or https address the operator wrote (self-hosted servers, servers on loopback). */
export function Endpoint(options: { readonly description?: string; readonly default?: string } = {}): TUnsafe<string> {
  return Type.Unsafe<string>({ ...options, type: "string", format: ENDPOINT_FORMAT, pattern: "^https?://[^\\s/?#]" });
}

/** True for a schema (also one read from a manifest) that `Secret()` made. */
export function isSecretSchema(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null || !("anyOf" in schema) || !Array.isArray(schema.anyOf))
    return false;
  return schema.anyOf.some((branch: unknown) => formatOf(branch) === SECRET_FORMAT);
}

/** True for a schema that `Endpoint()` made. */
export function isEndpointSchema(schema: unknown): boolean {
  return formatOf(schema) === ENDPOINT_FORMAT;
}

/** The formats of these schemas, for a validator: AJV takes the record as its `formats` option. */
export const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  [SECRET_FORMAT]: () => true,
  [ENDPOINT_FORMAT]: isHttpUrl,
};

function formatOf(schema: unknown): unknown {
  return typeof schema === "object" && schema !== null && "format" in schema ? schema.format : undefined;
}

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
}
