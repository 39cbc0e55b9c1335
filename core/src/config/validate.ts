import { Config, FORMATS, type Manifest, REFERENCE_ONLY_KEYS, isEndpointSchema } from "openclaw-host-schemas";
import { nearest } from "../base/nearest.ts";
import { type ChannelSchemas, accountRequires, channelSchema, channelSchemasOf } from "./channel-schema.ts";
import { describeSchema, explain, joinPath, kindOf } from "./explain.ts";
import type { ConfigIssue } from "./issue.ts";
import { type JsonObject, type JsonSchema, isJsonObject, mapValue, parseSchema, withDefaults } from "./json-schema.ts";

export interface ValidateOptions {
  /** Channels of the extensions that were discovered. */
  readonly channels: ChannelSchemas;
  /** `refuse` (default) makes a channel that no extension provides a fault; `warn` lets it pass unchecked. */
  readonly unknownChannels?: "refuse" | "warn";
}

export interface ValidatedConfig {
  /** With every default filled in. Only to be used when there are no issues. */
  readonly config: Config;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

/**
 * How a config is checked beside these extensions. When a manifest could not be read, nobody knows which channels it would
 * have provided: a channel without an extension is then no reason to refuse the start.
 */
export function validateOptionsOf(
  found: readonly { readonly id: string; readonly manifest?: Manifest }[],
): ValidateOptions & { readonly unknownChannels: "refuse" | "warn" } {
  const unreadable = found.some((extension) => extension.manifest === undefined);
  return { channels: channelSchemasOf(found), unknownChannels: unreadable ? "warn" : "refuse" };
}

/** Checks a parsed config and reports every fault at once. */
export function validateConfig(parsed: unknown, options: ValidateOptions): ValidatedConfig {
  if (!isJsonObject(parsed)) {
    const message = `the file holds ${kindOf(parsed)}, must hold one object: { ... }`;
    return { config: defaultConfig({}), issues: [{ path: "", message }], warnings: [] };
  }
  const { own, warnings } = withoutReferenceKeys(parsed);
  const channels = checkChannels(own["channels"], options);
  // Channels are checked against richer schemas than this one knows, so faults in them are not told twice.
  const rest = isJsonObject(own["channels"]) ? { ...own, channels: {} } : own;
  const issues = [...faults(parseSchema(Config), rest), ...unknownAgents(own), ...channels.issues];
  return {
    config: defaultConfig(issues.length === 0 ? own : {}),
    issues,
    warnings: [...warnings, ...channels.warnings],
  };
}

/** The checks above are what makes this true. */
const defaultConfig = (own: JsonObject): Config => withDefaults(parseSchema(Config), own) as Config;

function withoutReferenceKeys(parsed: JsonObject): { own: JsonObject; warnings: ConfigIssue[] } {
  const foreign = Object.keys(parsed).filter((key) => REFERENCE_ONLY_KEYS.has(key));
  const own = Object.fromEntries(Object.entries(parsed).filter(([key]) => !REFERENCE_ONLY_KEYS.has(key)));
  const message = "not used: only the reference gateway knows this key; it may stay";
  return { own, warnings: foreign.map((path) => ({ path, message })) };
}

/** A rule for an agent that does not exist would fail for every message it matches. */
function unknownAgents({ agents, bindings }: JsonObject): ConfigIssue[] {
  const list = isJsonObject(agents) && Array.isArray(agents["list"]) ? agents["list"] : [];
  const ids = list.length === 0 ? ["main"] : list.map((agent: unknown) => (isJsonObject(agent) ? agent["id"] : agent));
  return (Array.isArray(bindings) ? bindings : []).flatMap((binding: unknown, index) => {
    const agentId = isJsonObject(binding) ? binding["agentId"] : undefined;
    if (typeof agentId !== "string" || ids.includes(agentId)) return [];
    const message = `no agent has this id; agents.list has: ${ids.join(", ")}`;
    return [{ path: `bindings.${index}.agentId`, message }];
  });
}

interface Found {
  readonly issues: ConfigIssue[];
  readonly warnings: ConfigIssue[];
}

function checkChannels(channels: unknown, options: ValidateOptions): Found {
  const found: Found = { issues: [], warnings: [] };
  if (!isJsonObject(channels)) return found;
  for (const [id, value] of Object.entries(channels)) {
    const path = joinPath("channels", id);
    const channel = options.channels.get(id);
    if (channel === undefined) {
      const list = options.unknownChannels === "warn" ? found.warnings : found.issues;
      list.push({ path, message: unknownChannel(id, options.channels) });
      continue;
    }
    const schema = channelSchema(channel);
    found.issues.push(...faults(schema, value).map((issue) => ({ ...issue, path: joinPath(path, issue.path) })));
    if (isJsonObject(value)) found.issues.push(...missingInAccounts(path, value, accountRequires(channel)));
  }
  return found;
}

function unknownChannel(id: string, channels: ChannelSchemas): string {
  const meant = nearest(id, channels.keys());
  const known = [...channels].map(([channel, { extension }]) => `${channel} (extension ${extension})`).toSorted();
  const offer =
    known.length === 0
      ? "no extension was found: give their folder with --extensions DIR or extensions.paths"
      : `known channels: ${known.join(", ")}`;
  return `no extension provides this channel; ${meant === undefined ? "" : `did you mean "${meant}"? `}${offer}`;
}

/** Every enabled account needs these keys, on its own or from the channel. */
function missingInAccounts(
  path: string,
  channel: JsonObject,
  required: ReturnType<typeof accountRequires>,
): ConfigIssue[] {
  const { accounts, ...wide } = channel;
  if (wide["enabled"] === false) return [];
  const named = isJsonObject(accounts) ? Object.entries(accounts) : [];
  const all: [string, unknown][] = named.map(([name, own]) => [`${path}.accounts.${name}`, own]);
  if (all.length === 0) all.push([path, {}]);
  return all.flatMap(([at, own]) => {
    if (!isJsonObject(own) || own["enabled"] === false) return [];
    const missing = [...required].filter(([key]) => own[key] === undefined && wide[key] === undefined);
    return missing.map(([key, schema]) => ({
      path: joinPath(at, key),
      message: `is missing; it must be ${describeSchema(schema)}`,
    }));
  });
}

/** Formats are not checked by `explain`: an address that looks like one and is none is found here. */
function faults(schema: JsonSchema, value: unknown): ConfigIssue[] {
  const issues = explain(schema, value);
  if (issues.length > 0) return issues;
  const visit = (at: { schema: object; value: unknown; path: readonly string[] }) => {
    if (isEndpointSchema(at.schema) && typeof at.value === "string" && FORMATS["endpoint"]?.(at.value) !== true) {
      const path = at.path.join(".");
      issues.push({ path, message: `is text, must be ${describeSchema(parseSchema(at.schema))}` });
    }
    return at.value;
  };
  mapValue(schema, value, { visit, path: [] });
  return issues;
}
