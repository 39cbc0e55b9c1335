import type { TranscriptMessage } from "openclaw-host-schemas";
import type { SessionKey } from "../base/brand.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { invalidRequest, WireError } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import type { SessionEntry, SessionPatch } from "../store/tables/session-entry.ts";
import type { Sessions } from "./sessions.ts";

/** What the agent part tells about running turns. */
export interface ActiveRuns {
  isBusy(key: SessionKey): boolean;
  /** Resolves when nothing runs or waits for the session. */
  idle(key: SessionKey): Promise<void>;
}

export interface SessionChangesOptions {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly runs: ActiveRuns;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "uuid">;
}

/** Changes that clients ask for. Each is committed, then visible in `Sessions`, then answered. */
export interface SessionChanges {
  /** Creates the session when there is none. Refuses a label that another session has. */
  patch(key: SessionKey, patch: SessionPatch): Promise<SessionEntry>;
  /** Starts an empty transcript; the old one is archived. Waits for a running turn, 15 s at most. */
  reset(key: SessionKey): Promise<SessionEntry>;
  /** Undefined when there was no session. Waits as `reset` does. */
  remove(key: SessionKey, options: { archive: boolean }): Promise<{ archived: readonly string[] } | undefined>;
  /** Appends an assistant message to an existing session; undefined when there is none. */
  inject(key: SessionKey, text: string): Promise<Injected | undefined>;
}

export interface Injected {
  readonly messageId: string;
  readonly message: TranscriptMessage;
  readonly entry: SessionEntry;
}

/** How long a reset waits for a running turn, ms. Source: wire protocol section 5.4. */
const IDLE_WAIT_MS = 15_000;

export function createSessionChanges(options: SessionChangesOptions): SessionChanges {
  const { store, sessions, clock, ids } = options;
  return {
    async patch(key, patch) {
      const outcome = await store.run("sessions.patch", { key, patch, sessionId: ids.uuid(), at: clock.now() });
      if (outcome.state === "label-taken") throw invalidRequest(`label already in use: ${outcome.label}`);
      sessions.noteCommitted(outcome.entry);
      return outcome.entry;
    },
    async reset(key) {
      await waitForRuns(key, options);
      const entry = await store.run("sessions.reset", { key, sessionId: ids.uuid(), at: clock.now() });
      sessions.noteCommitted(entry);
      return entry;
    },
    async remove(key, { archive }) {
      await waitForRuns(key, options);
      const deletion = await store.run("sessions.delete", { key, archive, at: clock.now() });
      if (deletion !== undefined) sessions.noteDeleted(key, deletion.rev);
      return deletion;
    },
    async inject(key, text) {
      const at = clock.now();
      const messageId = ids.uuid();
      const message = injectedMessage(text, at);
      const entry = await store.run("sessions.inject", { key, at, messages: [{ id: messageId, message }] });
      if (entry === undefined) return undefined;
      sessions.noteCommitted(entry);
      return { messageId, message, entry };
    },
  };
}

const injectedMessage = (text: string, timestamp: number): TranscriptMessage => ({
  role: "assistant",
  content: [{ type: "text", text }],
  timestamp,
  stopReason: "stop",
  provider: "gateway",
  model: "gateway-injected",
});

async function waitForRuns(key: SessionKey, parts: Pick<SessionChangesOptions, "runs" | "clock">): Promise<void> {
  if (!parts.runs.isBusy(key)) return;
  const waited = new AbortController();
  await Promise.race([parts.runs.idle(key), parts.clock.sleep(IDLE_WAIT_MS, waited.signal)]);
  waited.abort();
  if (!parts.runs.isBusy(key)) return;
  throw new WireError("UNAVAILABLE", `Session ${key} is still active; try again in a moment.`, { retryable: true });
}
