import { userMessage } from "../../agent/transcript-message.ts";
import { invalidRequest, WireError } from "../../base/wire-error.ts";
import type { RunRecord } from "../../store/tables/run-record.ts";
import { historyNow } from "./turn-history.ts";
import type { TurnParts } from "./turn-parts.ts";
import { type DoorRequest, encodeRequest, type Started } from "./turn-request.ts";
import type { TurnRunner } from "./turn-run.ts";

/** Longest key a client may choose, UTF-16 units; it becomes the run's id. */
const MAX_KEY_CHARS = 512;

/**
 * The door of `agent` and `chat.send`. The run is committed before this resolves; a repeat of an earlier request is told
 * how that one stands. Source: wire protocol sections 0 (Idempotency) and 4.1.
 *
 * @throws WireError when the key belongs to somebody else or to another request, or when the session may not be written to.
 */
export async function startTurn(parts: TurnParts, runner: TurnRunner, door: DoorRequest): Promise<Started> {
  if (door.runId.length > MAX_KEY_CHARS)
    throw invalidRequest(`idempotencyKey must have 1 to ${MAX_KEY_CHARS} characters`);
  if (parts.sessions.get(door.sessionKey)?.sendPolicy === "deny")
    throw invalidRequest("send blocked by session policy");
  // Throws when it is not loaded: better refused now than accepted and failed.
  parts.runtimes.forAgent(door.agentId);
  if (door.reset === true) {
    // A repeat must not empty the session that its first call has filled since.
    const earlier = await parts.store.run("runs.get", { runId: door.runId });
    if (earlier !== undefined) return repeat(runner, door, earlier);
    await parts.resetSession(door.sessionKey);
  }
  const at = parts.clock.now();
  const { text, media } = door.request;
  const { state, run, ...begins } = await parts.store.run("runs.accept", {
    runId: door.runId,
    door: door.door,
    identity: door.identity,
    digest: door.digest,
    sessionKey: door.sessionKey,
    sessionId: parts.ids.uuid(),
    agentId: door.agentId,
    request: encodeRequest(door.request),
    message: { id: parts.ids.uuid(), message: userMessage({ text, media, at }) },
    at,
    ...historyNow(parts),
  });
  if (state !== "new") return repeat(runner, door, run);
  if (begins.entry !== undefined) parts.sessions.noteCommitted(begins.entry);
  const turn = runner.begin(run, begins);
  watchSession(runner, door);
  return { status: "started", run, outcome: turn.closed };
}

/** A caller who speaks in a session sees the tools of every run that is active there (wire protocol section 4.3). */
function watchSession(runner: TurnRunner, { sessionKey, watcher }: DoorRequest): void {
  if (watcher === undefined) return;
  for (const turn of runner.on(sessionKey)) turn.watch(watcher);
}

/** Run ids are unique for everybody, so a key tells nothing to a device that did not choose it. */
function repeat(runner: TurnRunner, door: DoorRequest, run: RunRecord): Started {
  if (run.identity !== door.identity) {
    throw invalidRequest("this idempotencyKey is in use by another device: choose a new one");
  }
  if (run.door !== door.door || run.digest !== door.digest) {
    throw invalidRequest("this idempotencyKey was used for another request: choose a new one for every new request");
  }
  if (run.outcome !== undefined) return { status: "closed", run, outcome: run.outcome };
  if (runner.get(run.runId) === undefined) {
    throw new WireError(
      "UNAVAILABLE",
      "what came of this run could not be stored: it is settled when the gateway starts again",
    );
  }
  watchSession(runner, door);
  return { status: "in_flight", run };
}
