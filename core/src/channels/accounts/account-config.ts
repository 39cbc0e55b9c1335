import { SENDS_PER_SECOND } from "../outbox/pace.ts";
import { type AccessPolicy, parsePolicy } from "../policy/policy.ts";

/** One account as the config file has it: the channel's keys with the account's own laid over them. */
export interface ConfiguredAccount {
  readonly channel: string;
  readonly account: string;
  readonly enabled: boolean;
  /** Secrets are still references. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly policy: AccessPolicy;
  readonly onUnknown: OnUnknown;
  /** Platform calls a second at most. */
  readonly sendsPerSecond: number;
  /** Whether answers are shown while they are written. */
  readonly streaming: boolean;
}

/** What becomes of a part whose fate cannot be found out: it waits for the owner, or is sent again and may come twice. */
export type OnUnknown = "park" | "resend";

/** The account of a channel without `accounts`. */
export const DEFAULT_ACCOUNT = "default";

type Section = Readonly<Record<string, unknown>>;

const isSection = (value: unknown): value is Section =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function account(
  channel: string,
  common: Section,
  own: { name: string; keys: Section; path: string },
): ConfiguredAccount {
  const config = { ...common, ...own.keys };
  const owner = Object.hasOwn(own.keys, "allowFrom") ? own.path : `channels.${channel}`;
  return {
    channel,
    account: own.name,
    enabled: common["enabled"] !== false && own.keys["enabled"] !== false,
    config,
    policy: parsePolicy(config, `${owner}.allowFrom`),
    onUnknown: config["onUnknown"] === "resend" ? "resend" : "park",
    streaming: config["streaming"] !== false,
    sendsPerSecond: typeof config["sendsPerSecond"] === "number" ? config["sendsPerSecond"] : SENDS_PER_SECOND,
  };
}

/** A key inside a dotted config path. */
const pathKey = (key: string): string => key.replaceAll(".", String.raw`\.`);

/** The accounts of `channels.<channel>`, in the order of the file; none when there is no such section. */
export function accountsOf(channel: string, section: unknown): ConfiguredAccount[] {
  if (!isSection(section)) return [];
  const { accounts, ...common } = section;
  if (!isSection(accounts) || Object.keys(accounts).length === 0) {
    return [account(channel, common, { name: DEFAULT_ACCOUNT, keys: {}, path: `channels.${channel}` })];
  }
  return Object.entries(accounts).map(([name, keys]) =>
    account(channel, common, {
      name,
      keys: isSection(keys) ? keys : {},
      path: `channels.${channel}.accounts.${pathKey(name)}`,
    }),
  );
}
