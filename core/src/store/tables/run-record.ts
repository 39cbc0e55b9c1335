import type { TranscriptMessage } from "openclaw-host-schemas";
import type { MediaRef } from "openclaw-host-sdk";
import type { SessionKey } from "../../base/brand.ts";
import type { Row } from "../tx.ts";

/** Where a run came in. */
export type RunDoor = "agent" | "chat.send" | "channel";

/** Common to every end. */
interface RunResult {
  readonly text: string;
  readonly media: readonly MediaRef[];
  /** Tokens. */
  readonly usage?: { readonly input: number; readonly output: number };
  /** Epoch ms. Equal to `endedAt` for a run that never began. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What came of a run. An aborted or failed run keeps the text it had. */
export type RunOutcome = RunResult &
  (
    | { readonly state: "done" }
    | { readonly state: "aborted"; readonly stopReason: string }
    | { readonly state: "failed"; readonly error: string }
  );

/** A transcript message with the id it is stored under. */
export interface StoredMessage {
  readonly id: string;
  readonly message: TranscriptMessage;
}

/** One run as it is stored. Times are epoch ms. */
export interface RunRecord {
  readonly runId: string;
  readonly door: RunDoor;
  /** The device (or `local-owner`, or the channel account) that asked for it. */
  readonly identity: string;
  /** Digest of what was asked, to tell a repeat from another request under the same key. */
  readonly digest: string;
  readonly sessionKey: SessionKey;
  readonly sessionId: string;
  readonly agentId: string;
  /** JSON, owned by `channels/turn-request`; an empty object once the run is closed. */
  readonly request: string;
  readonly inbox: readonly number[];
  readonly state: "accepted" | "running" | RunOutcome["state"];
  readonly acceptedAt: number;
  /** Present once the run is closed; that of a channel's run without text and media. */
  readonly outcome?: RunOutcome;
}

/** The table's columns as SQLite returns them. */
interface RunRow extends Row {
  readonly run_id: string;
  readonly door: string;
  readonly identity: string;
  readonly digest: string;
  readonly session_key: string;
  readonly session_id: string;
  readonly agent_id: string;
  readonly request: string;
  readonly pending: string | null;
  readonly inbox: string | null;
  readonly state: string;
  readonly accepted_at: number;
  readonly outcome: string | null;
}

/** As the partial index `runs_open` has it, word for word: only then is the index used. */
export const OPEN_RUN = "state IN ('accepted', 'running')";

/** What `parseRun` and `parsePending` read. */
export const RUN_COLUMNS =
  "run_id, door, identity, digest, session_key, session_id, agent_id, request, pending, inbox, state, accepted_at, outcome";

/** The only writer of the table is `runs.ts`, so its rows are taken at their word. */
export function parseRun(row: Row): RunRecord {
  const run = row as RunRow;
  return {
    runId: run.run_id,
    door: run.door as RunDoor,
    identity: run.identity,
    digest: run.digest,
    sessionKey: run.session_key as SessionKey,
    sessionId: run.session_id,
    agentId: run.agent_id,
    request: run.request,
    inbox: run.inbox === null ? [] : (JSON.parse(run.inbox) as number[]),
    state: run.state as RunRecord["state"],
    acceptedAt: run.accepted_at,
    ...(run.outcome === null ? {} : { outcome: JSON.parse(run.outcome) as RunOutcome }),
  };
}

/** The user's message that is not in the transcript yet. */
export function parsePending(row: Row): StoredMessage | undefined {
  const { pending } = row as RunRow;
  return pending === null ? undefined : (JSON.parse(pending) as StoredMessage);
}
