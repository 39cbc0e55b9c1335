import { type Row, type Tx } from "../tx.ts";
import {
  AUDIT_ORIGIN,
  type AuditColumns,
  type AuditEntry,
  type AuditLink,
  type AuditRow,
  auditColumns,
  auditRow,
} from "./audit-record.ts";

/** Where the chain begins and how far it reached when this was written. `mac` is made with the server key. */
export interface AuditSeal {
  /** The last row that was removed by retention; `AUDIT_ORIGIN` when none was. */
  readonly base: AuditLink;
  readonly head: AuditLink;
  readonly mac: string;
}

/** What is known of the chain without walking it. */
export interface AuditState {
  readonly seal?: AuditSeal;
  /** The last row. */
  readonly head?: AuditLink;
  /** The row in the place of the seal's head. */
  readonly sealed?: AuditLink;
}

/** Rows to show, newest first. */
export interface AuditFilter {
  /** Epoch ms. */
  readonly since?: number;
  /** Only rows before this place. */
  readonly before?: number;
  readonly limit: number;
}

const COLUMNS = "seq, at, action, actor, subject, address, detail, hash";

const linkOf = (row: Row): AuditLink => ({ seq: Number(row["seq"]), hash: String(row["hash"]) });

function sealOf(tx: Tx): AuditSeal | undefined {
  const row = tx.get("SELECT * FROM audit_seal WHERE id = 1");
  if (row === undefined) return undefined;
  return {
    base: { seq: Number(row["base_seq"]), hash: String(row["base_hash"]) },
    head: linkOf(row),
    mac: String(row["mac"]),
  };
}

function lastRow(tx: Tx): AuditLink | undefined {
  const row = tx.get("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
  return row === undefined ? undefined : linkOf(row);
}

/**
 * Adds entries to the trail within the command that does what they tell of: what changes rights is never without its row.
 * Returns the new end of the chain.
 */
export function appendAudit(tx: Tx, at: number, entries: readonly AuditEntry[]): AuditLink {
  let head = lastRow(tx) ?? sealOf(tx)?.base ?? AUDIT_ORIGIN;
  for (const entry of entries) {
    const row = auditColumns(entry, at, head);
    tx.run(
      `INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      row.seq,
      row.at,
      row.action,
      row.actor,
      row.subject,
      row.address,
      row.detail,
      row.hash,
    );
    head = row;
  }
  return { seq: head.seq, hash: head.hash };
}

function writeSeal(tx: Tx, { base, head, mac }: AuditSeal): void {
  tx.run(
    `INSERT INTO audit_seal (id, base_seq, base_hash, seq, hash, mac) VALUES (1, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET base_seq = excluded.base_seq, base_hash = excluded.base_hash, seq = excluded.seq,
       hash = excluded.hash, mac = excluded.mac`,
    base.seq,
    base.hash,
    head.seq,
    head.hash,
    mac,
  );
}

export const auditCommands = {
  "audit.append": (
    tx: Tx,
    entries: readonly { readonly at: number; readonly entry: AuditEntry }[],
  ): AuditLink | undefined => {
    for (const { at, entry } of entries) appendAudit(tx, at, [entry]);
    return lastRow(tx);
  },

  "audit.state": (tx: Tx, _args: null): AuditState => {
    const seal = sealOf(tx);
    const head = lastRow(tx);
    const row = seal === undefined ? undefined : tx.get("SELECT seq, hash FROM audit WHERE seq = ?", seal.head.seq);
    return {
      ...(seal === undefined ? {} : { seal }),
      ...(head === undefined ? {} : { head }),
      ...(row === undefined ? {} : { sealed: linkOf(row) }),
    };
  },

  "audit.seal": (tx: Tx, seal: AuditSeal): null => {
    writeSeal(tx, seal);
    return null;
  },

  /** The last row of those that are older than `before`, all rows ahead of it included, as far as the chain is sealed. */
  "audit.prunable": (tx: Tx, args: { readonly before: number; readonly limit: number }): AuditLink | undefined => {
    const rows = tx.all(
      "SELECT seq, at, hash FROM audit WHERE seq < ? ORDER BY seq LIMIT ?",
      sealOf(tx)?.head.seq ?? 0,
      args.limit,
    );
    const young = rows.findIndex((row) => Number(row["at"]) >= args.before);
    const last = (young === -1 ? rows : rows.slice(0, young)).at(-1);
    return last === undefined ? undefined : linkOf(last);
  },

  /** Removes the rows up to the seal's base and writes the seal, together. Returns how many rows went. */
  "audit.prune": (tx: Tx, seal: AuditSeal): number => {
    writeSeal(tx, seal);
    return tx.run("DELETE FROM audit WHERE seq <= ?", seal.base.seq);
  },

  "audit.list": (tx: Tx, { since = 0, before, limit }: AuditFilter): readonly AuditRow[] =>
    tx
      .all<AuditColumns>(
        `SELECT ${COLUMNS} FROM audit WHERE at >= ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
        since,
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .map(auditRow),

  /** Rows as they are stored, in order, for whoever checks the chain. */
  "audit.walk": (tx: Tx, args: { readonly after: number; readonly limit: number }): readonly AuditColumns[] =>
    tx.all<AuditColumns>(`SELECT ${COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`, args.after, args.limit),
};
