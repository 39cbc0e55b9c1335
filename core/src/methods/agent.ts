import type { ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { Caller, RequestContext } from "../auth/caller.ts";
import { answerText } from "../agent/answer.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { Turns } from "../channels/turn/turn.ts";
import type { DoorRequest } from "../channels/turn/turn-request.ts";
import type { RunOutcome, RunRecord } from "../store/tables/run-record.ts";
import { resolveAgentSession, type SessionParts } from "./agent-session.ts";
import { resolveTarget, type TargetParts } from "./agent-target.ts";
import { type AttachmentParts, storeAttachments } from "./attachments.ts";
import { cleanText, parseReset } from "./chat-text.ts";
import { doorRequest } from "./door-request.ts";
import type { HandlersFor } from "./handler.ts";

/** What the `agent` family works with. */
export interface AgentMethodParts extends SessionParts, TargetParts, AttachmentParts {
  readonly turns: Pick<Turns, "start" | "wait">;
  /** What answers for an agent, as results name it. */
  readonly modelOf: (agentId: string) => { readonly provider: string; readonly model: string };
}

/** Default of `agent.wait`, ms. Source: wire protocol section 5.3. */
const WAIT_MS = 30_000;

/** Running an agent and waiting for it (wire protocol sections 4.2 and 5.3). */
export function agentMethods(parts: AgentMethodParts): HandlersFor<"agent" | "agent.wait"> {
  return {
    agent: async (params, context) => {
      const started = await parts.turns.start(await requestOf(parts, params, context.caller));
      const { runId, acceptedAt, sessionKey, agentId } = started.run;
      if (started.status === "in_flight") return { runId, status: "in_flight", acceptedAt, sessionKey, agentId };
      if (started.status === "started") announce(context, started.run);
      return finalPayload(parts, started.run, await started.outcome);
    },
    "agent.wait": async ({ runId, timeoutMs }, { signal }) => {
      const outcome = await parts.turns.wait(runId, { timeoutMs: timeoutMs ?? WAIT_MS, signal });
      return outcome === undefined ? { runId, status: "timeout" } : waitResult(runId, outcome);
    },
  };
}

/** The first response; it leaves only after the run's row is committed. */
function announce(context: RequestContext, { runId, acceptedAt, sessionKey, agentId }: RunRecord): void {
  context.accepted({ runId, status: "accepted", acceptedAt, sessionKey, agentId });
}

/** Params to run: session, destination, text and images, in the order in which refusals are cheapest. */
async function requestOf(parts: AgentMethodParts, params: ParamsOf<"agent">, caller: Caller): Promise<DoorRequest> {
  const session = resolveAgentSession(parts, params);
  const target = await resolveTarget(parts, params, session.key);
  const { text, reset } = messageOf(params);
  const media = await storeAttachments(parts, params.attachments ?? []);
  if (text.trim() === "" && media.length === 0) throw invalidRequest("invalid agent params: message is empty");
  const request = {
    text,
    media,
    ...(target === undefined ? {} : { target }),
    ...(params.bestEffortDeliver === undefined ? {} : { bestEffort: params.bestEffortDeliver }),
    ...(params.timeout === undefined ? {} : { timeoutMs: params.timeout * 1_000 }),
    ...(params.extraSystemPrompt === undefined ? {} : { systemPrompt: params.extraSystemPrompt }),
  };
  const asked = doorRequest({ door: "agent", params, caller, session, request });
  return reset ? { ...asked, reset } : asked;
}

/** `/new` and `/reset` count only for a session that the call names. */
function messageOf(params: ParamsOf<"agent">): { text: string; reset: boolean } {
  const text = cleanText(params.message);
  const named = params.sessionKey !== undefined || params.sessionId !== undefined;
  const reset = named ? parseReset(text) : undefined;
  return reset === undefined ? { text, reset: false } : { text: reset.text, reset: true };
}

/** The second response. The wire sends a payload with status `error` beside an error (wire protocol section 4.2). */
function finalPayload(parts: AgentMethodParts, run: RunRecord, outcome: RunOutcome): ResultOf<"agent"> {
  const { runId } = run;
  if (outcome.state === "failed") return { runId, status: "error", summary: outcome.error };
  const aborted = outcome.state === "aborted";
  const meta = {
    durationMs: Math.max(0, outcome.endedAt - outcome.startedAt),
    agentMeta: {
      sessionId: run.sessionId,
      ...parts.modelOf(run.agentId),
      ...(outcome.usage === undefined
        ? {}
        : { usage: { ...outcome.usage, total: outcome.usage.input + outcome.usage.output } }),
    },
    aborted,
    stopReason: aborted ? outcome.stopReason : "stop",
  };
  const summary = aborted ? "aborted" : "completed";
  return { runId, status: "ok", summary, result: { payloads: payloadsOf(outcome), meta } };
}

/** The answer as messages; media is named by its handle, since the gateway serves no URL for it. */
function payloadsOf({
  text: raw,
  media,
}: RunOutcome): { text?: string; mediaUrl: string | null; mediaUrls?: string[] }[] {
  const text = answerText(raw);
  const mediaUrls = media.map(({ ref }) => `media:${ref}`);
  if (text === "" && mediaUrls.length === 0) return [];
  const files = mediaUrls.length === 0 ? {} : { mediaUrls };
  return [{ ...(text === "" ? {} : { text }), mediaUrl: mediaUrls[0] ?? null, ...files }];
}

/** An aborted run counts as `timeout`, with its times (wire protocol section 5.3). */
function waitResult(runId: string, outcome: RunOutcome): ResultOf<"agent.wait"> {
  const { startedAt, endedAt } = outcome;
  switch (outcome.state) {
    case "done":
      return { runId, status: "ok", startedAt, endedAt, stopReason: "stop" };
    case "aborted":
      return { runId, status: "timeout", startedAt, endedAt, stopReason: outcome.stopReason };
    case "failed":
      return { runId, status: "error", startedAt, endedAt, error: outcome.error };
  }
}
