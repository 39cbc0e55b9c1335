import { isDeepStrictEqual } from "node:util";
import JSON5 from "json5";
import { Config, type ResultOf, isSecretSchema } from "openclaw-host-schemas";
import { type ChannelSchemas, channelSchema } from "./channel-schema.ts";
import { type JsonObject, type JsonSchema, branchOf, isJsonObject, parseSchema, schemaOfKey } from "./json-schema.ts";
import type { LoadedConfig } from "./load.ts";

/** What clients read in place of a secret (wire protocol section 5.8). */
export const REDACTED = "__OPENCLAW_REDACTED__";

/**
 * The config as `config.get` shows it. Secret fields and every text under a key that no schema knows (a mistyped `botToken`
 * holds one just as well) read `__OPENCLAW_REDACTED__`, in the raw text too.
 */
export function configView(loaded: LoadedConfig, channels: ChannelSchemas): ResultOf<"config.get"> {
  const schema = fullSchema(channels);
  const secrets = new Set<string>();
  const parsed = redact(schema, loaded.parsed, secrets);
  const config = redact(schema, loaded.config, secrets);
  return {
    path: loaded.file,
    exists: loaded.exists,
    raw: loaded.raw === null ? null : redactRaw(loaded.raw, parsed, secrets),
    parsed,
    resolved: config,
    valid: loaded.valid,
    config,
    ...(loaded.hash === undefined ? {} : { hash: loaded.hash }),
    issues: [...loaded.issues],
    warnings: [...loaded.warnings],
    legacyIssues: [],
  };
}

/** The config's schema with each channel's own one in its place. */
function fullSchema(channels: ChannelSchemas): JsonSchema {
  const config = parseSchema(Config);
  const known = [...channels].map(([id, channel]): [string, JsonSchema] => [id, channelSchema(channel)]);
  return {
    ...config,
    properties: { ...config.properties, channels: { type: "object", properties: Object.fromEntries(known) } },
  };
}

/** A copy without secrets; their values are collected. */
function redact(schema: JsonSchema | undefined, value: unknown, secrets: Set<string>): unknown {
  const secret = schema !== undefined && isSecretSchema(schema);
  const branch = secret || schema === undefined ? schema : branchOf(schema, value);
  if (isJsonObject(value)) return redactObject(branch, value, secrets);
  if (Array.isArray(value)) return value.map((item) => redact(branch?.items, item, secrets));
  const open = branch !== undefined && !secret;
  if (open || (typeof value !== "string" && typeof value !== "number")) return value;
  secrets.add(String(value));
  return REDACTED;
}

/** Where a secret comes from is no secret, except the arguments of a command. */
function redactObject(schema: JsonSchema | undefined, value: JsonObject, secrets: Set<string>): JsonObject {
  if (schema !== undefined && isSecretSchema(schema)) {
    const { $env, $file } = value;
    if (typeof $env === "string") return { $env };
    if (typeof $file === "string") return { $file };
    return redactObject(undefined, value, secrets);
  }
  const entries = Object.entries(value).map(([key, child]) => {
    return [key, redact(schema === undefined ? undefined : schemaOfKey(schema, key), child, secrets)];
  });
  return Object.fromEntries(entries);
}

/** The raw text keeps its comments and spacing, unless that would leave a secret in it. */
function redactRaw(raw: string, parsed: unknown, secrets: ReadonlySet<string>): string {
  const longestFirst = [...secrets].filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  const text = longestFirst.reduce((text, secret) => {
    const escaped = JSON.stringify(secret).slice(1, -1);
    return text.replaceAll(escaped, REDACTED).replaceAll(secret, REDACTED);
  }, raw);
  try {
    if (isDeepStrictEqual(JSON5.parse(text), parsed)) return text;
  } catch {
    // Neither a text with a syntax error nor one that the replacement broke can be trusted to be clean.
  }
  return REDACTED;
}
