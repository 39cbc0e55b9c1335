import { createHash } from "node:crypto";

/** What the trail tells of. `broken`: the chain did not fit its seal when the gateway started; `lost`: more came than could be kept. */
export const AUDIT_ACTIONS = [
  "connected",
  "paired",
  "approved",
  "rejected",
  "removed",
  "rotated",
  "revoked",
  "linked",
  "refused",
  "broken",
  "lost",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Longest text kept of anything a client says of itself, UTF-16 units. */
const MAX_TEXT = 200;
const MAX_SCOPES = 20;

/** Something to be told in the trail. Never a secret. */
export interface AuditEntry {
  readonly action: AuditAction;
  /** Who did it: a device id, `local-owner`, `gateway` when it decided by itself, or `unknown`. */
  readonly actor: string;
  /** The device it was done to, when that is another one. */
  readonly subject?: string;
  /** Canonical client address. */
  readonly address?: string;
  readonly role?: string;
  readonly scopes?: readonly string[];
  /** What the client calls itself: shown, never compared. */
  readonly name?: string;
  readonly reason?: string;
  /** How often, when one row stands for several. Default 1. */
  readonly count?: number;
}

/** An entry in its place. */
export interface AuditRow extends AuditEntry {
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  /** Hex. */
  readonly hash: string;
}

/** A row as the table holds it; `hash` covers all other columns and the row before. */
export interface AuditColumns {
  readonly seq: number;
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly address: string | null;
  /** The rest of the entry as JSON. */
  readonly detail: string;
  readonly hash: string;
}

/** A place in the chain. */
export interface AuditLink {
  readonly seq: number;
  readonly hash: string;
}

/** What comes before the first row. */
export const AUDIT_ORIGIN: AuditLink = { seq: 0, hash: "0".repeat(64) };

/** `SHA-256(previous hash | JSON of the columns in their order)`, hex. */
export function auditHash(previous: string, row: Omit<AuditColumns, "hash">): string {
  const { seq, at, action, actor, subject, address, detail } = row;
  return createHash("sha256")
    .update(previous)
    .update(JSON.stringify([seq, at, action, actor, subject, address, detail]))
    .digest("hex");
}

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** The columns of an entry that follows `previous`. */
export function auditColumns(entry: AuditEntry, at: number, previous: AuditLink): AuditColumns {
  const { action, actor, subject, address, role, scopes, name, reason, count } = entry;
  const row = {
    seq: previous.seq + 1,
    at,
    action,
    actor: cut(actor),
    subject: subject === undefined ? null : cut(subject),
    address: address === undefined ? null : cut(address),
    detail: JSON.stringify({
      ...(role === undefined ? {} : { role: cut(role) }),
      ...(scopes === undefined ? {} : { scopes: scopes.slice(0, MAX_SCOPES).map(cut) }),
      ...(name === undefined ? {} : { name: cut(name) }),
      ...(reason === undefined ? {} : { reason: cut(reason) }),
      ...(count === undefined ? {} : { count }),
    }),
  };
  return { ...row, hash: auditHash(previous.hash, row) };
}

const isAction = (text: string): text is AuditAction => (AUDIT_ACTIONS as readonly string[]).includes(text);

/** The entry of a row; a row that somebody wrote by hand is shown as far as it can be read. */
export function auditRow(columns: AuditColumns): AuditRow {
  const { seq, at, action, actor, subject, address, detail, hash } = columns;
  return {
    ...readDetail(detail),
    seq,
    at,
    action: isAction(action) ? action : "broken",
    actor,
    ...(subject === null ? {} : { subject }),
    ...(address === null ? {} : { address }),
    hash,
  };
}

type Detail = Pick<AuditEntry, "role" | "scopes" | "name" | "reason" | "count">;

function readDetail(text: string): Detail {
  try {
    const { role, scopes, name, reason, count } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof role === "string" ? { role } : {}),
      ...(Array.isArray(scopes) ? { scopes: scopes.map(String) } : {}),
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof reason === "string" ? { reason } : {}),
      ...(typeof count === "number" ? { count } : {}),
    };
  } catch {
    return { reason: "its detail cannot be read" };
  }
}
