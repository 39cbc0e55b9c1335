import { ConnectError, Endpoint, Secret, type TSchema, Type } from "openclaw-host-sdk";

/** Telegram's own server. Self-hosted ones: https://core.telegram.org/bots/api#using-a-local-bot-api-server */
const DEFAULT_API_ROOT = "https://api.telegram.org";
const DEFAULT_POLL_TIMEOUT_SECONDS = 30;

const Ids = (description: string) =>
  Type.Array(Type.Union([Type.String({ minLength: 1 }), Type.Integer()]), { description });

const group = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean({ description: "Whether the agent listens in this group. Default true." })),
    requireMention: Type.Optional(
      Type.Boolean({
        description:
          "Answer in this group only when mentioned, replied to or commanded. Default: the channel's requireMention.",
      }),
    ),
    allowFrom: Type.Optional(
      Ids('User ids that may speak to the agent in this group; "*" is everybody. Default: the channel\'s allowFrom.'),
    ),
  },
  { additionalProperties: false },
);

/** What the host decides for every channel, spelled out so that this schema describes a whole account. */
const policyKeys = {
  enabled: Type.Optional(Type.Boolean({ description: "Whether this account connects. Default true." })),
  dmPolicy: Type.Optional(
    Type.Union([Type.Literal("pairing"), Type.Literal("allowlist"), Type.Literal("open"), Type.Literal("disabled")], {
      description:
        "Who may write to the bot in private: allowFrom and whom you approved by code, allowFrom alone, everybody, or nobody. Default pairing.",
    }),
  ),
  allowFrom: Type.Optional(
    Ids('Who may speak to the agent: Telegram user ids (numbers) or "@name"; "*" is everybody. Default [].'),
  ),
  groupPolicy: Type.Optional(
    Type.Union([Type.Literal("allowlist"), Type.Literal("open"), Type.Literal("disabled")], {
      description: "Which groups the agent listens in: those listed in groups, all, or none. Default allowlist.",
    }),
  ),
  groupAllowFrom: Type.Optional(
    Ids("Who may speak to the agent in groups. Default: allowFrom; with groupPolicy open, everybody."),
  ),
  requireMention: Type.Optional(
    Type.Boolean({ description: "In groups, answer only when mentioned, replied to or commanded. Default true." }),
  ),
  onUnknown: Type.Optional(
    Type.Union([Type.Literal("park"), Type.Literal("resend")], {
      description:
        "What becomes of a message that may or may not have arrived: park (it waits for you) or resend (it may arrive twice). Default park.",
    }),
  ),
  sendsPerSecond: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description: "Calls of the Bot API a second at most, per account. Default 30.",
    }),
  ),
  streaming: Type.Optional(
    Type.Boolean({
      description: "Whether a long answer is shown while it is being written, by editing one message. Default true.",
    }),
  ),
  groups: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), group, {
      description: 'Groups by chat id (for example "-1001234567890"); "*" is every other group. Default {}.',
    }),
  ),
};

const botToken = Secret({
  description: "Bot token from @BotFather: a literal, {$env} or {$file}. No default; needed to connect.",
});

/**
 * What this channel itself reads. `values` writes the defaults into the schema, too; the accounts of several go without
 * them, since a value filled in there would hide the channel's own.
 */
const ownKeys = ({ values }: { values: boolean }) => ({
  botToken: Type.Optional(botToken),
  apiRoot: Type.Optional(
    Endpoint({
      description: `Root URL of the Bot API server. Default ${DEFAULT_API_ROOT}.`,
      ...(values ? { default: DEFAULT_API_ROOT } : {}),
    }),
  ),
  pollTimeoutSeconds: Type.Optional(
    Type.Integer({
      description: `How long one long poll waits for news, in seconds (1-50). Default ${DEFAULT_POLL_TIMEOUT_SECONDS}.`,
      minimum: 1,
      maximum: 50,
      ...(values ? { default: DEFAULT_POLL_TIMEOUT_SECONDS } : {}),
    }),
  ),
});

/** Schema of one account after the channel-wide keys were merged under it: only here is the token required. */
export const AccountSchema: TSchema = Type.Object(
  { ...policyKeys, ...ownKeys({ values: true }), botToken },
  { additionalProperties: false, description: "One Telegram bot." },
);

/** Schema of `channels.telegram`. */
export const ChannelSchema: TSchema = Type.Object(
  {
    ...policyKeys,
    ...ownKeys({ values: true }),
    accounts: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1 }),
        Type.Object({ ...policyKeys, ...ownKeys({ values: false }) }, { additionalProperties: false }),
        { description: 'Several bots by name; each inherits the keys above. Default: one account, "default".' },
      ),
    ),
  },
  { additionalProperties: false, description: "Telegram, through the Bot API." },
);

/** What the channel itself reads from an account; everything else is policy and belongs to the host. */
export interface Settings {
  readonly botToken: string;
  /** Without a trailing slash. */
  readonly apiRoot: string;
  /** Seconds. */
  readonly pollTimeoutSeconds: number;
}

const NO_TOKEN = {
  retry: "never",
  code: "no-token",
  detail: "no Telegram bot token is configured",
  fix: "Get a token from @BotFather and set channels.telegram.botToken",
} as const;

/**
 * Reads the account the host validated against `AccountSchema`, with defaults.
 *
 * @throws ConnectError `no-token` when there is no bot token.
 */
export function settingsOf(account: unknown): Settings {
  const given = account as { botToken?: unknown; apiRoot?: unknown; pollTimeoutSeconds?: unknown };
  if (typeof given.botToken !== "string" || given.botToken.trim() === "") throw new ConnectError(NO_TOKEN);
  return {
    botToken: given.botToken.trim(),
    apiRoot: (typeof given.apiRoot === "string" ? given.apiRoot : DEFAULT_API_ROOT).replace(/\/+$/, ""),
    pollTimeoutSeconds:
      typeof given.pollTimeoutSeconds === "number" ? given.pollTimeoutSeconds : DEFAULT_POLL_TIMEOUT_SECONDS,
  };
}
