import type { Clock, Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Inbox } from "../channels/inbox/inbox.ts";
import type { MediaStore } from "../media/store.ts";
import type { Store } from "../store/db.ts";
import type { UpkeepResult } from "../store/tables/upkeep.ts";

/** How long what is kept, days; absent: for ever. */
export interface Keep {
  readonly transcriptsDays?: number | undefined;
  readonly ledgerDays: number;
  readonly mediaDays?: number | undefined;
}

export interface RetentionParts {
  readonly store: Store;
  readonly media: Pick<MediaStore, "collect">;
  readonly inbox: Pick<Inbox, "noteRemoved">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keep: Keep;
}

const EVERY_MS = 3_600_000;
const DAY_MS = 24 * EVERY_MS;
/** A round that comes this much too early or late was moved by the clock, ms: nothing is thrown away on its word. */
const JUMP_MS = 600_000;
/** Rows looked at in one transaction, and the pause between two, ms: messages come first. */
const STEP_ROWS = 500;
const PAUSE_MS = 50;

type Table = "upkeep.inbox" | "upkeep.outbox" | "upkeep.transcripts";

/** Tidies once an hour, the first time an hour after the start, in small steps. */
export function startRetention(parts: RetentionParts): Undo {
  const { clock, log } = parts;
  const stop = new AbortController();
  let last = clock.now();
  let round: Promise<void> | undefined;
  const undo = clock.every(EVERY_MS, () => {
    const late = clock.now() - last - EVERY_MS;
    last = clock.now();
    if (Math.abs(late) > JUMP_MS) {
      log.warn("the clock has jumped; nothing old is removed this hour", { byMs: late });
      return;
    }
    round ??= tidy(parts, stop.signal)
      .catch((error: unknown) => log.error("old records could not be removed", { error }))
      .finally(() => {
        round = undefined;
      });
  });
  return () => {
    undo();
    stop.abort();
  };
}

async function tidy(parts: RetentionParts, signal: AbortSignal): Promise<void> {
  const { media, inbox, keep, log } = parts;
  const received = await table(parts, { name: "upkeep.inbox", days: keep.ledgerDays, signal });
  inbox.noteRemoved(received);
  const sent = await table(parts, { name: "upkeep.outbox", days: keep.ledgerDays, signal });
  const messages =
    keep.transcriptsDays === undefined
      ? 0
      : await table(parts, { name: "upkeep.transcripts", days: keep.transcriptsDays, signal });
  if (received + sent + messages > 0) log.info("old records were removed", { received, sent, messages });
  const maxAge = keep.mediaDays === undefined ? {} : { maxAgeMs: keep.mediaDays * DAY_MS };
  await media.collect({ ...maxAge, signal });
}

interface Tidying {
  readonly name: Table;
  readonly days: number;
  readonly signal: AbortSignal;
}

/** Returns how many rows were removed. */
async function table({ store, clock }: RetentionParts, { name, days, signal }: Tidying): Promise<number> {
  let removed = 0;
  let after: number | undefined = 0;
  while (after !== undefined && !signal.aborted) {
    const now = clock.now();
    const step: UpkeepResult = await store.run(name, { after, limit: STEP_ROWS, before: now - days * DAY_MS, now });
    removed += step.removed;
    after = step.next;
    await clock.sleep(PAUSE_MS, signal);
  }
  return removed;
}
