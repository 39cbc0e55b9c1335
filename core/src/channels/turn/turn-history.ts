import type { TranscriptMessage } from "openclaw-host-schemas";
import { parseMessage } from "../../sessions/sessions.ts";
import type { RunRecord } from "../../store/tables/run-record.ts";
import type { AcceptResult } from "../../store/tables/runs.ts";
import type { TurnParts } from "./turn-parts.ts";

/** As many as `chat.history` shows by default. */
const DEFAULT_HISTORY_LIMIT = 200;

/** What the command that let a run begin returned of its session. */
export type Prefetched = Pick<AcceptResult, "entry" | "history">;

const limitOf = (parts: TurnParts): number => parts.historyLimit ?? DEFAULT_HISTORY_LIMIT;

/** Asks the command that lets a run begin for its history. */
export const history = (parts: TurnParts): { history: number } => ({ history: limitOf(parts) });

/** As `history`, unless the run would wait: there is no end to the runs of clients that wait, each with what it has to read. */
export function historyNow(parts: TurnParts): { history?: number } {
  return parts.lanes.hasSlot() ? history(parts) : {};
}

/** What the agent reads: as it was returned with the run, unless the session has changed since. */
export async function readHistory(
  parts: TurnParts,
  { sessionKey }: RunRecord,
  { entry, history }: Prefetched,
): Promise<TranscriptMessage[]> {
  const unchanged = entry !== undefined && parts.sessions.get(sessionKey)?.rev === entry.rev;
  if (unchanged && history !== undefined) return history.map(parseMessage);
  return parts.sessions.history(sessionKey, limitOf(parts));
}
