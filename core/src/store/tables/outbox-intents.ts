import type { Outbound, Part } from "openclaw-host-sdk";
import { useMediaOfLast } from "./media-uses.ts";
import { encodePart } from "./outbox-part.ts";
import type { Tx } from "../tx.ts";

/** One part of one message on its way out: one platform call. */
export interface OutboxIntent {
  readonly deliveryId: string;
  readonly channel: string;
  readonly account: string;
  /** Parts of one lane leave one after the other. */
  readonly lane: string;
  readonly outbound: Outbound;
  readonly part: Part;
  /** The run whose answer it is. */
  readonly runId?: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * Stores intents; one that is stored already stays as it is. For use inside the commands of other families.
 *
 * @param origin Inbox rows that the intents answer.
 */
export function insertIntents(tx: Tx, intents: readonly OutboxIntent[], origin: readonly number[] = []): void {
  for (const intent of intents) {
    const payload = encodePart(intent.part, intent.outbound);
    const first = tx.run(
      "INSERT INTO deliveries (id, channel, account, lane, run_id, outbound, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      intent.deliveryId,
      intent.channel,
      intent.account,
      intent.lane,
      intent.runId ?? null,
      JSON.stringify(intent.outbound),
      intent.at,
    );
    if (first > 0) noteOrigin(tx, intent.deliveryId, origin);
    const inserted = tx.run(
      `INSERT INTO outbox (delivery_id, part, parts, payload, channel, account, lane, state, head, next_at, changed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', NOT EXISTS (SELECT 1 FROM outbox WHERE lane = ? AND next_at IS NOT NULL), ?, ?)
       ON CONFLICT (delivery_id, part) DO NOTHING`,
      intent.deliveryId,
      intent.part.index,
      intent.part.of,
      payload,
      intent.channel,
      intent.account,
      intent.lane,
      intent.lane,
      intent.at,
      intent.at,
    );
    if (inserted > 0) useMediaOfLast(tx, "outbox", { json: payload, at: intent.at });
  }
}

function noteOrigin(tx: Tx, deliveryId: string, origin: readonly number[]): void {
  for (const id of origin) {
    tx.run("INSERT INTO delivery_origins (inbox_id, delivery_id) VALUES (?, ?) ON CONFLICT DO NOTHING", id, deliveryId);
  }
}
