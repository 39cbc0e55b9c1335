import type { TranscriptMessage } from "openclaw-host-schemas";
import { LeftLane } from "../../agent/lanes.ts";
import { executeRun } from "../../agent/run.ts";
import { createRunControl, type RunControl, type StopReason } from "../../agent/run-control.ts";
import { createRunFeed, type RunFeed } from "../../agent/run-feed.ts";
import type { SessionKey } from "../../base/brand.ts";
import type { RunOutcome, RunRecord } from "../../store/tables/run-record.ts";
import type { InboxRetry } from "../inbox/inbox.ts";
import { closeTurn, messageOf } from "./turn-close.ts";
import { answerCommand, saying } from "./turn-command.ts";
import { draftOf, withDraft } from "./turn-draft.ts";
import { history, type Prefetched, readHistory } from "./turn-history.ts";
import type { TurnParts } from "./turn-parts.ts";
import { parseRequest, type Watcher } from "./turn-request.ts";

/** What a client is told of a run that the gateway's stop cut short. */
export const STOPPED = "the gateway stopped during this run: send the message again";

/** A run of this process that is not closed yet. */
interface ActiveTurn {
  readonly run: RunRecord;
  /** False while it waits for its lane. */
  readonly began: boolean;
  /** Resolves once the run is closed, after the commit. Never rejects. */
  readonly closed: Promise<RunOutcome>;
  watch(watcher: Watcher): void;
  stop(reason: StopReason): void;
}

/** Takes committed runs through lane, agent and closing transaction. */
export interface TurnRunner {
  /** `prefetched` is what came with the run, if it may begin at once. */
  begin(run: RunRecord, prefetched?: Prefetched): ActiveTurn;
  get(runId: string): ActiveTurn | undefined;
  on(key: SessionKey): readonly ActiveTurn[];
  all(): readonly ActiveTurn[];
}

/** An active turn from inside. */
interface Turn {
  readonly run: RunRecord;
  readonly prefetched: Prefetched;
  readonly control: RunControl;
  /** Connections that receive tool events. */
  readonly toolAudience: Set<string>;
  began: boolean;
}

/** Runs live here between their first and their last commit; everything that must survive a crash is in the store. */
export function createTurnRunner(parts: TurnParts): TurnRunner {
  const active = new Map<string, ActiveTurn>();
  return {
    begin(run, prefetched = {}) {
      // A message that is claimed again finds its run still going on when only its claim had failed.
      const known = active.get(run.runId);
      if (known !== undefined) return known;
      const turn: Turn = { run, prefetched, control: createRunControl(), toolAudience: new Set(), began: false };
      const closed = take(parts, turn).finally(() => active.delete(run.runId));
      const entry: ActiveTurn = {
        run,
        closed,
        get began() {
          return turn.began;
        },
        watch({ connId, toolEvents }) {
          if (toolEvents) turn.toolAudience.add(connId);
        },
        stop: (reason) => turn.control.stop(reason),
      };
      active.set(run.runId, entry);
      return entry;
    },
    get: (runId) => active.get(runId),
    on: (key) => [...active.values()].filter((turn) => turn.run.sessionKey === key),
    all: () => [...active.values()],
  };
}

/** Through the lane; a run that is stopped while it waits is closed without one. */
async function take(parts: TurnParts, turn: Turn): Promise<RunOutcome> {
  const { run, control } = turn;
  try {
    return await parts.lanes.run(run.sessionKey, (leaveSlot) => play(parts, turn, leaveSlot), control.signal);
  } catch (error) {
    const feed = feedOf(parts, turn);
    if (!(error instanceof LeftLane)) return abandon(parts, { run, feed, error });
    const at = parts.clock.now();
    const nothing = { text: "", media: [], startedAt: at, endedAt: at };
    return finish(parts, {
      run,
      feed,
      outcome: { ...nothing, state: "aborted", stopReason: control.stopReason ?? "rpc" },
    });
  }
}

/**
 * The run itself. It keeps its lane until its closing transaction has committed, because the next run reads this one's answer;
 * its place among the agent's runs is free for other sessions as soon as the agent is done.
 */
async function play(parts: TurnParts, turn: Turn, leaveSlot: () => void): Promise<RunOutcome> {
  const { run } = turn;
  turn.began = true;
  const feed = feedOf(parts, turn);
  const draft = draftOf(parts, run);
  let outcome: RunOutcome;
  try {
    const begins = run.state === "accepted" ? await enter(parts, run) : turn.prefetched;
    outcome = await converse(parts, { ...turn, prefetched: begins }, withDraft(feed, draft));
  } catch (error) {
    outcome = failed(parts, messageOf(error));
  }
  leaveSlot();
  await draft?.end();
  return finish(parts, { run, feed, outcome });
}

/** What the agent reads ends with this run's question: those of runs that wait are not in the transcript yet. */
async function converse(parts: TurnParts, { run, control, prefetched }: Turn, feed: RunFeed): Promise<RunOutcome> {
  const request = parseRequest(run);
  const { command } = request;
  const reply = command === undefined ? undefined : await answerCommand(parts, run, command);
  const settings = parts.settings(run.agentId);
  const model = parts.sessions.get(run.sessionKey)?.model ?? settings.model;
  const history = await readHistory(parts, run, prefetched);
  return executeRun(parts, {
    runtime: reply === undefined ? parts.runtimes.forAgent(run.agentId) : saying(reply),
    turn: {
      session: run.sessionKey,
      turnId: run.runId,
      ...(model === undefined ? {} : { model }),
      messages: [...systemMessages(request.systemPrompt, run.acceptedAt), ...history],
      tools: [],
    },
    feed,
    control,
    timeoutMs: request.timeoutMs ?? settings.timeoutMs,
  });
}

/** Brings the message of a run that had to wait into the transcript. */
async function enter(parts: TurnParts, { runId }: RunRecord): Promise<Prefetched> {
  const begins = await parts.store.run("runs.start", { runId, at: parts.clock.now(), ...history(parts) });
  if (begins !== undefined) parts.sessions.noteCommitted(begins.entry);
  return begins ?? {};
}

/** Instructions for one run, as the first message. */
function systemMessages(text: string | undefined, timestamp: number): TranscriptMessage[] {
  return text === undefined || text.trim() === "" ? [] : [{ role: "system", content: text, timestamp }];
}

function feedOf(parts: TurnParts, turn: Turn): RunFeed {
  const { runId, sessionKey, sessionId, agentId } = turn.run;
  return createRunFeed(parts, {
    run: { runId, sessionKey, sessionId, agentId },
    toolAudience: turn.toolAudience,
    toolResults: parts.sessions.get(sessionKey)?.verboseLevel === "full",
  });
}

/** A run at its end. */
interface Ending {
  readonly run: RunRecord;
  readonly feed: RunFeed;
  readonly outcome: RunOutcome;
}

/** Stores what came of the run, then says so. */
async function finish(parts: TurnParts, { run, feed, outcome }: Ending): Promise<RunOutcome> {
  const ending = stoppedByRestart(outcome);
  if (ending !== undefined && run.door === "channel") {
    // Run and message stay open: the next start runs the message again.
    await giveBack(parts, run, { reason: STOPPED, delayMs: 0, counts: false });
    return ending;
  }
  try {
    const committed = await closeTurn(parts, run, ending ?? outcome);
    feed.end(committed);
    return committed;
  } catch (error) {
    return abandon(parts, { run, feed, error });
  }
}

/** A run that the gateway's own stop cut short, as its client should see it; undefined for every other end. */
function stoppedByRestart(outcome: RunOutcome): RunOutcome | undefined {
  if (outcome.state !== "aborted" || outcome.stopReason !== "restart") return undefined;
  return { ...outcome, state: "failed", error: STOPPED };
}

/** Until a message whose run could not be stored is taken again, ms. */
const ABANDONED_MS = 5_000;

/**
 * Nothing could be stored: the run stays open in its table, and everybody who waits is told why. The message of a channel is
 * taken again; a client's run is settled by the next start.
 */
async function abandon(
  parts: TurnParts,
  { run, feed, error }: { run: RunRecord; feed: RunFeed; error: unknown },
): Promise<RunOutcome> {
  const reason = messageOf(error);
  parts.log.error("a run could not be stored", { runId: run.runId, error: reason });
  if (run.door === "channel") await giveBack(parts, run, { reason, delayMs: ABANDONED_MS, counts: true });
  const outcome = failed(parts, `the run could not be stored: ${reason}`);
  feed.end(outcome);
  return outcome;
}

/** Lets the messages of a run be claimed again, so that their conversation goes on. Never rejects. */
async function giveBack(parts: TurnParts, run: RunRecord, retry: InboxRetry): Promise<void> {
  try {
    await parts.inbox.retry(run.inbox, retry);
  } catch (error) {
    parts.log.error("a message stays claimed until the next start", { runId: run.runId, error: messageOf(error) });
  }
}

function failed(parts: TurnParts, error: string): RunOutcome {
  const at = parts.clock.now();
  return { text: "", media: [], startedAt: at, endedAt: at, state: "failed", error };
}
