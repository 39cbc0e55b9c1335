import { createRunFeed } from "../../agent/run-feed.ts";
import type { RunOutcome, RunRecord } from "../../store/tables/run-record.ts";
import { commitClosing } from "./turn-close.ts";
import type { TurnParts } from "./turn-parts.ts";
import { STOPPED, type TurnRunner } from "./turn-run.ts";

const HOUR_MS = 3_600_000;

/**
 * Closes, as errors, the runs that a dead process left behind. Runs of a channel whose messages are still open are not
 * touched: the claim loop finds those messages like any other and their runs go on.
 */
export async function closeStranded(parts: TurnParts, runner: TurnRunner): Promise<void> {
  const stranded = await parts.store.run("runs.stranded", {});
  await closeDead(
    parts,
    stranded.filter((run) => runner.get(run.runId) === undefined),
  );
}

/** A message that was given up on while the gateway ran leaves its run open. */
async function closeGivenUp(parts: TurnParts, runner: TurnRunner): Promise<void> {
  const stranded = await parts.store.run("runs.stranded", {});
  await closeDead(
    parts,
    stranded.filter((run) => run.door === "channel" && runner.get(run.runId) === undefined),
  );
}

async function closeDead(parts: TurnParts, dead: readonly RunRecord[]): Promise<void> {
  for (const run of dead) {
    const at = parts.clock.now();
    const times = { startedAt: run.acceptedAt, endedAt: at };
    const outcome: RunOutcome = { text: "", media: [], ...times, state: "failed", error: STOPPED };
    const feed = createRunFeed(parts, { run, toolAudience: new Set(), toolResults: false });
    // Without an answer to a channel: whatever closed its messages has said what there was to say.
    await commitClosing(parts, run, { outcome, intents: [] });
    feed.end(outcome);
  }
  if (dead.length > 0) parts.log.info("closed runs that the last stop cut short", { count: dead.length });
}

/** Closes given-up runs, now and every hour. Returns the undo. */
export function startSweeping(parts: TurnParts, runner: TurnRunner): () => void {
  const sweep = () => {
    void closeGivenUp(parts, runner).catch((error: unknown) =>
      parts.log.warn("runs that were given up could not be closed", { error: String(error) }),
    );
  };
  sweep();
  return parts.clock.every(HOUR_MS, sweep);
}
