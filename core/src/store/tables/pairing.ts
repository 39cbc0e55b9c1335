import type { Peer } from "openclaw-host-sdk";
import type { AccountName } from "./inbox-rows.ts";
import { type OutboxIntent, insertIntents } from "./outbox-intents.ts";
import type { Tx } from "../tx.ts";

/** How long a code may be approved, ms. Source: wire protocol section 8.3. */
export const PAIRING_TTL_MS = 3_600_000;
/** Codes that wait at one time on one account; who comes then gets none. Source: wire protocol section 8.3. */
const MAX_PENDING = 3;
/** How often one requester is told the same code within its hour: whoever writes on and on is not answered on and on. */
const MAX_TOLD = 3;

interface Person extends AccountName {
  readonly sender: string;
  /** What the platform calls them: shown, never compared. */
  readonly name?: string;
  readonly handle?: string;
}

/** A stranger who waits for the owner. Times are epoch ms. */
export interface PendingPairing extends Person {
  readonly code: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
}

/** Somebody the owner let in. */
export interface PairedPerson extends Person {
  readonly approvedAt: number;
  readonly approvedBy: string;
}

/** A code as somebody gave it, in upper case; without an account it is looked for on every account of the channel. */
export interface CodeArgs {
  readonly channel: string;
  readonly account?: string;
  readonly code: string;
  readonly now: number;
}

interface RequestArgs extends Person {
  readonly peer: Peer;
  /** Candidates, the first of which that no other request of the channel has becomes the code. */
  readonly codes: readonly string[];
  readonly now: number;
}

/** `tell` is false when the requester has heard the code often enough. `full`: too many wait already. */
export type RequestOutcome =
  | { readonly state: "new" | "known"; readonly request: PendingPairing; readonly tell: boolean }
  | { readonly state: "full" };

interface Row {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  readonly code: string;
  readonly name: string | null;
  readonly handle: string | null;
}
type PendingRow = Row & {
  readonly peer: string;
  readonly told: number;
  readonly created_at: number;
  readonly last_seen_at: number;
};
type PairedRow = Row & { readonly approved_at: number; readonly approved_by: string };

const personOf = ({ channel, account, sender, name, handle }: Row): Person => ({
  channel,
  account,
  sender,
  ...(name === null ? {} : { name }),
  ...(handle === null ? {} : { handle }),
});

const pendingOf = (row: PendingRow): PendingPairing => ({
  ...personOf(row),
  code: row.code,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
});

const pairedOf = (row: PairedRow): PairedPerson => ({
  ...personOf(row),
  approvedAt: row.approved_at,
  approvedBy: row.approved_by,
});

const PENDING = "SELECT * FROM pairing_requests";
const PAIRED = "SELECT * FROM paired_senders";
const SENDER = "channel = ? AND account = ? AND sender = ?";
const CODE = "channel = ? AND code = ? AND account = COALESCE(?, account)";

/** A code of the future, from before the clock was set back, is as old as `now`: it must not be good for longer than its hour. */
function expire(tx: Tx, now: number): void {
  tx.run("UPDATE pairing_requests SET created_at = ? WHERE created_at > ?", now, now);
  tx.run("DELETE FROM pairing_requests WHERE created_at <= ?", now - PAIRING_TTL_MS);
}

function request(tx: Tx, args: RequestArgs): RequestOutcome {
  const { channel, account, sender, now } = args;
  expire(tx, now);
  const known = tx.get<PendingRow>(`${PENDING} WHERE ${SENDER}`, channel, account, sender);
  if (known !== undefined) return seenAgain(tx, known, now);
  const waiting = tx.all(`${PENDING} WHERE channel = ? AND account = ?`, channel, account).length;
  const taken = (code: string) => tx.get(`${PENDING} WHERE channel = ? AND code = ?`, channel, code) !== undefined;
  const code = args.codes.find((candidate) => !taken(candidate));
  if (waiting >= MAX_PENDING || code === undefined) return { state: "full" };
  tx.run(
    `INSERT INTO pairing_requests (channel, account, sender, code, name, handle, peer, told, created_at, last_seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
    channel,
    account,
    sender,
    code,
    args.name ?? null,
    args.handle ?? null,
    JSON.stringify(args.peer),
    now,
    now,
  );
  const { peer: _peer, codes: _codes, now: createdAt, ...person } = args;
  return { state: "new", request: { ...person, code, createdAt, lastSeenAt: createdAt }, tell: true };
}

function seenAgain(tx: Tx, row: PendingRow, now: number): RequestOutcome {
  const { channel, account, sender } = row;
  tx.run(`UPDATE pairing_requests SET last_seen_at = ? WHERE ${SENDER}`, now, channel, account, sender);
  return { state: "known", request: { ...pendingOf(row), lastSeenAt: now }, tell: row.told < MAX_TOLD };
}

/** Counts an answer that names the code. For use inside the command that queues it: what failed to be queued was not told. */
export function noteTold(tx: Tx, { channel, account, sender }: AccountName & { readonly sender: string }): void {
  tx.run(`UPDATE pairing_requests SET told = told + 1 WHERE ${SENDER}`, channel, account, sender);
}

/** A pending request by its code, and where its answer goes. */
function find(tx: Tx, args: CodeArgs): { readonly request: PendingPairing; readonly peer: Peer } | undefined {
  expire(tx, args.now);
  const row = tx.get<PendingRow>(`${PENDING} WHERE ${CODE}`, args.channel, args.code, args.account ?? null);
  return row === undefined ? undefined : { request: pendingOf(row), peer: JSON.parse(row.peer) as Peer };
}

/** `again` for a code that was approved before, within its hour. */
export interface Approval {
  readonly sender: PairedPerson;
  readonly again: boolean;
}

function approve(
  tx: Tx,
  args: CodeArgs & { readonly by: string; readonly intents: readonly OutboxIntent[] },
): Approval | undefined {
  const { channel, code, account = null, now, by } = args;
  const found = find(tx, args);
  if (found === undefined) {
    const earlier = tx.get<PairedRow>(
      `${PAIRED} WHERE ${CODE} AND approved_at > ?`,
      channel,
      code,
      account,
      now - PAIRING_TTL_MS,
    );
    return earlier === undefined ? undefined : { sender: pairedOf(earlier), again: true };
  }
  const { request: person } = found;
  tx.run(`DELETE FROM pairing_requests WHERE ${SENDER}`, channel, person.account, person.sender);
  tx.run(
    `INSERT INTO paired_senders (channel, account, sender, code, name, handle, approved_at, approved_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel, account, sender) DO UPDATE SET code = excluded.code, approved_at = excluded.approved_at, approved_by = excluded.approved_by`,
    channel,
    person.account,
    person.sender,
    code,
    person.name ?? null,
    person.handle ?? null,
    now,
    by,
  );
  insertIntents(tx, args.intents);
  const { code: _code, createdAt: _created, lastSeenAt: _seen, ...who } = person;
  return { sender: { ...who, approvedAt: now, approvedBy: by }, again: false };
}

export const pairingCommands = {
  /** Notes that a stranger wrote and chooses the code, once. */
  "pairing.request": (tx: Tx, args: RequestArgs): RequestOutcome => request(tx, args),

  "pairing.find": (tx: Tx, args: CodeArgs): ReturnType<typeof find> => find(tx, args),

  /** Lets the sender in and queues the news for them, in one transaction; undefined for a code that nobody waits with. */
  "pairing.approve": (
    tx: Tx,
    args: CodeArgs & { readonly by: string; readonly intents: readonly OutboxIntent[] },
  ): Approval | undefined => approve(tx, args),

  "pairing.reject": (tx: Tx, args: CodeArgs): PendingPairing | undefined => {
    const found = find(tx, args);
    if (found === undefined) return undefined;
    const { channel, account, sender } = found.request;
    tx.run(`DELETE FROM pairing_requests WHERE ${SENDER}`, channel, account, sender);
    return found.request;
  },

  /** Takes approvals of one sender back, on one account or all of a channel. */
  "pairing.remove": (
    tx: Tx,
    args: { readonly channel: string; readonly account?: string; readonly sender: string },
  ): readonly PairedPerson[] =>
    tx
      .all<PairedRow>(
        "DELETE FROM paired_senders WHERE channel = ? AND sender = ? AND account = COALESCE(?, account) RETURNING *",
        args.channel,
        args.sender,
        args.account ?? null,
      )
      .map(pairedOf),

  "pairing.requests": (tx: Tx, args: { readonly now: number }): readonly PendingPairing[] => {
    expire(tx, args.now);
    return tx.all<PendingRow>(`${PENDING} ORDER BY created_at, channel, account, sender`).map(pendingOf);
  },

  "pairing.paired": (tx: Tx, _args: Record<string, never>): readonly PairedPerson[] =>
    tx.all<PairedRow>(`${PAIRED} ORDER BY channel, account, sender`).map(pairedOf),
};
