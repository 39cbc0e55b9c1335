import { allDrafts, draftOfRun, isRunOpen, withdraw } from "./draft-rows.ts";
import { isForeign } from "./identities.ts";
import { type OutboxIntent, insertIntents } from "./outbox-intents.ts";
import { type OutboxClaim, claimPart } from "./outbox.ts";
import type { Tx } from "../tx.ts";

/**
 * What a run may do about its draft. `opening`: the part is committed as being sent, now call the channel. `open`: it stands.
 * `busy`: something of the conversation is still to be sent before. `none`: this run shows no draft.
 */
export type DraftStart =
  | { readonly state: "opening"; readonly claim: OutboxClaim }
  | { readonly state: "open"; readonly deliveryId: string; readonly ids: readonly string[] }
  | { readonly state: "busy" }
  | { readonly state: "none" };

export interface DraftArgs {
  readonly runId: string;
  /** The text so far, as the only part of a delivery. */
  readonly intent: OutboxIntent;
  readonly repeatable: boolean;
  readonly at: number;
}

/** The inbox rows that a run answers. */
function originOf(tx: Tx, runId: string): readonly number[] {
  const inbox = tx.get<{ inbox: string | null }>("SELECT inbox FROM runs WHERE run_id = ?", runId)?.inbox;
  return inbox === undefined || inbox === null ? [] : (JSON.parse(inbox) as number[]);
}

function start(tx: Tx, { runId, intent, repeatable, at }: DraftArgs): DraftStart {
  const known = draftOfRun(tx, runId);
  if (known !== undefined) {
    const { delivery_id: deliveryId, ids } = known;
    return known.stage === "open" && ids !== null
      ? { state: "open", deliveryId, ids: JSON.parse(ids) as string[] }
      : { state: "none" };
  }
  if (!isRunOpen(tx, runId)) return { state: "none" };
  const waits = tx.get("SELECT 1 FROM outbox WHERE lane = ? AND next_at IS NOT NULL", intent.lane);
  if (waits !== undefined) return { state: "busy" };
  const origin = originOf(tx, runId);
  if (isForeign(tx, origin)) return { state: "none" };
  insertIntents(tx, [intent], origin);
  const part = tx.get<{ id: number }>("SELECT id FROM outbox WHERE delivery_id = ?", intent.deliveryId);
  if (part === undefined) return { state: "none" };
  tx.run(
    "INSERT INTO drafts (run_id, outbox_id, stage, repeatable) VALUES (?, ?, 'opening', ?)",
    runId,
    part.id,
    repeatable ? 1 : 0,
  );
  const claim = claimPart(tx, part.id, at);
  return claim === undefined ? { state: "none" } : { state: "opening", claim };
}

export const draftsCommands = {
  /** Begins a run's draft, or finds the one it has. */
  "drafts.start": (tx: Tx, args: DraftArgs): DraftStart => start(tx, args),

  /**
   * After a start, before `outbox.recover`: what was being finished or deleted is done again where that changes nothing, and drafts
   * whose run has ended are deleted. Returns the runs whose draft stands.
   */
  "drafts.recover": (tx: Tx, args: { readonly now: number }): readonly string[] => {
    tx.run(
      `UPDATE outbox SET state = 'retry', reason = 'the gateway stopped while its draft was being edited', next_at = ?, changed_at = ?
       WHERE state = 'sending' AND next_at IS NOT NULL
         AND id IN (SELECT outbox_id FROM drafts WHERE stage = 'abort' OR (stage = 'finish' AND repeatable = 1))`,
      args.now,
      args.now,
    );
    const open = allDrafts(tx).filter(({ stage }) => stage === "open");
    for (const draft of open) if (!isRunOpen(tx, draft.run_id)) withdraw(tx, draft, args.now);
    return open.map((draft) => draft.run_id).filter((runId) => isRunOpen(tx, runId));
  },
};
