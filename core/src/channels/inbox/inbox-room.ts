import { isOver } from "../../base/clock-watch.ts";
import type { Clock } from "../../base/clock.ts";
import type { Problems } from "../../base/problems.ts";
import type { Store } from "../../store/db.ts";

export interface InboxRoomParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly problems: Problems;
  /** Most rows. Default 1,000,000. */
  readonly maxRows?: number;
}

/** How many rows the inbox may still take. */
export interface InboxRoom {
  /** Takes places for new rows. False when there are none, even after dropping rows whose event cannot come again. */
  reserve(count: number): Promise<boolean>;
  /** Places that were not needed, or rows that were removed. */
  free(count: number): void;
}

/** About 1 GB of messages. A row inside its channel's redelivery window is never dropped, so there must be an end. */
const MAX_ROWS = 1_000_000;
/** A full table is searched for rows to drop no more often than this, ms. */
const EVICT_EVERY_MS = 5_000;
/** Rows dropped at a time. */
const EVICT_ROWS = 10_000;

const FULL =
  "the inbox is full: new messages wait at their platforms until older ones are worked off or can no longer come twice; " +
  "see which conversations wait: openclaw channels status";

/** Counts the rows there are. */
export async function openInboxRoom(parts: InboxRoomParts): Promise<InboxRoom> {
  const { store, clock, problems, maxRows = MAX_ROWS } = parts;
  let rows = await store.run("inbox.size", {});
  let searchedAt = -Infinity;

  async function evict(): Promise<void> {
    const now = clock.now();
    if (!isOver(searchedAt, EVICT_EVERY_MS, now)) return;
    searchedAt = now;
    rows -= await store.run("inbox.evict", { now, limit: EVICT_ROWS });
  }

  return {
    async reserve(count) {
      if (count === 0) return true;
      if (rows + count > maxRows) await evict();
      if (rows + count > maxRows) {
        problems.raise("inbox", FULL);
        return false;
      }
      problems.clear("inbox");
      rows += count;
      return true;
    },
    free(count) {
      rows -= count;
      if (count > 0 && rows < maxRows) problems.clear("inbox");
    },
  };
}
