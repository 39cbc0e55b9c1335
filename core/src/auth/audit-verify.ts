import { createHmac, timingSafeEqual } from "node:crypto";
import { AUDIT_ORIGIN, type AuditColumns, type AuditLink, auditHash } from "../store/tables/audit-record.ts";
import type { AuditSeal, AuditState } from "../store/tables/audit.ts";

/** Rows read at a time. */
const PAGE = 500;
/** Faults told at most: one edited row makes one, a rewritten chain would make thousands. */
const MAX_FAULTS = 20;

export interface AuditFault {
  /** Where, when it is one place. */
  readonly seq?: number;
  readonly message: string;
}

export interface AuditVerdict {
  readonly ok: boolean;
  /** Rows looked at. */
  readonly rows: number;
  /** The end of the chain, to be kept elsewhere and shown to a later verification. */
  readonly head: AuditLink;
  /** Rows after the seal: the gateway wrote them within its last second, or it was killed. */
  readonly unsealed: number;
  readonly faults: readonly AuditFault[];
}

/** The chain as it can be read, from a running gateway's store or a stopped one's file. */
export interface AuditSource {
  state(): AuditState | Promise<AuditState>;
  walk(args: {
    readonly after: number;
    readonly limit: number;
  }): readonly AuditColumns[] | Promise<readonly AuditColumns[]>;
}

/** Makes and checks seals. */
export interface AuditSealer {
  seal(base: AuditLink, head: AuditLink): AuditSeal;
  holds(seal: AuditSeal): boolean;
}

/** With a key of its own, derived from the server key. */
export function createAuditSealer(serverKey: Uint8Array): AuditSealer {
  const key = createHmac("sha256", serverKey).update("audit seal").digest();
  const macOf = (base: AuditLink, head: AuditLink): string =>
    createHmac("sha256", key)
      .update(JSON.stringify([base.seq, base.hash, head.seq, head.hash]))
      .digest("hex");
  return {
    seal: (base, head) => ({ base: linkOf(base), head: linkOf(head), mac: macOf(base, head) }),
    holds({ base, head, mac }) {
      const expected = Buffer.from(macOf(base, head));
      const given = Buffer.from(mac);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

const linkOf = ({ seq, hash }: AuditLink): AuditLink => ({ seq, hash });

/** What is wrong with the seal by itself, without the rows. */
export function sealFault({ seal, head, sealed }: AuditState, sealer: AuditSealer): string | undefined {
  if (seal === undefined) return head === undefined ? undefined : "the seal is missing";
  if (!sealer.holds(seal)) return "the seal was not made with this server key";
  if (seal.head.seq === seal.base.seq)
    return seal.head.hash === seal.base.hash ? undefined : "the seal contradicts itself";
  if (sealed === undefined) return `rows up to ${seal.head.seq} were sealed, and row ${seal.head.seq} is missing`;
  return sealed.hash === seal.head.hash ? undefined : `row ${seal.head.seq} is not the one that was sealed`;
}

/**
 * Walks the chain: a changed, removed, inserted or reordered row is found, and rows cut off its end as far as they were
 * sealed. `expected` is the head of an earlier verification that was kept elsewhere.
 *
 * It cannot find out that the whole database was put back to an earlier copy, nor that somebody who has the server key wrote
 * the chain anew, nor that rows of the last second before a kill were removed; against the first two, keep the head
 * elsewhere and compare.
 */
export async function verifyAudit(
  source: AuditSource,
  sealer: AuditSealer,
  expected?: AuditLink,
): Promise<AuditVerdict> {
  const state = await source.state();
  const base = state.seal?.base ?? AUDIT_ORIGIN;
  const walk = await walkRows(source, { base, expected });
  const fault = sealFault(state, sealer);
  const faults = [...(fault === undefined ? [] : [{ message: fault }]), ...walk.faults];
  if (!walk.met) faults.push({ message: `the head you kept (row ${expected?.seq}) is not in the chain` });
  const unsealed = Math.max(0, walk.head.seq - (state.seal?.head.seq ?? 0));
  return { ok: faults.length === 0, rows: walk.rows, head: walk.head, unsealed, faults };
}

interface Walk {
  readonly rows: number;
  readonly head: AuditLink;
  /** Whether the expected head was passed. */
  readonly met: boolean;
  readonly faults: readonly AuditFault[];
}

async function walkRows(
  source: AuditSource,
  { base, expected }: { readonly base: AuditLink; readonly expected: AuditLink | undefined },
): Promise<Walk> {
  const isExpected = (link: AuditLink) => link.seq === expected?.seq && link.hash === expected.hash;
  const faults: AuditFault[] = [];
  let head = base;
  let met = expected === undefined || isExpected(base);
  let rows = 0;
  for (;;) {
    const page = await source.walk({ after: head.seq, limit: PAGE });
    for (const row of page) {
      const message = rowFault(row, head);
      if (message !== undefined && faults.length < MAX_FAULTS) faults.push({ seq: row.seq, message });
      met ||= isExpected(row);
      head = linkOf(row);
    }
    rows += page.length;
    if (page.length < PAGE) return { rows, head, met, faults };
  }
}

function rowFault(row: AuditColumns, previous: AuditLink): string | undefined {
  if (row.seq !== previous.seq + 1) return `rows ${previous.seq + 1} to ${row.seq - 1} are missing`;
  if (auditHash(previous.hash, row) !== row.hash)
    return "it was changed, or stands in another place than it was written";
  return row.action === "broken" ? "the chain was found broken here when the gateway started" : undefined;
}
