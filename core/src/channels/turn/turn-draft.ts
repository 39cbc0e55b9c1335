import type { Body } from "openclaw-host-sdk";
import { answerText } from "../../agent/answer.ts";
import type { RunFeed } from "../../agent/run-feed.ts";
import type { RunOutcome, RunRecord } from "../../store/tables/run-record.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import type { Draft } from "../outbox/draft.ts";
import type { PlanIds } from "../outbox/outbound.ts";
import type { DeliveryTarget } from "../policy/route.ts";
import type { TurnParts } from "./turn-parts.ts";
import { parseRequest } from "./turn-request.ts";

/** Only somebody who waits on a channel is shown an answer while it is written; a client sees the run's events. */
export function draftOf({ outbox }: TurnParts, run: RunRecord): Draft | undefined {
  const { target } = parseRequest(run);
  if (run.door !== "channel" || target === undefined) return undefined;
  return outbox.drafts?.begin({ runId: run.runId, target });
}

/** The same news, shown in the conversation as well. */
export function withDraft(feed: RunFeed, draft: Draft | undefined): RunFeed {
  if (draft === undefined) return feed;
  return {
    ...feed,
    text(delta, text) {
      feed.text(delta, text);
      draft.show(text);
    },
  };
}

/** What is left of an answer that was stopped: its reader has seen it grow, so it stays as far as it came. */
export function shownBody({ outbox }: TurnParts, { runId }: RunRecord, outcome: RunOutcome): Body | undefined {
  const text = answerText(outcome.text);
  if (outcome.state !== "aborted" || text === "" || outbox.drafts?.standing(runId) !== true) return undefined;
  return { text, format: "markdown" };
}

/** The closing is committed: the draft has become the answer, or is to be deleted. */
export function closeDraft({ outbox }: TurnParts, runId: string): void {
  if (outbox.drafts?.standing(runId) !== true) return;
  outbox.drafts.closed(runId);
  outbox.wake();
}

/** Renders an answer. A draft can only become a text, so files follow in parts of their own where one stands. */
export async function planBody(
  parts: TurnParts,
  answer: { readonly target: DeliveryTarget; readonly body: Body; readonly ids: PlanIds },
): Promise<OutboxIntent[]> {
  const { target, body, ids } = answer;
  const { media = [], ...text } = body;
  const stands = ids.runId !== undefined && parts.outbox.drafts?.standing(ids.runId) === true;
  if (!stands || media.length === 0 || text.text === undefined) return parts.plan(target, body, ids);
  const words = await parts.plan(target, text, ids);
  const files = await parts.plan(target, { media }, ids);
  const all = [...words, ...files];
  return all.map((intent, index) => ({
    ...intent,
    outbound: intent.outbound.type === "message" ? { ...intent.outbound, body } : intent.outbound,
    part: { ...intent.part, index, of: all.length },
  }));
}
