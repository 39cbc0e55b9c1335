import { ChannelPolicy, type Manifest } from "openclaw-host-schemas";
import { type JsonSchema, parseSchema } from "./json-schema.ts";

/** What the manifest of an extension says about one of its channels. */
export interface ChannelSchema {
  readonly extension: string;
  /** JSON Schema of `channels.<id>`. */
  readonly config: object;
  /** JSON Schema of one account after the channel-wide keys were merged under it. Default: `config`. */
  readonly account?: object;
}

/** By channel id, of every extension that was discovered. */
export type ChannelSchemas = ReadonlyMap<string, ChannelSchema>;

const policy = parseSchema(ChannelPolicy);

/** Channels of the manifests that could be read, of refused extensions too: their config is still theirs. */
export function channelSchemasOf(
  found: Iterable<{ readonly id: string; readonly manifest?: Manifest }>,
): ChannelSchemas {
  const schemas = new Map<string, ChannelSchema>();
  for (const { id: extension, manifest } of found) {
    for (const channel of manifest?.provides.channels ?? []) {
      const config = manifest?.config[channel];
      const account = manifest?.config[`${channel}.account`];
      if (config === undefined || schemas.has(channel)) continue;
      schemas.set(channel, { extension, config, ...(account === undefined ? {} : { account }) });
    }
  }
  return schemas;
}

/**
 * The schema of `channels.<id>` as an operator may write it: the channel's own keys, the keys that the host decides for every
 * channel, and `accounts`. Nothing is required here, since a key may stand on either level; `accountRequires` says what
 * every account needs in the end.
 */
export function channelSchema(channel: ChannelSchema): JsonSchema {
  const account = withPolicy(parseSchema(channel.account ?? channel.config));
  const accounts: JsonSchema = { type: "object", patternProperties: { "^.+$": account }, additionalProperties: false };
  const own = withPolicy(parseSchema(channel.config));
  return { ...own, properties: { ...account.properties, ...own.properties, accounts } };
}

/** Keys without which an account cannot work. */
export function accountRequires(channel: ChannelSchema): ReadonlyMap<string, JsonSchema> {
  const schema = parseSchema(channel.account ?? channel.config);
  return new Map((schema.required ?? []).map((key) => [key, schema.properties?.[key] ?? {}]));
}

function withPolicy(schema: JsonSchema): JsonSchema {
  const { required: _checkedPerAccount, properties: { accounts: _hosts, ...own } = {}, ...rest } = schema;
  return { ...rest, properties: { ...own, ...policy.properties } };
}
