import { type Receipt, SendError, isSendError } from "openclaw-host-sdk";
import type { Logger } from "../../base/log.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { OutboxClaim } from "../../store/tables/outbox.ts";
import { type OpenStreams, STREAM_CALL_MS, bodyOf, resumeStream } from "./draft-calls.ts";
import { type SendResult, type SendingParts, type Work, byFate, isReceipt, messageOf } from "./fate.ts";

export interface DraftSendingParts extends SendingParts {
  readonly log: Logger;
  readonly streams: OpenStreams;
}

/** Whatever is no `SendError` says nothing about the draft; where an edit may be repeated, it is as good as not made. */
function asSendError(error: unknown, repeatable: boolean): SendError {
  const known = isSendError(error) ? error : undefined;
  if (known !== undefined && (known.data.fate !== "unknown" || !repeatable)) return known;
  return new SendError(messageOf(error), { fate: repeatable ? "not-sent" : "unknown", scope: "message" });
}

/** True when the platform has said about this draft, and not about the account, that no edit will help. */
function isHopeless({ data: { fate, scope, movedTo } }: SendError): boolean {
  return (fate === "rejected" && scope !== "account") || movedTo !== undefined;
}

/** The platform does not let this draft become the answer: it is deleted if it can be, and the part is sent as others are. */
async function withoutDraft(
  parts: DraftSendingParts,
  connection: ChannelConnection,
  { work, error }: { readonly work: Work; readonly error: SendError },
): Promise<SendResult> {
  const { claim, signal } = work;
  try {
    const stream = await resumeStream(parts, connection, { ...claim, ids: claim.draft?.ids ?? [], signal });
    await parts.calls.run({ what: "abort of a draft", ms: STREAM_CALL_MS, signal }, (call) => stream.abort(call));
  } catch (cause) {
    const failed = asSendError(cause, true);
    const result = byFate(parts, connection, { claim, error: failed });
    if (connection.openStream !== undefined && !isHopeless(failed) && result.settlement.state === "retry")
      return result;
    // Gone, or not ours to delete any more: the answer must not wait for it.
    parts.log.warn("a draft could not be deleted", { deliveryId: claim.deliveryId, error: failed.message });
  }
  parts.streams.delete(claim.deliveryId);
  const moved = error.data.movedTo === undefined ? {} : { movedTo: error.data.movedTo };
  const nextAt = parts.clock.now();
  return {
    settlement: { state: "retry", nextAt, reason: error.message, counts: true, withoutDraft: true, ...moved },
  };
}

/**
 * The draft becomes the first part of the answer. Where edits may be repeated an answer that got lost is asked for again;
 * elsewhere the part's fate is unknown like that of a message.
 */
export async function finish(parts: DraftSendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  const { claim, signal } = work;
  const { ids = [], repeatable = false } = claim.draft ?? {};
  let begun = false;
  try {
    const stream = await resumeStream(parts, connection, { ...claim, ids, signal });
    await parts.streams.quiet(claim.deliveryId);
    begun = true;
    const receipt = await parts.calls.run(
      { what: "finish of a draft", ms: STREAM_CALL_MS, signal },
      (call) => stream.finish(bodyOf(claim), claim.part, call),
      (late) => isReceipt(late) && work.late(late),
    );
    if (!isReceipt(receipt)) throw new Error("the channel finished the draft without naming it");
    parts.streams.delete(claim.deliveryId);
    return { settlement: { state: "sent", receipt } };
  } catch (error) {
    const failed = asSendError(error, repeatable || !begun);
    if (connection.openStream === undefined || isHopeless(failed)) {
      return withoutDraft(parts, connection, { work, error: failed });
    }
    return byFate(parts, connection, { claim, error: failed });
  }
}

const receiptOf = ({ outbound, draft }: OutboxClaim, at: number): Receipt => ({
  ids: draft?.ids ?? [],
  at,
  peer: outbound.to,
});

/** Deletes a draft whose run has nothing to say. One that cannot be deleted stays what it is: a message of ours. */
export async function abort(parts: DraftSendingParts, connection: ChannelConnection, work: Work): Promise<SendResult> {
  const { claim, signal } = work;
  try {
    const stream = await resumeStream(parts, connection, { ...claim, ids: claim.draft?.ids ?? [], signal });
    await parts.streams.quiet(claim.deliveryId);
    await parts.calls.run({ what: "abort of a draft", ms: STREAM_CALL_MS, signal }, (call) => stream.abort(call));
    parts.streams.delete(claim.deliveryId);
    return { settlement: { state: "withdrawn" } };
  } catch (error) {
    const failed = asSendError(error, true);
    const result = byFate(parts, connection, { claim, error: failed });
    const stays = connection.openStream === undefined || isHopeless(failed) || result.settlement.state === "dead";
    if (!stays) return result;
    parts.log.warn("a draft without an answer could not be deleted and stays", {
      deliveryId: claim.deliveryId,
      error: failed.message,
    });
    return { settlement: { state: "sent", receipt: receiptOf(claim, parts.clock.now()) } };
  }
}
