import { type InboxFinal, markInbox, returnRows } from "./inbox-rows.ts";
import { withholdForeign } from "./identities.ts";
import { closeDraft } from "./draft-rows.ts";
import type { OutboxIntent } from "./outbox-intents.ts";
import {
  OPEN_RUN,
  parsePending,
  parseRun,
  RUN_COLUMNS,
  type RunOutcome,
  type RunRecord,
  type StoredMessage,
} from "./run-record.ts";
import type { SessionEntry, SessionFacts } from "./session-entry.ts";
import { appendMessages } from "./sessions.ts";
import { wholePage } from "./transcript-rows.ts";
import type { Row, Tx } from "../tx.ts";

/** What is asked for; `sessionId` is that of the session when this run creates it. */
type Asked = Pick<
  RunRecord,
  "runId" | "door" | "identity" | "digest" | "sessionKey" | "sessionId" | "agentId" | "request"
>;

export interface AcceptArgs extends Asked {
  /** What the user said. */
  readonly message: StoredMessage;
  /** Inbox rows the run answers, in order. */
  readonly inbox?: readonly number[];
  readonly facts?: SessionFacts;
  readonly at: number;
  /** Most messages of the transcript to return with a run that may begin at once. Default none. */
  readonly history?: number;
}

/**
 * `new`: stored now. `known`: the run id exists, nothing was stored. `adopted`: these inbox rows had a run that never
 * closed (the process died); it goes on under its own id.
 */
export interface AcceptResult {
  readonly state: "new" | "known" | "adopted";
  readonly run: RunRecord;
  readonly entry?: SessionEntry;
  /** The newest messages as stored, oldest first; absent when they are many, or the run has to wait. */
  readonly history?: readonly string[];
}

/** What a run that waited begins with; as in `AcceptResult`. */
export type StartResult = Pick<AcceptResult, "history"> & { readonly entry: SessionEntry };

export interface StartArgs extends Pick<AcceptArgs, "history" | "at"> {
  readonly runId: string;
}

export interface CloseArgs {
  readonly runId: string;
  readonly outcome: RunOutcome;
  /** The assistant's message, unless it said nothing. */
  readonly message?: StoredMessage;
  readonly intents: readonly OutboxIntent[];
  /** What becomes of the run's inbox rows. */
  readonly inbox: { readonly state: InboxFinal; readonly reason?: string };
  readonly at: number;
}

function readRow(tx: Tx, runId: string): Row | undefined {
  return tx.get(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`, runId);
}

function accept(tx: Tx, args: AcceptArgs): AcceptResult {
  // Claimed again, the messages of a dead run come in the same order, so their first one identifies it.
  const first = args.inbox?.[0];
  const adopted =
    first === undefined
      ? undefined
      : tx.get(`SELECT ${RUN_COLUMNS} FROM runs WHERE inbox_first = ? AND ${OPEN_RUN}`, first);
  if (adopted !== undefined) return adopt(tx, parseRun(adopted), args);
  const known = readRow(tx, args.runId);
  if (known !== undefined) return { state: "known", run: parseRun(known) };
  // A run behind another one adds its user message when it begins: the transcript then reads question, answer, question.
  const behind =
    tx.get(`SELECT 1 FROM runs WHERE session_key = ? AND ${OPEN_RUN} LIMIT 1`, args.sessionKey) !== undefined;
  const entry = appendMessages(tx, {
    key: args.sessionKey,
    sessionId: args.sessionId,
    messages: behind ? [] : [args.message],
    at: args.at,
    ...(args.facts === undefined ? {} : { facts: args.facts }),
  });
  const { runId, door, identity, digest, sessionKey, agentId, request, inbox = [], at: acceptedAt } = args;
  const state = behind ? "accepted" : "running";
  const session = { sessionKey, sessionId: entry.sessionId };
  const run: RunRecord = { runId, door, identity, digest, ...session, agentId, request, inbox, state, acceptedAt };
  insertRun(tx, run, behind ? args.message : undefined);
  return { state: "new", run, entry, ...(behind ? {} : historyOf(tx, run.sessionId, args.history)) };
}

/** A page that is returned beside other things may be so large, bytes: up to a thousand of them meet in one group. */
const PAGE_BYTES = 64 * 1024;

/** The whole page that a reader would get, or nothing. */
function historyOf(tx: Tx, sessionId: string, limit: number | undefined): Pick<AcceptResult, "history"> {
  const history = limit === undefined ? undefined : wholePage(tx, { sessionId, limit, maxBytes: PAGE_BYTES });
  return history === undefined ? {} : { history };
}

/** Pieces of an album that came after the run had begun are no part of it: they get a run of their own behind it. */
function adopt(tx: Tx, run: RunRecord, { inbox = [], at }: AcceptArgs): AcceptResult {
  const late = inbox.filter((id) => !run.inbox.includes(id));
  returnRows(tx, late, { reason: "it came after the rest of its album", at, dueAt: at, counts: false });
  return { state: "adopted", run };
}

function insertRun(tx: Tx, run: RunRecord, pending: StoredMessage | undefined): void {
  tx.run(
    `INSERT INTO runs (run_id, door, identity, digest, session_key, session_id, agent_id, request, pending, inbox, inbox_first, state, accepted_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run.runId,
    run.door,
    run.identity,
    run.digest,
    run.sessionKey,
    run.sessionId,
    run.agentId,
    run.request,
    pending === undefined ? null : JSON.stringify(pending),
    run.inbox.length === 0 ? null : JSON.stringify(run.inbox),
    run.inbox[0] ?? null,
    run.state,
    run.acceptedAt,
  );
}

/** The user's message enters the transcript; undefined when the run is not waiting any more. */
function start(tx: Tx, args: StartArgs): StartResult | undefined {
  const row = readRow(tx, args.runId);
  if (row === undefined || row["state"] !== "accepted") return undefined;
  const pending = parsePending(row);
  const { sessionKey } = parseRun(row);
  const messages = pending === undefined ? [] : [pending];
  const entry = appendMessages(tx, { key: sessionKey, messages, at: args.at });
  tx.run("UPDATE runs SET state = 'running', pending = NULL WHERE run_id = ?", args.runId);
  return { entry, ...historyOf(tx, entry.sessionId, args.history) };
}

/** Everything that a run changes, in one transaction; undefined when it is closed already. */
function close(tx: Tx, args: CloseArgs): SessionEntry | undefined {
  const row = readRow(tx, args.runId);
  if (row === undefined) return undefined;
  const run = parseRun(row);
  if (run.outcome !== undefined) return undefined;
  // A run that ends before it began still shows what the user said.
  const messages = [parsePending(row), args.message].filter((message) => message !== undefined);
  const entry = appendMessages(tx, { key: run.sessionKey, messages, at: args.at, facts: closingFacts(args.outcome) });
  closeDraft(tx, args.runId, { intents: args.intents, origin: run.inbox, at: args.at });
  withholdForeign(tx, run.inbox, args.at);
  markInbox(tx, run.inbox, { ...args.inbox, at: args.at });
  tx.run(
    "UPDATE runs SET state = ?, ended_at = ?, outcome = ?, request = '{}', pending = NULL, inbox_first = NULL WHERE run_id = ?",
    args.outcome.state,
    args.outcome.endedAt,
    JSON.stringify(kept(run, args.outcome)),
    args.runId,
  );
  return entry;
}

/** Nobody asks again for the answer to a message of a channel: transcript and delivery have it. */
const kept = ({ door }: RunRecord, outcome: RunOutcome): RunOutcome =>
  door === "channel" ? { ...outcome, text: "", media: [] } : outcome;

/** What `sessions.list` shows of the last run. */
function closingFacts({ state, usage }: RunOutcome): SessionFacts {
  const abortedLastRun = state === "aborted";
  if (usage === undefined) return { abortedLastRun };
  const { input, output } = usage;
  return { abortedLastRun, inputTokens: input, outputTokens: output, totalTokens: input + output };
}

/** True while an inbox row may still be claimed, or is. */
function isOpenInbox(tx: Tx, id: number): boolean {
  return tx.get(`SELECT 1 FROM inbox WHERE id = ? AND state IN ('recorded', 'running')`, id) !== undefined;
}

export const runsCommands = {
  /** Stores a run before anybody is told that it was accepted. */
  "runs.accept": (tx: Tx, args: AcceptArgs): AcceptResult => accept(tx, args),

  /** The run leaves the queue of its session. */
  "runs.start": (tx: Tx, args: StartArgs): StartResult | undefined => start(tx, args),

  /** The one transaction that ends a run: run, transcript, outbox and inbox together. */
  "runs.close": (tx: Tx, args: CloseArgs): SessionEntry | undefined => close(tx, args),

  /** By run id; a closed run carries its outcome. */
  "runs.get": (tx: Tx, args: { readonly runId: string }): RunRecord | undefined => {
    const row = readRow(tx, args.runId);
    return row === undefined ? undefined : parseRun(row);
  },

  /** Open runs that no inbox row will bring back. */
  "runs.stranded": (tx: Tx, _args: Record<string, never>): RunRecord[] =>
    tx
      .all(`SELECT ${RUN_COLUMNS} FROM runs WHERE ${OPEN_RUN} ORDER BY accepted_at, run_id`)
      .map(parseRun)
      .filter((run) => !run.inbox.some((id) => isOpenInbox(tx, id))),
};
