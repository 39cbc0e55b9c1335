import { isSendError } from "openclaw-host-sdk";
import type { ChannelConnection } from "../../host/channel-port.ts";
import { partKey } from "./draft-calls.ts";
import { type DraftSendingParts, abort, finish } from "./draft-sending.ts";
import {
  MAX_ATTEMPTS,
  PERHAPS_POSTED,
  type SendResult,
  type SendingParts,
  type Work,
  backoff,
  byFate,
  isReceipt,
  messageOf,
  sent,
  unknown,
} from "./fate.ts";
import type { OutboxClaim, Settlement } from "../../store/tables/outbox.ts";

/** One part with its files, ms; after it, nobody knows what became of the part. */
const SEND_MS = 60_000;
const RECONCILE_MS = 30_000;
/** A platform that does not know this often is not asked again. */
const MAX_CHECKS = 5;

const metaOf = (claim: OutboxClaim) => ({ key: partKey(claim), part: claim.part });

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
  const isDraft = claim.draft?.stage === "opening";
  let reason = isDraft ? PERHAPS_POSTED : "the channel cannot tell whether the message was sent";
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

/** A draft that may have been posted is not posted again: its run's answer goes out as a message of its own. */
const mayResend = ({ claim, onUnknown }: Work): boolean =>
  onUnknown === "resend" && (claim.draft === undefined || claim.draft.stage === "finish");

function act(parts: DraftSendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  switch (work.claim.task) {
    case "send":
      return send(parts, connection, work);
    case "reconcile":
      return reconcile(parts, connection, work);
    case "finish":
      return finish(parts, connection, work);
    case "abort":
      return abort(parts, connection, work);
  }
}

/** Acts on one claimed part and says what to store. Never rejects. */
export async function attempt(
  parts: DraftSendingParts,
  connection: ChannelConnection,
  work: Work,
): Promise<SendResult> {
  const result = await act(parts, connection, work);
  return mayResend(work) && isParked(result.settlement) ? resend(parts, work, result) : result;
}
