import { type Receipt, type SendError } from "openclaw-host-sdk";
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

/** A part that was certainly not sent this often is given up: about 40 minutes with the delays below. */
export const MAX_ATTEMPTS: number = 12;
const RETRY = { baseMs: 1_000, maxMs: 10 * 60_000 };
/** Rest of an account whose platform named no time, ms. */
const ACCOUNT_PAUSE_MS = 30_000;
/** The longest wait a platform may ask for, ms. */
export const MAX_RETRY_AFTER_MS: number = 24 * 60 * 60_000;

/** Of the fate of a draft's opening, for its owner. */
export const PERHAPS_POSTED =
  "a beginning of the answer may have been posted; the answer itself goes out as a message of its own";

/** An error in one line. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function retryAfter(error: SendError): number {
  const { retryAfterMs } = error.data;
  return typeof retryAfterMs === "number" && retryAfterMs > 0 ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : 0;
}

/** Wait after so many failures, ms. */
export const backoff = ({ ids }: SendingParts, failures: number): number =>
  backoffMs(Math.max(1, failures), { ...RETRY, fraction: () => ids.fraction() });

/** A receipt names at least one message; anything else tells nothing. */
export function isReceipt(value: unknown): value is Receipt {
  if (typeof value !== "object" || value === null) return false;
  const { ids, peer }: { ids?: unknown; peer?: unknown } = value;
  if (typeof peer !== "object" || peer === null || !("id" in peer) || typeof peer.id !== "string") return false;
  return Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === "string" && id !== "");
}

export const sent = (receipt: Receipt): SendResult => ({ settlement: { state: "sent", receipt } });

/** Not known: it is asked about at once where the channel can tell, and parked where it cannot. */
export function unknown(parts: SendingParts, connection: ChannelConnection, reason: string): SendResult {
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

/** What a send that failed leads to, by what the channel said of its fate and scope. */
export function byFate(
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

export interface Work {
  readonly claim: OutboxClaim;
  /** Gives the call up; the part's fate is then unknown. */
  readonly signal: AbortSignal;
  /** What the account's owner wants when the fate of a part cannot be found out. */
  readonly onUnknown: OnUnknown;
  /** A receipt came after the send was given up. */
  readonly late: (receipt: Receipt) => void;
}
