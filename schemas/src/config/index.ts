import { type Static, Type } from "@sinclair/typebox";
import { ISOLATIONS_NOW } from "../extension.ts";
import { ID_PATTERN } from "../manifest.ts";
import { oneOf } from "../shapes.ts";
import { AgentsConfig, SessionConfig } from "./agents.ts";
import { BindingsConfig } from "./bindings.ts";
import { ChannelsConfig } from "./channels.ts";
import { GatewayConfig } from "./gateway.ts";
import { RetentionConfig } from "./retention.ts";
import { entry, section } from "./section.ts";

const paths = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description, default: [] });

const ExtensionEntry = entry(
  {
    enabled: Type.Boolean({ default: true, description: "Whether the extension may be loaded. Default true." }),
    config: Type.Unsafe<Record<string, unknown>>({
      type: "object",
      default: {},
      description: "Settings of the agent runtimes it provides; secrets are found by the schema in its manifest.",
    }),
    isolation: Type.Optional(
      oneOf(
        ISOLATIONS_NOW,
        "Where it runs: process (own process) or inline (inside the gateway, for tests and debugging). Default process.",
      ),
    ),
  },
  "One extension.",
);

const ExtensionsConfig = section(
  {
    paths: paths("Folders that hold extensions, besides <state>/extensions. Default none."),
    allow: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: "Ids that may be loaded. Default all." }),
    ),
    deny: paths("Ids that are never loaded. Default none."),
    entries: Type.Record(Type.String({ pattern: ID_PATTERN }), ExtensionEntry, {
      default: {},
      additionalProperties: false,
      description: "Settings by extension id.",
    }),
  },
  "Which extensions are loaded and how.",
);
export type ExtensionsConfig = Static<typeof ExtensionsConfig>;

const LoggingConfig = section(
  {
    level: Type.Unsafe<"debug" | "info" | "warn" | "error">({
      ...oneOf(["debug", "info", "warn", "error"]),
      default: "info",
      description: "Least important records that are written. Default info.",
    }),
  },
  "What is logged.",
);

/**
 * The configuration file. The schema is what an operator may write (nothing is required); the type is the loaded
 * configuration, with every default filled in (`useDefaults` of AJV, or `Value.Default` of TypeBox).
 */
export const Config = entry(
  {
    $schema: Type.Optional(Type.String({ description: "Address of this schema, for editors." })),
    gateway: GatewayConfig,
    agents: AgentsConfig,
    session: SessionConfig,
    bindings: BindingsConfig,
    channels: ChannelsConfig,
    extensions: ExtensionsConfig,
    logging: LoggingConfig,
    retention: RetentionConfig,
  },
  "Configuration of the gateway, JSON5.",
);
export type Config = Static<typeof Config>;

/** Top-level keys that only the reference gateway knows: they are reported as not used and do not stop the start. */
export const REFERENCE_ONLY_KEYS: ReadonlySet<string> = new Set([
  "acp",
  "approvals",
  "audio",
  "auth",
  "broadcast",
  "browser",
  "canvasHost",
  "cli",
  "commands",
  "cron",
  "diagnostics",
  "discovery",
  "env",
  "hooks",
  "mcp",
  "media",
  "memory",
  "messages",
  "meta",
  "models",
  "nodeHost",
  "plugins",
  "secrets",
  "skills",
  "talk",
  "tools",
  "tts",
  "ui",
  "update",
  "web",
  "wizard",
]);
