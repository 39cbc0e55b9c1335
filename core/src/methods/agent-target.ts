import type { ParamsOf } from "openclaw-host-schemas";
import type { Peer } from "openclaw-host-sdk";
import type { SessionKey } from "../base/brand.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { DeliveryTarget } from "../channels/policy/route.ts";
import type { RawTarget } from "../channels/target.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { SessionEntry } from "../store/tables/session-entry.ts";

export interface TargetParts {
  readonly sessions: Sessions;
  /** True for a channel that is configured. */
  readonly knowsChannel: (channel: string) => boolean;
  /** Asks the channel what a destination means; throws `WireError` when it means nothing. */
  readonly parseTarget: (raw: RawTarget) => Promise<DeliveryTarget>;
}

/** The names by which a client asks for the channel that the session was last written from. */
const LAST = "last";

/**
 * Where the answer of an `agent` call goes; undefined when it was not asked to be delivered. `reply*` params win over their
 * plain twins. Source of the sentences: wire protocol section 5.3.
 *
 * @throws WireError for an unknown channel, or when there is no destination.
 */
export async function resolveTarget(
  parts: TargetParts,
  params: ParamsOf<"agent">,
  key: SessionKey,
): Promise<DeliveryTarget | undefined> {
  const channel = named(params.replyChannel) ?? named(params.channel);
  if (channel !== undefined && !parts.knowsChannel(channel)) {
    throw invalidRequest(`invalid agent params: unknown channel: ${channel}`);
  }
  if (params.deliver !== true) return undefined;
  const to = params.replyTo ?? params.to;
  const last = lastTarget(parts.sessions.get(key));
  if (channel !== undefined && to !== undefined) return parts.parseTarget({ channel, to, ...detailsOf(params) });
  if (last !== undefined && (channel ?? last.channel) === last.channel) return last;
  if (channel === undefined) throw invalidRequest(NO_CHANNEL);
  throw invalidRequest(`delivery target is required: pass --to/--reply-to for channel ${channel}`);
}

const NO_CHANNEL =
  "delivery channel is required: pass --channel/--reply-channel or use a main session with a previous channel";

function detailsOf(params: ParamsOf<"agent">): Pick<RawTarget, "account" | "threadId"> {
  const account = params.replyAccountId ?? params.accountId;
  return {
    ...(account === undefined ? {} : { account }),
    ...(params.threadId === undefined ? {} : { threadId: params.threadId }),
  };
}

function named(channel: string | undefined): string | undefined {
  const name = channel?.trim().toLowerCase();
  return name === undefined || name === "" || name === LAST ? undefined : name;
}

/** Where the session was last written from. */
export function lastTarget(entry: SessionEntry | undefined): DeliveryTarget | undefined {
  const { channel, to, accountId, threadId } = entry?.deliveryContext ?? {};
  if (channel === undefined || to === undefined || accountId === undefined) return undefined;
  const thread = threadId === undefined ? {} : { threadId };
  return { channel, account: accountId, peer: { kind: peerKind(entry?.chatType), id: to, ...thread } };
}

const peerKind = (chatType: string | undefined): Peer["kind"] =>
  chatType === "group" || chatType === "channel" ? chatType : "dm";
