import type { AuditEntry, AuditRow } from "../store/tables/audit-record.ts";
import type { AuditFilter } from "../store/tables/audit.ts";
import type { AuditVerdict } from "./audit-verify.ts";

/** A connection that was let in. */
export interface AuditedConnection {
  /** Device id or `local-owner`. */
  readonly identity: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** Canonical client address. */
  readonly address: string;
  /** What the client calls itself. */
  readonly name?: string;
}

/** A `connect` that was refused. */
export interface AuditedRefusal {
  /** Canonical client address. */
  readonly address: string;
  readonly reason: string;
  /** The paired device that proved its key and was refused all the same; absent for strangers. */
  readonly device?: string;
}

/**
 * Who tells the trail something. Nobody waits for it: everything returns at once, is written within a second, and never
 * throws. What changes rights is told by `appendAudit` inside its own command instead, followed by `seal`.
 */
export interface AuditNotes {
  note(entry: AuditEntry): void;
  /** Tells of an identity, role and network (an IPv4 address, or the /64 of an IPv6 one) once a day. */
  connected(connection: AuditedConnection): void;
  /** Counted, and told once a minute for each address or device. */
  refused(refusal: AuditedRefusal): void;
  /** Rows were added by a command: they are sealed within a second. */
  seal(): void;
}

/** The audit trail (issue 4, item 10). */
export interface Audit extends AuditNotes {
  /** Newest first, what was told up to now included. Rejects with `StoreError`. */
  list(filter: AuditFilter): Promise<readonly AuditRow[]>;
  /** Walks the whole chain. Rejects with `StoreError`. */
  verify(): Promise<AuditVerdict>;
  /** Removes rows from before that time, epoch ms, until `signal` aborts; resolves with how many. Rejects with `StoreError`. */
  prune(before: number, signal?: AbortSignal): Promise<number>;
  /** Writes and seals what is still to be written. */
  close(): Promise<void>;
}
