import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { oneOf, open } from "../shapes.ts";
import { ID_PATTERN } from "../manifest.ts";

/** Who may write in private. */
export const DM_POLICIES = ["pairing", "allowlist", "open", "disabled"] as const;

/** Who in a group may address the agent. */
export const GROUP_POLICIES = ["allowlist", "open", "disabled"] as const;

/** What becomes of a message whose fate cannot be found out. */
const ON_UNKNOWN = ["park", "resend"] as const;

const senders = (description: string) =>
  Type.Optional(Type.Array(Type.Union([Type.String({ minLength: 1 }), Type.Integer()]), { description }));

const GroupPolicy = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean({ description: "Whether the group is heard. Default true." })),
    requireMention: Type.Optional(
      Type.Boolean({ description: "Overrides the channel's requireMention in this group." }),
    ),
    allowFrom: senders("Overrides the channel's allowFrom in this group."),
  },
  { additionalProperties: false },
);

/**
 * What the host decides for every channel, whatever platform it is; the channel itself never sees a message that these keys
 * refuse. Absent keys have the defaults named in `CHANNEL_POLICY_DEFAULTS`, so that an account inherits its channel's value.
 */
export const channelPolicy = {
  enabled: Type.Optional(Type.Boolean({ description: "Whether the channel (or account) runs. Default true." })),
  dmPolicy: Type.Optional(
    oneOf(
      DM_POLICIES,
      "Whose direct messages are answered: pairing (those in allowFrom and those you approved; others get a code), allowlist (those in allowFrom), open (everybody) or disabled (nobody). Default pairing.",
    ),
  ),
  allowFrom: senders(
    'Ids (or @handles, which can change hands) of the people who are answered; "*" is everybody. Default none.',
  ),
  groupPolicy: Type.Optional(
    oneOf(
      GROUP_POLICIES,
      "Which groups are heard: allowlist (those in groups), open (all) or disabled. Default allowlist.",
    ),
  ),
  groupAllowFrom: senders(
    "Ids or @handles of the people heard in groups. Default: allowFrom; with groupPolicy open, everybody.",
  ),
  groups: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), GroupPolicy, {
      description: 'Settings by group id; "*" holds for groups without their own. Default none.',
    }),
  ),
  requireMention: Type.Optional(
    Type.Boolean({ description: "Whether the agent answers in groups only when addressed. Default true." }),
  ),
  onUnknown: Type.Optional(
    oneOf(
      ON_UNKNOWN,
      "What becomes of a message that may or may not have arrived: park (it waits for you) or resend (it may arrive twice). Default park.",
    ),
  ),
  sendsPerSecond: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description: "Calls of the platform a second at most, per account. Default 30.",
    }),
  ),
  streaming: Type.Optional(
    Type.Boolean({
      description:
        "Whether a long answer is shown while it is being written, by editing one message, where the channel can. Default true.",
    }),
  ),
} satisfies TProperties;

/** The values that hold where neither account nor channel says anything. */
export const CHANNEL_POLICY_DEFAULTS = {
  enabled: true,
  dmPolicy: "pairing",
  allowFrom: [],
  groupPolicy: "allowlist",
  groups: {},
  requireMention: true,
  onUnknown: "park",
  sendsPerSecond: 30,
  streaming: true,
} as const satisfies Required<Omit<ChannelPolicy, "groupAllowFrom">>;

export const ChannelPolicy = Type.Object(channelPolicy);
export type ChannelPolicy = Static<typeof ChannelPolicy>;

/** One account: the channel's keys again, and those of the channel's own schema. */
const ChannelAccount = open(channelPolicy);

/**
 * `channels.<id>`: the host's policy keys and whatever the channel's manifest declares. Keys that are not policy are checked
 * against the manifest's schema once the extension is discovered.
 */
export const ChannelConfig = open({
  ...channelPolicy,
  accounts: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), ChannelAccount, {
      description:
        "Accounts by name; each inherits the channel's keys. Default: one account, default, with the channel's keys.",
    }),
  ),
});
export type ChannelConfig = Static<typeof ChannelConfig>;

/** `channels`: by channel id. */
export const ChannelsConfig = Type.Record(Type.String({ pattern: ID_PATTERN }), ChannelConfig, {
  description: "Messaging surfaces by channel id.",
  default: {},
  additionalProperties: false,
});
