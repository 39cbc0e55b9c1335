import { type Receipt, type SendError, isSendError } from "openclaw-host-sdk";
import type { Logger } from "../../base/log.ts";
import type { ChannelConnection, ChannelStream } from "../../host/channel-port.ts";
import type { Store } from "../../store/db.ts";
import { isStoreError } from "../../store/store-error.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { OutboxClaim, OutboxIntent, Settlement } from "../../store/tables/outbox.ts";
import type { SettledPart } from "./account-sender.ts";
import { type OpenStreams, STREAM_CALL_MS, partKey } from "./draft-calls.ts";
import { type SendingParts, PERHAPS_POSTED, messageOf, unknown } from "./fate.ts";

export interface OpeningParts extends SendingParts {
  readonly store: Store;
  readonly log: Logger;
  readonly streams: OpenStreams;
  /** An opening is of unknown fate, or turned out to have happened after it was given up. Called, never awaited. */
  readonly onSettled: (name: AccountName, news: SettledPart) => void;
  /** The conversation goes on. */
  readonly wake: () => void;
}

/** A draft to open. */
export interface Opening {
  readonly runId: string;
  readonly name: AccountName;
  readonly connection: ChannelConnection;
  readonly intent: OutboxIntent;
  readonly repeatable: boolean;
}

/** A draft that stands, as later calls name it. */
export type StandingDraft = Pick<OutboxClaim, "deliveryId" | "outbound" | "part"> & { readonly ids: readonly string[] };

/** `later`: not now, try again. `never`: this run shows no draft. `known`: an earlier life of the run has opened it. */
export type Opened =
  | { readonly state: "opened" | "known"; readonly draft: StandingDraft }
  | { readonly state: "later"; readonly retryAfterMs?: number }
  | { readonly state: "never" };

/** Wait after the store refused, ms. */
const STORE_RETRY_MS = 1_000;

/** Until it is stored the conversation waits; a store that is closed has the part as being sent, whose fate is unknown. */
async function settle(parts: OpeningParts, opening: Opening, news: { claim: OutboxClaim; settlement: Settlement }) {
  const { store, clock, log } = parts;
  const { claim, settlement } = news;
  const { id, attempt, checks } = claim;
  for (;;) {
    try {
      const delivery = await store.run("outbox.settle", {
        claim: { id, attempt, checks },
        at: clock.now(),
        settlement,
      });
      if (delivery !== undefined && settlement.state === "unknown") {
        parts.onSettled(opening.name, { claim, settlement, delivery });
      }
      parts.wake();
      return;
    } catch (error) {
      log.error("what came of a draft cannot be stored yet", { deliveryId: claim.deliveryId, error: String(error) });
      if (isStoreError(error) && error.kind === "closed") return;
      await clock.sleep(STORE_RETRY_MS);
    }
  }
}

/** The draft was posted after all. Never rejects. */
async function late(parts: OpeningParts, opening: Opening, news: { claim: OutboxClaim; receipt: Receipt }) {
  const { claim, receipt } = news;
  const { id, attempt, checks } = claim;
  try {
    const at = parts.clock.now();
    const delivery = await parts.store.run("outbox.late", { claim: { id, attempt, checks }, at, receipt });
    if (delivery === undefined) return;
    parts.onSettled(opening.name, { claim, settlement: { state: "sent", receipt }, delivery, late: true });
    parts.wake();
  } catch (error) {
    parts.log.warn("the ids of a late draft could not be stored", {
      deliveryId: claim.deliveryId,
      error: String(error),
    });
  }
}

const receiptOf = (parts: OpeningParts, { outbound }: OutboxClaim, { ids }: ChannelStream): Receipt => ({
  ids,
  at: parts.clock.now(),
  peer: outbound.to,
});

/** What is known of a draft whose opening failed. */
function failureOf(
  parts: OpeningParts,
  connection: ChannelConnection,
  error: unknown,
): { readonly settlement: Settlement; readonly known?: SendError } {
  if (isSendError(error) && error.data.fate !== "unknown") {
    return { settlement: { state: "withdrawn" }, known: error };
  }
  const reason = `${PERHAPS_POSTED}: ${messageOf(error)}`;
  return { settlement: unknown(parts, connection, reason).settlement };
}

async function callChannel(parts: OpeningParts, opening: Opening, claim: OutboxClaim): Promise<Opened> {
  const { connection } = opening;
  const { outbound } = claim;
  const text = claim.part.text ?? "";
  const replyTo = outbound.replyTo === undefined ? {} : { replyTo: outbound.replyTo };
  try {
    const stream = await parts.calls.run(
      { what: "openStream", ms: STREAM_CALL_MS },
      (call) => {
        if (connection.openStream === undefined) throw new Error("the channel does not stream any more");
        return connection.openStream(outbound.to, { key: partKey(claim), text, ...replyTo }, call);
      },
      (stream) => void late(parts, opening, { claim, receipt: receiptOf(parts, claim, stream) }),
    );
    const receipt = receiptOf(parts, claim, stream);
    // Before the first push: a process that dies now leaves a draft that can be found again.
    await settle(parts, opening, { claim, settlement: { state: "sent", receipt } });
    parts.streams.set(claim.deliveryId, connection, stream);
    return { state: "opened", draft: { ...claim, ids: stream.ids } };
  } catch (error) {
    const { settlement, known } = failureOf(parts, connection, error);
    await settle(parts, opening, { claim, settlement });
    if (known?.data.fate !== "not-sent") return { state: "never" };
    const { retryAfterMs } = known.data;
    return { state: "later", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

/** Commits the opening, calls the channel, commits what came of it. Rejects only when the opening could not be committed. */
export async function openDraft(parts: OpeningParts, opening: Opening): Promise<Opened> {
  const { runId, intent, repeatable } = opening;
  const start = await parts.store.run("drafts.start", { runId, intent, repeatable, at: parts.clock.now() });
  switch (start.state) {
    case "opening":
      return callChannel(parts, opening, start.claim);
    case "open": {
      const { deliveryId, ids } = start;
      return { state: "known", draft: { deliveryId, ids, outbound: intent.outbound, part: intent.part } };
    }
    case "busy":
      return { state: "later" };
    case "none":
      return { state: "never" };
  }
}
