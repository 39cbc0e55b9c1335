import type { Caller } from "../auth/caller.ts";
import { bodyDigest } from "../base/digest.ts";
import type { DoorRequest, Watcher } from "../channels/turn/turn-request.ts";
import type { AgentSession } from "./agent-session.ts";

/** What a caller asks an agent to do, ready to be run. */
export interface AskedRun extends Pick<DoorRequest, "door" | "request"> {
  readonly params: { readonly idempotencyKey: string };
  readonly caller: Caller;
  readonly session: AgentSession;
}

/** A run in the caller's name, which the caller follows. */
export function doorRequest({ door, params, caller, session, request }: AskedRun): DoorRequest {
  // The digest covers everything but the key: the same key with another body is another request.
  const { idempotencyKey, ...body } = params;
  return {
    runId: idempotencyKey,
    door,
    identity: caller.identity,
    digest: bodyDigest(body),
    sessionKey: session.key,
    agentId: session.agentId,
    request,
    watcher: watcherOf(caller),
  };
}

/** Who follows a run that this caller starts. */
const watcherOf = ({ connId, caps }: Caller): Watcher => ({ connId, toolEvents: caps.includes("tool-events") });
