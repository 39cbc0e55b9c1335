import { type Receipt, type SendError, isSendError } from "openclaw-host-sdk";
import { backoffMs } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { OutboxClaim, Settlement } from "../../store/tables/outbox.ts";
import type { OnUnknown } from "../accounts/account-config.ts";
import type { GuestCalls } from "../guest-call.ts";

export interface SendingParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly calls: GuestCalls;
}

/** What to store for a part, and how long its whole account should rest. */
export interface SendResult {
  readonly settlement: Settlement;
  readonly pauseMs?: number;
}

/** One part with its files, ms; after it, nobody knows what became of the part. */
const SEND_MS = 60_000;
const RECONCILE_MS = 30_000;
/** A part that was certainly not sent this often is given up: about 40 minutes with the delays below. */
const MAX_ATTEMPTS = 12;
/** A platform that does not know this often is not asked again. */
const MAX_CHECKS = 5;
const RETRY = { baseMs: 1_000, maxMs: 10 * 60_000 };
/** Rest of an account whose platform named no time, ms. */
const ACCOUNT_PAUSE_MS = 30_000;
/** The longest wait a platform may ask for, ms. */
export const MAX_RETRY_AFTER_MS: number = 24 * 60 * 60_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function retryAfter(error: SendError): number {
  const { retryAfterMs } = error.data;
  return typeof retryAfterMs === "number" && retryAfterMs > 0 ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : 0;
}

const backoff = ({ ids }: SendingParts, failures: number): number =>
  backoffMs(Math.max(1, failures), { ...RETRY, fraction: () => ids.fraction() });

/** A receipt names at least one message; anything else tells nothing. */
function isReceipt(value: unknown): value is Receipt {
  if (typeof value !== "object" || value === null) return false;
  const { ids, peer }: { ids?: unknown; peer?: unknown } = value;
  if (typeof peer !== "object" || peer === null || !("id" in peer) || typeof peer.id !== "string") return false;
  return Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === "string" && id !== "");
}

const sent = (receipt: Receipt): SendResult => ({ settlement: { state: "sent", receipt } });

/** Not known: it is asked about at once where the channel can tell, and parked where it cannot. */
function unknown(parts: SendingParts, connection: ChannelConnection, reason: string): SendResult {
  const again = connection.reconcile === undefined ? {} : { nextAt: parts.clock.now() };
  return { settlement: { state: "unknown", reason, ...again } };
}

function notSent(parts: SendingParts, claim: OutboxClaim, error: SendError): SendResult {
  const reason = error.message;
  if (claim.tries >= MAX_ATTEMPTS) {
    return { settlement: { state: "dead", reason: `gave up after ${claim.tries} attempts: ${reason}` } };
  }
  const { movedTo } = error.data;
  if (movedTo !== undefined) {
    return { settlement: { state: "retry", nextAt: parts.clock.now(), reason, counts: true, movedTo } };
  }
  const delay = Math.max(retryAfter(error), backoff(parts, claim.tries));
  return { settlement: { state: "retry", nextAt: parts.clock.now() + delay, reason, counts: true } };
}

/** The account failed and not the message: it keeps its place and the attempt does not count. */
function accountFailed(parts: SendingParts, error: SendError): SendResult {
  const pauseMs = retryAfter(error) || ACCOUNT_PAUSE_MS;
  const nextAt = parts.clock.now() + pauseMs;
  return { settlement: { state: "retry", nextAt, reason: error.message, counts: false }, pauseMs };
}

function byFate(
  parts: SendingParts,
  connection: ChannelConnection,
  failed: { claim: OutboxClaim; error: SendError },
): SendResult {
  const { claim, error } = failed;
  const { fate, scope, movedTo } = error.data;
  switch (fate) {
    case "unknown":
      return unknown(parts, connection, error.message);
    case "not-sent":
      return scope === "account" ? accountFailed(parts, error) : notSent(parts, claim, error);
    case "rejected":
      if (scope === "account") return accountFailed(parts, error);
      if (movedTo !== undefined) return notSent(parts, claim, error);
      return { settlement: { state: "dead", reason: error.message } };
  }
}

const metaOf = (claim: OutboxClaim) => ({ key: `${claim.deliveryId}/${claim.part.index}`, part: claim.part });

async function send(parts: SendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  const { claim, signal } = work;
  try {
    const receipt = await parts.calls.run(
      { what: "send", ms: SEND_MS, signal },
      (call) => connection.send(claim.outbound, { ...metaOf(claim), attempt: claim.attempt }, call),
      (late) => isReceipt(late) && work.late(late),
    );
    if (isReceipt(receipt)) return sent(receipt);
    return unknown(parts, connection, "the channel confirmed the message without naming it");
  } catch (error) {
    // Anything but a SendError is a bug or a lost guest: the platform may have the message or not.
    return isSendError(error)
      ? byFate(parts, connection, { claim, error })
      : unknown(parts, connection, messageOf(error));
  }
}

async function reconcile(parts: SendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  const { claim, signal } = work;
  const { clock } = parts;
  let reason = "the channel cannot tell whether the message was sent";
  if (connection.reconcile === undefined) return { settlement: { state: "unknown", reason } };
  try {
    const found = await parts.calls.run({ what: "reconcile", ms: RECONCILE_MS, signal }, async (call) =>
      connection.reconcile?.(claim.outbound, metaOf(claim), call),
    );
    if (isReceipt(found)) return sent(found);
    if (found === "absent") {
      return {
        settlement: { state: "retry", nextAt: clock.now(), reason: "the platform does not have it", counts: true },
      };
    }
    reason = "the platform does not know whether it has the message";
  } catch (error) {
    reason = messageOf(error);
  }
  if (claim.checks >= MAX_CHECKS) return { settlement: { state: "unknown", reason } };
  return { settlement: { state: "unknown", reason, nextAt: clock.now() + backoff(parts, claim.checks) } };
}

/** True when nothing more will be done about a part of unknown fate unless its owner says so. */
export const isParked = (settlement: Settlement): boolean =>
  settlement.state === "unknown" && settlement.nextAt === undefined;

/** For owners who would rather read a message twice than not at all. A part that stays unknown is parked in the end. */
function resend(parts: SendingParts, { claim }: Work, parked: SendResult): SendResult {
  const { settlement } = parked;
  if (settlement.state !== "unknown" || claim.tries >= MAX_ATTEMPTS) return parked;
  const nextAt = parts.clock.now() + backoff(parts, claim.tries);
  return { settlement: { state: "retry", nextAt, reason: `${settlement.reason}; onUnknown is resend`, counts: true } };
}

export interface Work {
  readonly claim: OutboxClaim;
  /** Gives the call up; the part's fate is then unknown. */
  readonly signal: AbortSignal;
  /** What the account's owner wants when the fate of a part cannot be found out. */
  readonly onUnknown: OnUnknown;
  /** A receipt came after the send was given up. */
  readonly late: (receipt: Receipt) => void;
}

/** Acts on one claimed part and says what to store. Never rejects. */
export async function attempt(parts: SendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  const act = work.claim.task === "send" ? send : reconcile;
  const result = await act(parts, connection, work);
  return work.onUnknown === "resend" && isParked(result.settlement) ? resend(parts, work, result) : result;
}
