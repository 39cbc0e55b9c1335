import type { Receipt } from "openclaw-host-sdk";
import type { Tx } from "../tx.ts";

/** What the flow of one part changes around it. */
export interface LaneRow {
  readonly delivery_id: string;
  readonly part: number;
  readonly parts: number;
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
}

/** The platform messages of a receipt are ours. For use inside the commands of other families. */
export function noteSent(tx: Tx, row: LaneRow, receipt: Receipt): void {
  for (const id of receipt.ids) {
    tx.run(
      "INSERT INTO sent_messages (channel, account, peer, message_id, delivery_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      row.channel,
      row.account,
      receipt.peer.id,
      id,
      row.delivery_id,
    );
  }
}

/** The lane's oldest open part is next. Only right while nothing of the lane is in flight. */
export function promote(tx: Tx, lane: string): void {
  tx.run(
    "UPDATE outbox SET head = 1 WHERE id = (SELECT id FROM outbox WHERE lane = ? AND next_at IS NOT NULL ORDER BY id LIMIT 1)",
    lane,
  );
}

/** As `promote`, for a change from outside the lane's own flow. For use inside the commands of other families. */
export function promoteIdle(tx: Tx, lane: string): void {
  if (tx.get("SELECT 1 FROM outbox WHERE lane = ? AND next_at IS NOT NULL AND head = 2", lane) !== undefined) return;
  tx.run("UPDATE outbox SET head = 0 WHERE lane = ? AND next_at IS NOT NULL AND head = 1", lane);
  promote(tx, lane);
}
