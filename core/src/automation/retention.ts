import type { Audit } from "../auth/audit.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { everyTrusted } from "../base/trusted-time.ts";
import type { Inbox } from "../channels/inbox/inbox.ts";
import type { MediaStore } from "../media/store.ts";
import type { Store } from "../store/db.ts";
import type { UpkeepResult } from "../store/tables/upkeep.ts";

/** How long what is kept, days; absent: for ever. */
export interface Keep {
  readonly transcriptsDays?: number | undefined;
  readonly ledgerDays: number;
  readonly mediaDays?: number | undefined;
  readonly auditDays: number;
}

export interface RetentionParts {
  readonly store: Store;
  readonly media: Pick<MediaStore, "collect">;
  readonly inbox: Pick<Inbox, "noteRemoved">;
  readonly audit: Pick<Audit, "prune">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keep: Keep;
}

const EVERY_MS = 3_600_000;
const DAY_MS = 24 * EVERY_MS;
/** Rows looked at in one transaction, and the pause between two, ms: messages come first. */
const STEP_ROWS = 500;
const PAUSE_MS = 50;

type Table = "upkeep.inbox" | "upkeep.parked" | "upkeep.outbox" | "upkeep.runs" | "upkeep.transcripts";

/** Tidies once an hour, the first time an hour after the start, in small steps, and never on the word of a clock that jumped. */
export function startRetention(parts: RetentionParts): Undo {
  const { clock, log } = parts;
  const stop = new AbortController();
  let round: Promise<void> | undefined;
  const undo = everyTrusted(clock, {
    everyMs: EVERY_MS,
    run: (now) => {
      round ??= tidy(parts, { now, signal: stop.signal })
        .catch((error: unknown) => log.error("old records could not be removed", { error }))
        .finally(() => {
          round = undefined;
        });
    },
    onJump: (byMs) => log.warn("the clock has jumped; nothing old is removed this hour", { byMs }),
  });
  return () => {
    undo();
    stop.abort();
  };
}

interface Round {
  /** Epoch ms. */
  readonly now: number;
  readonly signal: AbortSignal;
}

async function tidy(parts: RetentionParts, round: Round): Promise<void> {
  const { media, inbox, audit, keep, log } = parts;
  const ledger = { ...round, days: keep.ledgerDays };
  const received = await table(parts, "upkeep.inbox", ledger);
  const parked = await table(parts, "upkeep.parked", ledger);
  inbox.noteRemoved(received + parked);
  if (parked > 0) {
    log.warn("more messages are parked than are kept beyond retention.ledgerDays; the oldest were removed", { parked });
  }
  const sent = await table(parts, "upkeep.outbox", ledger);
  const runs = await table(parts, "upkeep.runs", ledger);
  const days = keep.transcriptsDays;
  const messages = days === undefined ? 0 : await table(parts, "upkeep.transcripts", { ...round, days });
  if (received + sent + runs + messages > 0) {
    log.info("old records were removed", { received, sent, runs, messages });
  }
  await audit.prune(round.now - keep.auditDays * DAY_MS, round.signal);
  const maxAge = keep.mediaDays === undefined ? {} : { maxAgeMs: keep.mediaDays * DAY_MS };
  await media.collect({ ...maxAge, ...round });
}

/** Returns how many rows were removed. */
async function table(
  { store, clock }: RetentionParts,
  name: Table,
  { days, now, signal }: Round & { readonly days: number },
): Promise<number> {
  let removed = 0;
  let after: number | undefined = 0;
  while (after !== undefined && !signal.aborted) {
    const step: UpkeepResult = await store.run(name, { after, limit: STEP_ROWS, before: now - days * DAY_MS, now });
    removed += step.removed;
    after = step.next;
    await clock.sleep(PAUSE_MS, signal);
  }
  return removed;
}
