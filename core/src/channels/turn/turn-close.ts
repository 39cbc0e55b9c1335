import type { Body } from "openclaw-host-sdk";
import { answerText } from "../../agent/answer.ts";
import { assistantMessage } from "../../agent/transcript-message.ts";
import { runId } from "../../base/brand.ts";
import type { RunOutcome, RunRecord } from "../../store/tables/run-record.ts";
import type { CloseArgs } from "../../store/tables/runs.ts";
import { isStoreError } from "../../store/store-error.ts";
import { closeDraft, planBody, shownBody } from "./turn-draft.ts";
import { newDeliveryId, type TurnParts } from "./turn-parts.ts";
import { parseRequest } from "./turn-request.ts";

/** Waits between attempts to plan an answer: the channel's guest may just be restarting. */
const PLAN_RETRY_MS: readonly number[] = [500, 3_000];
/** Waits between attempts to store what came of a run: a full or slow disk may recover. */
const CLOSE_RETRY_MS: readonly number[] = [100, 1_000, 5_000];
/** After those, for a message of a channel: nobody waits for a response, and a second run would cost its owner twice, ms. */
const DISK_RETRY_MS = 5_000;

/**
 * Ends a run: plans its answer, then commits run, transcript, outbox intents and inbox rows in ONE transaction. Returns the
 * outcome as committed. Rejects when nothing could be stored; the run is then still open.
 */
export async function closeTurn(parts: TurnParts, run: RunRecord, outcome: RunOutcome): Promise<RunOutcome> {
  const planned = await planAnswer(parts, run, outcome);
  const commit = () => commitClosing(parts, run, planned);
  await (run.door === "channel" ? untilDiskWorks(parts, commit) : commit());
  if (planned.intents.length > 0) parts.outbox.wake();
  return planned.outcome;
}

/** The closing transaction alone. */
export async function commitClosing(parts: TurnParts, run: RunRecord, closing: Closing): Promise<void> {
  const { outcome, intents, parked } = closing;
  const message = assistantMessage(outcome);
  const args: CloseArgs = {
    runId: run.runId,
    outcome,
    ...(message === undefined ? {} : { message: { id: parts.ids.uuid(), message } }),
    intents,
    inbox: parked === undefined ? { state: "done" } : { state: "parked", reason: parked },
    at: parts.clock.now(),
  };
  const entry = await retrying(parts, CLOSE_RETRY_MS, () => parts.store.run("runs.close", args));
  if (entry !== undefined) parts.sessions.noteCommitted(entry);
  closeDraft(parts, run.runId);
}

/** What the closing transaction is about to say. */
export interface Closing {
  readonly outcome: RunOutcome;
  readonly intents: CloseArgs["intents"];
  /** Why the owner must look at the inbox rows. */
  readonly parked?: string;
}

/** Rendering asks the channel's guest, so it happens before the transaction and not in it. */
async function planAnswer(parts: TurnParts, run: RunRecord, outcome: RunOutcome): Promise<Closing> {
  const { target, bestEffort } = parseRequest(run);
  const body = target === undefined ? undefined : (answerBody(run, outcome) ?? shownBody(parts, run, outcome));
  if (target === undefined || body === undefined) return { outcome, intents: [] };
  const ids = { deliveryId: newDeliveryId(parts), runId: runId(run.runId) };
  try {
    const intents = await retrying(parts, PLAN_RETRY_MS, () => planBody(parts, { target, body, ids }));
    return { outcome, intents };
  } catch (error) {
    const reason = `the answer could not be prepared for ${target.channel}: ${messageOf(error)}`;
    parts.log.error("an answer could not be prepared for its channel", { runId: run.runId, error });
    if (run.door === "channel") return { outcome, intents: [], parked: reason };
    return { outcome: bestEffort === true ? outcome : { ...outcome, state: "failed", error: reason }, intents: [] };
  }
}

/** Says nothing of the cause: it goes to whoever wrote, not to the owner. */
const APOLOGY = "Sorry, something went wrong and I could not answer. Please try again.";
const TOO_SLOW = "Sorry, this took too long and I had to stop. Please try again.";

/** What is sent. Only somebody on a channel is told of a failure: a client sees it in the response. */
function answerBody(run: RunRecord, outcome: RunOutcome): Body | undefined {
  const toPerson = run.door === "channel";
  switch (outcome.state) {
    case "done": {
      const text = answerText(outcome.text);
      if (text === "" && outcome.media.length === 0) return undefined;
      const media = outcome.media.length === 0 ? {} : { media: outcome.media };
      return { ...(text === "" ? {} : { text }), format: "markdown", ...media };
    }
    case "failed":
      return toPerson ? { text: APOLOGY, format: "plain" } : undefined;
    case "aborted":
      return toPerson && outcome.stopReason === "timeout" ? { text: TOO_SLOW, format: "plain" } : undefined;
  }
}

/** An error in one line, for logs and reasons. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tries again as long as only the disk is at fault. */
async function untilDiskWorks(parts: TurnParts, attempt: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isStoreError(error) || (error.kind !== "full" && error.kind !== "io")) throw error;
      parts.log.error("what came of a run cannot be stored yet", { error: error.message });
      await parts.clock.sleep(DISK_RETRY_MS);
    }
  }
}

/** Tries once more after each wait (ms); rejects with the last error. */
export async function retrying<T>(parts: TurnParts, waits: readonly number[], attempt: () => Promise<T>): Promise<T> {
  for (const wait of waits) {
    try {
      return await attempt();
    } catch (error) {
      parts.log.warn("will be tried again", { inMs: wait, error: messageOf(error) });
      await parts.clock.sleep(wait);
    }
  }
  return attempt();
}
