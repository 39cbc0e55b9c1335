import type { Receipt } from "openclaw-host-sdk";
import type { OutboxIntent } from "./outbox-intents.ts";
import { insertIntents } from "./outbox-intents.ts";
import { encodePart } from "./outbox-part.ts";
import type { Settlement } from "./outbox.ts";
import { type LaneRow, noteSent, promoteIdle } from "./outbox-rows.ts";
import type { Tx } from "../tx.ts";

/** How far a draft is; see migration 0064. */
export type DraftStage = "opening" | "open" | "finish" | "abort" | "lost";

/** One draft with the part it is. */
export interface DraftRow extends LaneRow {
  readonly run_id: string;
  readonly outbox_id: number;
  readonly stage: DraftStage;
  readonly ids: string | null;
}

const DRAFT = `SELECT f.run_id, f.outbox_id, f.stage, f.ids, o.delivery_id, o.part, o.parts, o.channel, o.account, o.lane
  FROM drafts f JOIN outbox o ON o.id = f.outbox_id`;

export const draftOfRun = (tx: Tx, runId: string): DraftRow | undefined =>
  tx.get<DraftRow>(`${DRAFT} WHERE f.run_id = ?`, runId);

export const allDrafts = (tx: Tx): readonly DraftRow[] => tx.all<DraftRow>(DRAFT);

export const isRunOpen = (tx: Tx, runId: string): boolean =>
  tx.get("SELECT 1 FROM runs WHERE run_id = ? AND state IN ('accepted', 'running')", runId) !== undefined;

const enter = (tx: Tx, outboxId: number, stage: DraftStage): void =>
  void tx.run("UPDATE drafts SET stage = ? WHERE outbox_id = ?", stage, outboxId);

/** Queues a draft's part again: for its last edit, or to be deleted. The budget of attempts begins anew. */
function queue(tx: Tx, { outbox_id: id, lane }: DraftRow, { stage, at }: { stage: DraftStage; at: number }): void {
  enter(tx, id, stage);
  tx.run(
    `UPDATE outbox SET state = 'queued', reason = NULL, next_at = ?, head = 0, granted = attempts, checks = 0, changed_at = ?
     WHERE id = ?`,
    at,
    at,
    id,
  );
  promoteIdle(tx, lane);
}

/** Nobody will finish this draft: it is to be deleted. */
export const withdraw = (tx: Tx, draft: DraftRow, at: number): void => queue(tx, draft, { stage: "abort", at });

/** There is no such message any more, or never was: nothing is left to follow. */
function forget(tx: Tx, { delivery_id: deliveryId, outbox_id: id, channel, account }: DraftRow): void {
  tx.run(
    `DELETE FROM sent_messages WHERE channel = ?1 AND account = ?2
       AND (peer, message_id) IN (SELECT o.receipt ->> '$.peer.id', j.value FROM outbox o, json_each(o.receipt, '$.ids') j WHERE o.id = ?3)`,
    channel,
    account,
    id,
  );
  tx.run("DELETE FROM outbox WHERE delivery_id = ?", deliveryId);
  tx.run("DELETE FROM deliveries WHERE id = ?", deliveryId);
}

/** The draft is on the platform. When its run has ended meanwhile, nobody needs it any more. */
function opened(tx: Tx, draft: DraftRow, { receipt, at }: { receipt: Receipt; at: number }): void {
  noteSent(tx, draft, receipt);
  tx.run("UPDATE drafts SET stage = 'open', ids = ? WHERE run_id = ?", JSON.stringify(receipt.ids), draft.run_id);
  tx.run(
    "UPDATE outbox SET state = 'sending', reason = NULL, receipt = ?, next_at = NULL, head = 0, changed_at = ? WHERE id = ?",
    JSON.stringify(receipt),
    at,
    draft.outbox_id,
  );
  if (!isRunOpen(tx, draft.run_id)) withdraw(tx, draft, at);
}

/** An opening that is known not to have happened leaves nothing behind; an unknown one is an unknown part. */
function settleOpening(tx: Tx, draft: DraftRow, { settlement, at }: { settlement: Settlement; at: number }): boolean {
  switch (settlement.state) {
    case "sent":
      opened(tx, draft, { receipt: settlement.receipt, at });
      return true;
    case "retry":
    case "dead":
    case "withdrawn":
      forget(tx, draft);
      return true;
    case "unknown":
      if (settlement.nextAt === undefined) enter(tx, draft.outbox_id, "lost");
      return false;
  }
}

/**
 * What a settlement means to a part that is a draft; true when that is all there is to it. For use inside the commands of other
 * families.
 */
export function settleDraft(tx: Tx, id: number, news: { settlement: Settlement; at: number }): boolean {
  const draft = tx.get<DraftRow>(`${DRAFT} WHERE f.outbox_id = ?`, id);
  if (draft === undefined) return false;
  const { settlement } = news;
  switch (draft.stage) {
    case "opening":
    case "lost":
      return settleOpening(tx, draft, news);
    case "open":
      return false;
    case "abort":
    case "finish":
      if (settlement.state === "withdrawn") forget(tx, draft);
      else if (settlement.state === "sent" || (settlement.state === "retry" && settlement.withoutDraft === true)) {
        tx.run("DELETE FROM drafts WHERE outbox_id = ?", id);
      }
      return settlement.state === "withdrawn";
  }
}

/** The draft becomes the first part of the answer; the others follow it. */
function takeOver(tx: Tx, draft: DraftRow, answer: { intents: readonly OutboxIntent[]; at: number }): void {
  const intents = answer.intents.map((intent) => ({ ...intent, deliveryId: draft.delivery_id }));
  const [first, ...rest] = intents;
  if (first === undefined) return;
  tx.run("UPDATE deliveries SET outbound = ? WHERE id = ?", JSON.stringify(first.outbound), draft.delivery_id);
  tx.run(
    "UPDATE outbox SET payload = ?, parts = ? WHERE id = ?",
    encodePart(first.part, first.outbound),
    first.part.of,
    draft.outbox_id,
  );
  queue(tx, draft, { stage: "finish", at: answer.at });
  insertIntents(tx, rest);
}

/**
 * Stores what a run says at its end. A draft of the run takes the first part when that is text; else it is deleted before the
 * answer goes out. For use inside the commands of other families.
 */
export function closeDraft(
  tx: Tx,
  runId: string,
  answer: { readonly intents: readonly OutboxIntent[]; readonly origin: readonly number[]; readonly at: number },
): void {
  const { intents, origin, at } = answer;
  const draft = draftOfRun(tx, runId);
  // One that is still opening finds its run closed, and is deleted then.
  if (draft === undefined || draft.stage !== "open") return insertIntents(tx, intents, origin);
  const [first] = intents;
  if (first !== undefined && (first.part.media ?? []).length === 0) return takeOver(tx, draft, { intents, at });
  withdraw(tx, draft, at);
  insertIntents(tx, intents, origin);
}
