import type { MediaRef } from "openclaw-host-sdk";
import type { SessionKey } from "../../base/brand.ts";
import type { RunDoor, RunOutcome, RunRecord } from "../../store/tables/run-record.ts";
import type { HostCommand } from "../policy/host-command.ts";
import type { DeliveryTarget } from "../policy/route.ts";

/** A command with the answer that is known already, for those that acted when they came in. */
export interface RequestedCommand extends HostCommand {
  readonly reply?: string;
}

/** What a run was asked to do, as its row keeps it. */
export interface TurnRequest {
  readonly text: string;
  readonly media: readonly MediaRef[];
  /** Where the answer goes besides the transcript. */
  readonly target?: DeliveryTarget;
  /** True when the run succeeds even if its answer cannot be delivered. */
  readonly bestEffort?: boolean;
  /** Limit of this run in ms, 0 for none. Default: the agent's. */
  readonly timeoutMs?: number;
  /** The host answers this, not the agent. */
  readonly command?: RequestedCommand;
  /** Put before the transcript, for this run only. */
  readonly systemPrompt?: string;
}

export const encodeRequest = (request: TurnRequest): string => JSON.stringify(request);

export const parseRequest = (run: Pick<RunRecord, "request">): TurnRequest => JSON.parse(run.request) as TurnRequest;

/** A connection that follows a run. */
export interface Watcher {
  readonly connId: string;
  /** True when it declared the capability `tool-events`. */
  readonly toolEvents: boolean;
}

/** A run as a client asks for it. */
export interface DoorRequest {
  /** The client's idempotency key. */
  readonly runId: string;
  readonly door: Exclude<RunDoor, "channel">;
  readonly identity: string;
  readonly digest: string;
  readonly sessionKey: SessionKey;
  readonly agentId: string;
  readonly request: TurnRequest;
  readonly watcher?: Watcher;
  /** Reset the session first, unless this is a repeat. */
  readonly reset?: boolean;
}

/** `in_flight` and `closed` answer a repeat of an earlier request. */
export type Started =
  | { readonly status: "started"; readonly run: RunRecord; readonly outcome: Promise<RunOutcome> }
  | { readonly status: "in_flight"; readonly run: RunRecord }
  | { readonly status: "closed"; readonly run: RunRecord; readonly outcome: RunOutcome };
