import type { Call, Peer } from "openclaw-host-sdk";
import { invalidRequest } from "../base/wire-error.ts";
import type { Accounts } from "./accounts/accounts.ts";
import { DEFAULT_ACCOUNT } from "./accounts/account-config.ts";
import type { GuestCalls } from "./guest-call.ts";
import { MAX_ID_BYTES } from "./inbox/inbound-shape.ts";
import type { ChannelRegistry } from "./registry.ts";
import type { DeliveryTarget } from "./policy/route.ts";

/** A destination as a client writes it. */
export interface RawTarget {
  readonly channel: string;
  /** Default: the account `default`, else the channel's first. */
  readonly account?: string;
  readonly to: string;
  readonly threadId?: string;
}

export interface TargetParts {
  readonly registry: ChannelRegistry;
  readonly accounts: Accounts;
  readonly calls: GuestCalls;
}

const PARSE_MS = 5_000;
const KINDED = /^(dm|group|channel):(.+)$/s;

const isKind = (kind: string | undefined): kind is Peer["kind"] =>
  kind === "dm" || kind === "group" || kind === "channel";

/** For channels that read no targets themselves: `dm:ID`, `group:ID`, `channel:ID`; a bare id is a private conversation. */
export function parsePeer(raw: string): Peer {
  const [, kind, id] = KINDED.exec(raw) ?? [];
  return isKind(kind) && id !== undefined ? { kind, id } : { kind: "dm", id: raw };
}

function accountOf(accounts: Accounts, raw: RawTarget): string {
  if (raw.account !== undefined && raw.account !== "") {
    return accounts.require({ channel: raw.channel, account: raw.account }).configured.account;
  }
  const names = accounts.list(raw.channel).map(({ configured }) => configured.account);
  const first = names.includes(DEFAULT_ACCOUNT) ? DEFAULT_ACCOUNT : names[0];
  return first ?? accounts.require({ channel: raw.channel, account: DEFAULT_ACCOUNT }).configured.account;
}

/**
 * What a destination means: the channel reads it when it can.
 *
 * @throws WireError for an unknown account, a channel that no extension provides now, or a destination that means nothing.
 */
export async function parseTarget(parts: TargetParts, raw: RawTarget): Promise<DeliveryTarget> {
  const account = accountOf(parts.accounts, raw);
  const port = parts.registry.require(raw.channel);
  const to = raw.to.trim();
  if (to === "" || !to.isWellFormed() || Buffer.byteLength(to) > MAX_ID_BYTES) {
    throw invalidRequest(`target is empty or not readable: pass an id or name of channel ${raw.channel}`);
  }
  const ask = port.parseTarget === undefined ? undefined : async (call: Call) => port.parseTarget?.(to, call);
  const peer =
    ask === undefined ? parsePeer(to) : await parts.calls.run({ what: `target of ${port.id}`, ms: PARSE_MS }, ask);
  if (peer === undefined)
    throw invalidRequest(`channel ${raw.channel} does not understand the target ${JSON.stringify(to)}`);
  const thread = raw.threadId === undefined || raw.threadId === "" ? {} : { threadId: raw.threadId };
  return { channel: raw.channel, account, peer: { ...peer, ...thread } };
}
