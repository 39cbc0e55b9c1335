import { type Static, Type } from "@sinclair/typebox";
import { ID_PATTERN } from "../manifest.ts";
import { oneOf } from "../shapes.ts";
import { entry, section } from "./section.ts";

const AgentDefaults = section(
  {
    runtime: Type.String({
      minLength: 1,
      default: "echo",
      description: "Agent runtime: echo (built in) or the id of one that an extension provides. Default echo.",
    }),
    model: Type.Optional(
      Type.String({ minLength: 1, description: "Model name handed to the runtime. Default: the runtime's own." }),
    ),
    timeoutSeconds: Type.Integer({ minimum: 1, default: 600, description: "Longest run, s. Default 600." }),
    maxConcurrent: Type.Integer({
      minimum: 1,
      default: 4,
      description: "Runs at one time over all sessions; each session runs one. Default 4.",
    }),
  },
  "Settings of every agent that does not set its own.",
);

const Identity = entry(
  {
    name: Type.Optional(Type.String({ minLength: 1, description: "Shown name. Default Assistant." })),
    emoji: Type.Optional(Type.String({ minLength: 1, description: "Shown emoji." })),
    avatar: Type.Optional(Type.String({ minLength: 1, description: "Letter, emoji, or http or data URL. Default A." })),
  },
  "How the agent presents itself.",
);

const AgentEntry = entry(
  {
    id: Type.String({ pattern: ID_PATTERN, maxLength: 64, description: "The agent's id, as in session keys." }),
    name: Type.Optional(Type.String({ minLength: 1, description: "Shown in lists. Default: the id." })),
    default: Type.Optional(
      Type.Boolean({ description: "Whether messages without an agent go here. Default: the first agent." }),
    ),
    runtime: Type.Optional(Type.String({ minLength: 1, description: "As agents.defaults.runtime." })),
    model: Type.Optional(Type.String({ minLength: 1, description: "As agents.defaults.model." })),
    timeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, description: "Longest run, s. As agents.defaults.timeoutSeconds." }),
    ),
    identity: Type.Optional(Identity),
  },
  "One agent.",
);
export type AgentEntry = Static<typeof AgentEntry>;

/** `agents`: who answers. */
export const AgentsConfig = section(
  {
    defaults: AgentDefaults,
    list: Type.Array(AgentEntry, { default: [], description: "The agents. Default: one, with id main." }),
  },
  "Who answers.",
);
export type AgentsConfig = Static<typeof AgentsConfig>;

/** `session`: how conversations map to sessions. */
export const SessionConfig = section(
  {
    mainKey: Type.String({
      pattern: "^[a-z0-9][a-z0-9_-]{0,63}$",
      default: "main",
      description: "Name of every agent's main session. Default main.",
    }),
    scope: Type.Unsafe<"per-sender" | "per-peer" | "global">({
      ...oneOf(["per-sender", "per-peer", "global"]),
      default: "per-sender",
      description:
        "per-sender: a session for each conversation of each account; per-peer: the accounts of a channel share it; global: one session for everybody. Default per-sender.",
    }),
    debounceMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 0,
      description:
        "Messages of one sender that follow one another within so many ms are answered as one; the first waits ten times as long at most. Default 0: each on its own.",
    }),
    mainFor: Type.Array(Type.Union([Type.String({ minLength: 1 }), Type.Integer()]), {
      default: [],
      description:
        'People whose direct messages share the main session with your apps: "channel:id", like "telegram:123456789", or an id alone, which then counts on every channel. Names and @handles do not count. Default none.',
    }),
  },
  "How conversations map to sessions.",
);
export type SessionConfig = Static<typeof SessionConfig>;
