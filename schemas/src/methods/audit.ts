import { type Static, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { Count, EpochMs, NoParams, Text, closed } from "../shapes.ts";

/** A place in the chain of the trail: a row's number and its hash. */
export const AuditHead = Type.Object({ seq: Count, hash: Text });

/** One thing that happened to trust. */
export const AuditEvent = Type.Object({
  seq: Count,
  at: EpochMs,
  /** `connected paired approved rejected removed rotated revoked linked refused broken lost`, or what a later release adds. */
  action: Text,
  /** A device id, `local-owner`, `gateway` for what it decided by itself, `unknown` or `others` for strangers. */
  actor: Text,
  /** The device it was done to, when that is another one. */
  subject: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  role: Type.Optional(Type.String()),
  scopes: Type.Optional(Type.Array(Type.String())),
  /** What the client calls itself: shown, never compared. */
  name: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  /** How often, when one row stands for several. */
  count: Type.Optional(Count),
  hash: Text,
});
export type AuditEvent = Static<typeof AuditEvent>;

/** What a walk over the chain found. */
export const AuditReport = Type.Object({
  ok: Type.Boolean(),
  rows: Count,
  /** The end of the chain: kept elsewhere, it shows later that the database was put back to an earlier copy. */
  head: AuditHead,
  /** Rows that were written after the last seal. */
  unsealed: Count,
  faults: Type.Array(Type.Object({ seq: Type.Optional(Count), message: Text })),
});
export type AuditReport = Static<typeof AuditReport>;

/** The trail of who was let in, kept out and given rights (this gateway's own). */
export const auditMethods = {
  "audit.list": defineMethod({
    name: "audit.list",
    params: closed({
      since: Type.Optional(EpochMs),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "Default 100." })),
      /** The `nextBefore` of an earlier page. */
      before: Type.Optional(Count),
    }),
    /** Newest first. `nextBefore` is there when older ones follow. */
    result: Type.Object({ events: Type.Array(AuditEvent), nextBefore: Type.Optional(Count) }),
    scope: "operator.admin",
    strict: true,
  }),
  "audit.verify": defineMethod({
    name: "audit.verify",
    params: NoParams,
    result: AuditReport,
    scope: "operator.admin",
    strict: true,
  }),
};
