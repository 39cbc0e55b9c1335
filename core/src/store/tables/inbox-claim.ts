import { type AccountName, BURST, type ClaimedRows, type Head, OPEN, markInbox } from "./inbox-rows.ts";
import { OPEN_RUN } from "./run-record.ts";
import type { Tx } from "../tx.ts";

export interface ClaimArgs {
  /** Epoch ms. */
  readonly now: number;
  /** A row of which so many attempts did not end is parked. */
  readonly maxAttempts: number;
  /** As `maxAttempts`, for deaths of the process before the row had a run. */
  readonly maxEarlyDeaths: number;
  /** Only rows of these. Default all. */
  readonly accounts?: readonly AccountName[];
  /** Most claims. Default 1. */
  readonly most?: number;
  /** UTF-16 units of events after which no further claim is added. Default no limit. */
  readonly weight?: number;
}

/** Without a claim, `nextDueAt` says when to ask again; there may be more even when there are fewer than were asked for. */
export interface Claimed {
  readonly claims: readonly ClaimedRows[];
  readonly nextDueAt?: number;
}

/** As the partial index `inbox_suspects` has it: in hand at two deaths of the process, a message may be the reason for them. */
const SUSPECT = "attempts + early_deaths >= 2";
const isSuspect = ({ attempts, earlyDeaths }: Head): boolean => attempts + earlyDeaths >= 2;

const HEADS =
  "SELECT id, channel, account, lane, album, attempts, early_deaths AS earlyDeaths, due_at AS dueAt FROM inbox WHERE head = 1";
const EARLIEST = "ORDER BY due_at, id LIMIT ?";

/** Rows read for an account beyond its share of what is asked for. */
const SPARE_ROWS = 8;

const byTime = (a: Head, b: Head): number => a.dueAt - b.dueAt || a.id - b.id;

/**
 * Rows that may run first, now or later, over all accounts or the named ones, in order; at least one if there is any. Suspects
 * run one at a time: at the next death only one of them was in hand, so that one message which kills the process takes no
 * other with it.
 */
function earliestHeads(tx: Tx, { accounts, most = 1 }: ClaimArgs): Head[] {
  const suspectRuns = tx.get(`SELECT 1 FROM inbox WHERE state = 'running' AND ${SUSPECT} AND ${OPEN}`) !== undefined;
  const heads = suspectRuns ? `${HEADS} AND NOT (${SUSPECT})` : HEADS;
  if (accounts === undefined) return tx.all<Head>(`${heads} ${EARLIEST}`, most);
  const limit = Math.ceil(most / Math.max(1, accounts.length)) + SPARE_ROWS;
  const pages = accounts.map(({ channel, account }) =>
    tx.all<Head>(`${heads} AND channel = ? AND account = ? ${EARLIEST}`, channel, account, limit),
  );
  // Behind the end of a full page there may be rows that come before those of other accounts.
  const ends = pages.filter((page) => page.length === limit).flatMap((page) => page.slice(-1));
  const known = pages.flat().sort(byTime);
  return known.filter((head) => ends.every((end) => byTime(head, end) <= 0)).slice(0, most);
}

/** Takes what is due, one row or album of a lane. One that did not end too often is parked instead. */
export function claimRows(tx: Tx, args: ClaimArgs): Claimed {
  for (;;) {
    const heads = earliestHeads(tx, args);
    const [first] = heads;
    if (first === undefined) return { claims: [] };
    if (first.dueAt > args.now) return { claims: [], nextDueAt: first.dueAt };
    const claims = claimHeads(tx, args, heads);
    // Nothing claimed although something was due: all of it was parked, and what was behind it comes up.
    if (claims.length > 0) return { claims };
  }
}

function claimHeads(tx: Tx, args: ClaimArgs, heads: readonly Head[]): ClaimedRows[] {
  const claims: ClaimedRows[] = [];
  let weight = 0;
  let suspect = false;
  for (const head of heads) {
    if (head.dueAt > args.now || (args.weight !== undefined && weight > args.weight)) break;
    if (isParked(tx, args, head) || (suspect && isSuspect(head))) continue;
    suspect ||= isSuspect(head);
    const claim = claimOne(tx, head, args.now);
    for (const event of claim.events) weight += event.length;
    claims.push(claim);
  }
  return claims;
}

/** A message that kills the process cannot do it for ever. */
function isParked(tx: Tx, args: ClaimArgs, head: Head): boolean {
  const reason = whyPark(args, head);
  if (reason === undefined) return false;
  const ids = rowsOf(tx, head).map((row) => row.id);
  markInbox(tx, ids, { state: "parked", reason, at: args.now });
  return true;
}

function whyPark({ maxAttempts, maxEarlyDeaths }: ClaimArgs, head: Head): string | undefined {
  if (head.attempts >= maxAttempts) return `gave up after ${head.attempts} attempts that did not end`;
  if (head.earlyDeaths < maxEarlyDeaths) return undefined;
  return `gave up: the gateway ended ${head.earlyDeaths} times while the message was read and its files were fetched`;
}

function claimOne(tx: Tx, head: Head, now: number): ClaimedRows {
  const rows = rowsOf(tx, head);
  const ids = rows.map((row) => row.id);
  for (const id of ids) tx.run("UPDATE inbox SET state = 'running', head = 0, changed_at = ? WHERE id = ?", now, id);
  const { channel, account, lane, attempts } = head;
  const events = rows.map((row) => row.event);
  const [first = ""] = events;
  return {
    ids,
    channel,
    account,
    lane,
    events,
    attempts,
    repliesToUs: answersOurs(tx, head, first),
    hasRun: hasRun(tx, ids),
  };
}

/** Claimed again, the messages of an open run come in the same order, so their first one identifies it. */
function hasRun(tx: Tx, [first]: readonly number[]): boolean {
  return first !== undefined && tx.get(`SELECT 1 FROM runs WHERE inbox_first = ? AND ${OPEN_RUN}`, first) !== undefined;
}

interface ClaimedRow {
  readonly id: number;
  readonly event: string;
}

/** Messages of a burst that become one turn at most: what a long silence of ours piled up is read in portions. */
const MAX_BURST = 50;

/** The row itself, or all pieces of its album or burst. */
function rowsOf(tx: Tx, head: Head): ClaimedRow[] {
  if (head.album === null) return tx.all<ClaimedRow>("SELECT id, event FROM inbox WHERE id = ?", head.id);
  if (head.album.startsWith(BURST)) {
    return tx.all<ClaimedRow>(
      `SELECT id, event FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}
         AND id < COALESCE((SELECT MIN(o.id) FROM inbox o WHERE o.lane = ? AND o.id > ? AND o.album IS NOT ? AND o.state = 'recorded' AND o.${OPEN}), id + 1)
       ORDER BY id LIMIT ${MAX_BURST}`,
      head.lane,
      head.album,
      head.lane,
      head.id,
      head.album,
    );
  }
  return tx.all<ClaimedRow>(
    `SELECT id, event FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN} ORDER BY id`,
    head.lane,
    head.album,
  );
}

function answersOurs(tx: Tx, head: Head, json: string): boolean {
  // Most messages answer nothing; inside a text the quotes would be escaped.
  if (!json.includes('"replyTo":')) return false;
  const found = tx.get(
    `SELECT 1 FROM sent_messages WHERE channel = ?1 AND account = ?2 AND ?3 ->> '$.type' = 'message'
       AND peer = ?3 ->> '$.peer.id' AND message_id = ?3 ->> '$.replyTo'`,
    head.channel,
    head.account,
    json,
  );
  return found !== undefined;
}
