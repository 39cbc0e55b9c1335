import type { Config } from "openclaw-host-schemas";
import { channelSchema } from "../config/channel-schema.ts";
import type { ConfigIssue } from "../config/issue.ts";
import { type JsonSchema, parseSchema } from "../config/json-schema.ts";
import { type SecretDeps, readSecrets } from "../config/secrets.ts";
import type { ValidateOptions } from "../config/validate.ts";
import type { Discovered } from "../host/discover/discover.ts";

export interface ReuseParts {
  readonly config: Config;
  readonly channels: ValidateOptions["channels"];
  readonly extensions: readonly Discovered[];
  readonly deps: SecretDeps;
}

/**
 * Secrets of channels and extensions that are also a secret of the gateway: whoever gets to know one of them, such as the
 * platform or the extension, could connect. Commands are not run for this; a secret that cannot be read now is none.
 *
 * @param own The gateway's secrets by path.
 */
export async function reusedSecrets(own: ReadonlyMap<string, string>, parts: ReuseParts): Promise<ConfigIssue[]> {
  const issues = amongThemselves(own);
  for (const at of placesOf(parts)) {
    const { values } = await readSecrets(at, { ...parts.deps, commands: "skip" });
    for (const [path, value] of values) {
      const [same] = [...own].find(([, secret]) => secret === value) ?? [];
      if (same !== undefined) issues.push(issue(path, same));
    }
  }
  return issues;
}

function amongThemselves(own: ReadonlyMap<string, string>): ConfigIssue[] {
  const seen = new Map<string, string>();
  const issues: ConfigIssue[] = [];
  for (const [path, value] of own) {
    const same = seen.get(value);
    if (same === undefined) seen.set(value, path);
    else issues.push(issue(path, same));
  }
  return issues;
}

const issue = (path: string, same: string): ConfigIssue => ({
  path,
  message: `holds the same secret as ${same}: who knows one would have both; give each its own ("openssl rand -base64 32")`,
});

interface Place {
  readonly schema: JsonSchema;
  readonly value: unknown;
  readonly path: string;
}

function placesOf({ config, channels, extensions }: ReuseParts): readonly Place[] {
  const ofChannels = Object.entries(config.channels).flatMap(([id, value]): Place[] => {
    const channel = channels.get(id);
    return channel === undefined ? [] : [{ schema: channelSchema(channel), value, path: `channels.${id}` }];
  });
  const ofExtensions = extensions.flatMap(({ id, manifest }): Place[] => {
    const value = Object.hasOwn(config.extensions.entries, id) ? config.extensions.entries[id]?.config : undefined;
    const schemas = manifest?.provides.agents?.map((agent) => manifest.config[agent]) ?? [];
    const path = `extensions.entries.${id}.config`;
    return schemas.flatMap((schema) =>
      schema === undefined || value === undefined ? [] : [{ schema: parseSchema(schema), value, path }],
    );
  });
  return [...ofChannels, ...ofExtensions];
}
