import { isSecretSchema } from "openclaw-host-schemas";
import { nearest } from "../base/nearest.ts";
import { channelSchema } from "../config/channel-schema.ts";
import type { JsonSchema } from "../config/json-schema.ts";
import type { ValidateOptions } from "../config/validate.ts";
import { CliFailure, usage } from "./failure.ts";

/** A channel an installed extension provides, as `channels add` sees it. */
export interface KnownChannel {
  readonly schema: JsonSchema;
  /** Names of its secret fields, in the order of the schema. */
  readonly secrets: readonly string[];
}

/** Throws a sentence naming the known channels when no extension on this host provides `id`. */
export function knownChannel(id: string, { channels }: ValidateOptions): KnownChannel {
  const channel = channels.get(id);
  if (channel === undefined) {
    const meant = nearest(id, channels.keys());
    const hint = meant === undefined ? "" : ` did you mean "${meant}"?`;
    const known =
      channels.size === 0 ? "no extension was found" : `known channels: ${[...channels.keys()].toSorted().join(", ")}`;
    throw new CliFailure(
      `no extension on this host provides "${id}";${hint} ${known}; name a folder with --extensions DIR`,
    );
  }
  const schema = channelSchema(channel);
  const secrets = Object.entries(schema.properties ?? {}).filter(([, field]) => isSecretSchema(field));
  return { schema, secrets: secrets.map(([name]) => name) };
}

/** The field that `--token` fills. */
export function tokenField(id: string, { secrets }: KnownChannel): string {
  const [field, ...others] = secrets;
  if (field === undefined) throw usage(`"${id}" takes no token: use --set KEY=VALUE`);
  if (others.length === 0) return field;
  throw usage(`"${id}" has several secrets: name each with --set, like --set ${field}=VALUE (${secrets.join(", ")})`);
}
