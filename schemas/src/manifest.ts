import { type Static, Type } from "@sinclair/typebox";
import { Count, Text, closed } from "./shapes.ts";

/** Name of the manifest, beside the extension's `package.json`. It is read before any of the extension's code runs. */
export const MANIFEST_FILE = "openclaw.extension.json";

/** Ids of extensions, channels and agents: lower-case words joined by `-`, at most 64 characters. */
export const ID_PATTERN = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

const Id = Type.String({ pattern: ID_PATTERN, maxLength: 64 });

/** A version as semver.org spells it, without build metadata. */
const Version = Type.String({ pattern: "^\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}(-[0-9A-Za-z.-]{1,64})?$", maxLength: 128 });

/** A path inside the package: relative, with `/`, never through `..`. */
const PackagePath = Type.String({ pattern: "^(?!/)(?!(.*/)?\\.\\.(/|$))[^\\\\]+$", maxLength: 256 });

/** What an extension offers. `web` is a folder of static files that the gateway serves without running code. */
export const Provides = closed({
  channels: Type.Optional(Type.Array(Id)),
  nodeCommands: Type.Optional(Type.Array(Type.String({ pattern: "^[a-zA-Z0-9_-]+(\\.[a-zA-Z0-9_-]+)+$" }))),
  agents: Type.Optional(Type.Array(Id)),
  web: Type.Optional(Type.Array(closed({ mount: Text, dir: PackagePath }))),
});
export type Provides = Static<typeof Provides>;

/**
 * What an extension asks for. `net`: host names, or `config:<key>` for the host of a configured endpoint. `fs`, `exec` and
 * `secrets` are names the operator sees before enabling.
 */
export const Permissions = closed({
  net: Type.Optional(Type.Array(Text)),
  listen: Type.Optional(Type.Boolean()),
  fs: Type.Optional(Type.Array(Text)),
  exec: Type.Optional(Type.Array(Text)),
  secrets: Type.Optional(Type.Array(Text)),
  native: Type.Optional(Type.Boolean()),
});
export type Permissions = Static<typeof Permissions>;

/** When an extension is loaded: once something it provides is configured (default), at start, or by a command. */
const Activation = Type.Unsafe<"configured" | "startup" | `command:${string}`>({
  type: "string",
  pattern: "^(configured|startup|command:.+)$",
});

/**
 * Static facts of an extension. There is no isolation field: only the operator loosens.
 *
 * `sdk` is a semver range on the contract. `config` holds a JSON Schema per provided thing: `<channel>` for
 * `channels.<channel>`, `<channel>.account` for one account after the channel-wide keys were merged under it, `<agent>` for an
 * agent runtime. `storeVersion` is what this version writes, `reads` the older ones it understands.
 */
export const Manifest = closed({
  id: Id,
  version: Version,
  sdk: Type.String({ minLength: 1, maxLength: 128 }),
  entry: closed({ runtime: PackagePath }),
  provides: Provides,
  config: Type.Record(Text, Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  activation: Type.Optional(Type.Array(Activation)),
  permissions: Permissions,
  storeVersion: Type.Optional(Count),
  reads: Type.Optional(Type.Array(Count)),
  proposals: Type.Optional(Type.Array(Text)),
});
export type Manifest = Static<typeof Manifest>;
