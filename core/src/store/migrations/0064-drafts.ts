import type { Migration } from "./migration.ts";

/**
 * Answers that are shown while they are written: at most one draft a run, which is the first part of the run's delivery.
 * A draft is `opening` (its part is `sending` and holds the lane) `-> open(ids)` (the part is `sending` without a time: the run
 * writes on) `-> finish | abort` (the part is queued again: the draft becomes the answer, or is deleted). `lost` is an opening
 * of unknown fate. Without a row here a part is an ordinary one. `repeatable` is 1 where finishing twice changes nothing.
 */
export const m0064: Migration = {
  id: 64,
  name: "drafts",
  sql: `
    CREATE TABLE drafts (
      run_id TEXT PRIMARY KEY,
      outbox_id INTEGER NOT NULL UNIQUE REFERENCES outbox (id) ON DELETE CASCADE,
      stage TEXT NOT NULL CHECK (stage IN ('opening', 'open', 'finish', 'abort', 'lost')),
      ids TEXT,
      repeatable INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
