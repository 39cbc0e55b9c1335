import type { Inbound } from "openclaw-host-sdk";
import { type AccountName, markKept, recordAgain } from "./inbox-rows.ts";
import type { Tx } from "../tx.ts";

/** Kept from running: for their owner to look at, or by policy. */
export type KeptState = "parked" | "refused";

/** One message that came in and was kept from running. Times are epoch ms. */
export interface KeptMessage extends AccountName {
  readonly id: number;
  readonly event: Inbound;
  readonly state: KeptState;
  readonly reason: string;
  readonly attempts: number;
  readonly receivedAt: number;
  /** When it was parked or refused. */
  readonly changedAt: number;
}

export interface KeptFilter {
  readonly state: KeptState;
  readonly channel?: string;
  readonly account?: string;
}

export interface KeptPage {
  readonly messages: readonly KeptMessage[];
  /** True when older ones follow. */
  readonly more: boolean;
}

interface KeptRow extends AccountName {
  readonly id: number;
  readonly event: string;
  readonly lane: string;
  readonly album: string | null;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly receivedAt: number;
  readonly changedAt: number;
}

const COLUMNS = `id, channel, account, event, lane, album, state, reason, attempts + early_deaths AS attempts,
  received_at AS receivedAt, changed_at AS changedAt`;

/** As the partial indexes `inbox_parked` and `inbox_refused` have it, word for word. */
const IN: Readonly<Record<KeptState, string>> = { parked: "state = 'parked'", refused: "state = 'refused'" };

const isKept = (row: KeptRow | undefined): row is KeptRow & { readonly state: KeptState } =>
  row?.state === "parked" || row?.state === "refused";

function toMessage(row: KeptRow & { readonly state: KeptState }): KeptMessage {
  const { id, channel, account, state, reason, attempts, receivedAt, changedAt } = row;
  const event = JSON.parse(row.event) as Inbound;
  return { id, channel, account, event, state, reason: reason ?? "", attempts, receivedAt, changedAt };
}

function list(
  tx: Tx,
  { filter, limit, before }: { readonly filter: KeptFilter; readonly limit: number; readonly before?: number },
): KeptPage {
  const wanted: readonly (readonly [string, string | number | undefined])[] = [
    ["id < ?", before],
    ["channel = ?", filter.channel],
    ["account = ?", filter.account],
  ];
  const given = wanted.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql: ` AND ${sql}`, value }]));
  const rows = tx.all<KeptRow>(
    `SELECT ${COLUMNS} FROM inbox INDEXED BY inbox_${filter.state} WHERE ${IN[filter.state]}${given.map(({ sql }) => sql).join("")}
     ORDER BY id DESC LIMIT ?`,
    ...given.map(({ value }) => value),
    limit + 1,
  );
  return { messages: rows.filter(isKept).slice(0, limit).map(toMessage), more: rows.length > limit };
}

const find = (tx: Tx, id: number): KeptRow | undefined =>
  tx.get<KeptRow>(`SELECT ${COLUMNS} FROM inbox WHERE id = ?`, id);

/** Rows between the first and the last piece of an album or burst, at most. */
const REACH = 10_000;

/** The row, and what was kept with it: the pieces of one album or burst are one message. */
function together(tx: Tx, row: KeptRow & { readonly state: KeptState }): readonly number[] {
  if (row.album === null) return [row.id];
  const rows = tx.all<{ id: number }>(
    `SELECT id FROM inbox INDEXED BY inbox_${row.state} WHERE ${IN[row.state]} AND id > ? AND id < ?
       AND lane = ? AND album = ? AND changed_at = ? ORDER BY id`,
    row.id - REACH,
    row.id + REACH,
    row.lane,
    row.album,
    row.changedAt,
  );
  return rows.map(({ id }) => id);
}

function decide(
  tx: Tx,
  id: number,
  change: (ids: readonly number[], lane: string) => void,
): readonly number[] | undefined {
  const row = find(tx, id);
  if (row === undefined) return undefined;
  if (!isKept(row)) return [];
  const ids = together(tx, row);
  change(ids, row.lane);
  return ids;
}

/**
 * What came in and was kept from running, as its owner uses it. A decision returns the rows it changed, none when the message is not
 * kept any more, undefined for one that is not known.
 */
export const keptMessagesCommands = {
  /** Newest first; a page begins below the id `before`. */
  "kept.list": (
    tx: Tx,
    args: { readonly filter: KeptFilter; readonly limit: number; readonly before?: number },
  ): KeptPage => list(tx, args),

  "kept.get": (tx: Tx, { id }: { readonly id: number }): KeptMessage | undefined => {
    const row = find(tx, id);
    return isKept(row) ? toMessage(row) : undefined;
  },

  /** It is claimed again, in its place in the conversation and with no attempt counted; policy decides on it anew. */
  "kept.retry": (tx: Tx, { id, at }: { readonly id: number; readonly at: number }): readonly number[] | undefined =>
    decide(tx, id, (ids, lane) => recordAgain(tx, { ids, lane, at })),

  /** It is done with, unanswered. */
  "kept.drop": (
    tx: Tx,
    { id, reason, at }: { readonly id: number; readonly reason: string; readonly at: number },
  ): readonly number[] | undefined => decide(tx, id, (ids) => markKept(tx, ids, { reason, at })),
};
