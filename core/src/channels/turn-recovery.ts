import { createRunFeed } from "../agent/run-feed.ts";
import type { RunOutcome } from "../store/run-record.ts";
import { commitClosing } from "./turn-close.ts";
import type { TurnParts } from "./turn-parts.ts";
import { STOPPED, type TurnRunner } from "./turn-run.ts";

/** How long a closed run is remembered: its key may be repeated that long, ms. */
export const RUN_RETENTION_MS: number = 7 * 24 * 3_600_000;

const HOUR_MS = 3_600_000;

/**
 * Closes, as errors, the runs that a dead process left behind. Runs of a channel whose messages are still open are not
 * touched: the claim loop finds those messages like any other and their runs go on.
 */
export async function closeStranded(parts: TurnParts, runner: TurnRunner): Promise<number> {
  const stranded = await parts.store.run("runs.stranded", {});
  const dead = stranded.filter((run) => runner.get(run.runId) === undefined);
  for (const run of dead) {
    const at = parts.clock.now();
    const outcome: RunOutcome = {
      text: "",
      media: [],
      startedAt: run.acceptedAt,
      endedAt: at,
      state: "failed",
      error: STOPPED,
    };
    const feed = createRunFeed(parts, { run, toolAudience: new Set(), toolResults: false });
    // Without an answer to a channel: whatever closed its messages has said what there was to say.
    await commitClosing(parts, run, { outcome, intents: [] });
    feed.end(outcome);
  }
  if (dead.length > 0) parts.log.info("closed runs that the last stop cut short", { count: dead.length });
  return dead.length;
}

/** Forgets old runs, now and every hour. Returns the undo. */
export function startPruning(parts: TurnParts): () => void {
  const prune = () => {
    void parts.store
      .run("runs.prune", { before: parts.clock.now() - RUN_RETENTION_MS })
      .catch((error: unknown) => parts.log.warn("old runs could not be forgotten", { error: String(error) }));
  };
  prune();
  return parts.clock.every(HOUR_MS, prune);
}
