import { createHash } from "node:crypto";
import type { Row, Tx } from "../tx.ts";
import { appendAudit } from "./audit.ts";
import { missingToGive } from "./device-authority.ts";
import { findDevice, grantClaim } from "./device-grants.ts";
import type { DeviceRecord, Granter, PairingClaim, PairingReason, PairingRequest } from "./device-record.ts";

/** How long a pairing request waits, ms (wire protocol 8.1). */
export const PAIRING_REQUEST_TTL_MS: number = 5 * 60_000;
/** Requests kept at most, for one device, for one network of strangers, and of all strangers together. */
const MAX_PER_DEVICE = 5;
const MAX_PER_SOURCE = 20;
const MAX_OF_STRANGERS = 200;
/** How long a decision is remembered, ms, and how many at most. */
const DECISION_KEPT_MS = 24 * 3_600_000;
const MAX_DECISIONS = 1_000;
/** The source of requests from the gateway's own host. */
export const HOST_SOURCE = "host";

interface RequestArgs {
  readonly claim: PairingClaim;
  readonly reason: PairingReason;
  readonly at: number;
  /** Used when the same claim is not already waiting. */
  readonly requestId: string;
  /** The network that asks, or `HOST_SOURCE`. */
  readonly source: string;
}

export interface DecideArgs {
  readonly requestId: string;
  readonly by: Granter;
  readonly at: number;
}

/** `again`: the same caller has approved it before, and nothing was done now. */
export type Approval =
  | {
      readonly state: "approved" | "again";
      readonly requestId: string;
      readonly record: DeviceRecord;
    }
  | { readonly state: "unknown" }
  /** The caller lacks this scope, which the approval would grant or needs. */
  | { readonly state: "beyond"; readonly missing: string };

export type Rejection =
  | { readonly state: "rejected" | "again"; readonly requestId: string; readonly deviceId: string }
  | { readonly state: "unknown" };

export const deviceRequestsCommands = {
  /**
   * Records what somebody must decide. Asking for the same again keeps the id and what is shown, and starts the time anew;
   * asking for anything else is another request.
   */
  "devices.request": (tx: Tx, args: RequestArgs): { readonly request: PairingRequest; readonly created: boolean } => {
    const { claim, reason, at } = args;
    expire(tx, at);
    const digest = digestOf(claim, reason);
    const isRepair = tx.get("SELECT 1 FROM devices WHERE device_id = ?", claim.deviceId) !== undefined;
    const known = tx.get("SELECT * FROM device_requests WHERE digest = ?", digest);
    if (known !== undefined) {
      tx.run("UPDATE device_requests SET requested_at = ? WHERE digest = ?", at, digest);
      return { request: { ...requestOf(known), requestedAt: at }, created: false };
    }
    tx.run(
      `INSERT INTO device_requests (request_id, digest, device_id, claim, reason, source, is_repair, requested_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      args.requestId,
      digest,
      claim.deviceId,
      JSON.stringify(claim),
      reason,
      args.source,
      isRepair ? 1 : 0,
      at,
    );
    makeRoom(tx, claim.deviceId, args.source);
    const request = { ...claim, requestId: args.requestId, reason, digest, isRepair, requestedAt: at };
    return { request, created: true };
  },

  /** Newest first. */
  "devices.requests": (tx: Tx, { at }: { readonly at: number }): readonly PairingRequest[] => {
    expire(tx, at);
    return tx.all("SELECT * FROM device_requests ORDER BY requested_at DESC, rowid DESC").map(requestOf);
  },

  /** Grants exactly what the request says. The caller's scopes must cover it; its own device needs admin to let itself further in. */
  "devices.approve": (tx: Tx, { requestId, by, at }: DecideArgs): Approval => {
    const request = find(tx, requestId, at);
    if (request === undefined) return approvedBefore(tx, requestId, by);
    const needed = request.deviceId === by.identity ? [...request.scopes, "operator.admin"] : request.scopes;
    const missing = missingToGive(tx, by, needed);
    if (missing !== undefined) return { state: "beyond", missing };
    const { reason, role, scopes } = request;
    const record = grantClaim(tx, { claim: claimOf(request), reason, at });
    tx.run("DELETE FROM device_requests WHERE request_id = ?", requestId);
    remember(tx, { subject: requestId, decision: "approved", deviceId: request.deviceId, by: by.identity, at });
    appendAudit(tx, at, [
      { action: "approved", actor: by.identity, subject: request.deviceId, role, scopes, reason, ...shown(request) },
    ]);
    return { state: "approved", requestId, record };
  },

  /** The device is told nothing and may ask again. */
  "devices.reject": (tx: Tx, { requestId, by, at }: DecideArgs): Rejection => {
    const request = find(tx, requestId, at);
    if (request === undefined) {
      const deviceId = decidedBefore(tx, { subject: requestId, decision: "rejected", by: by.identity });
      return deviceId === undefined ? { state: "unknown" } : { state: "again", requestId, deviceId };
    }
    const { deviceId, reason, role } = request;
    tx.run("DELETE FROM device_requests WHERE request_id = ?", requestId);
    remember(tx, { subject: requestId, decision: "rejected", deviceId, by: by.identity, at });
    appendAudit(tx, at, [
      { action: "rejected", actor: by.identity, subject: deviceId, role, reason, ...shown(request) },
    ]);
    return { state: "rejected", requestId, deviceId };
  },
};

/** Requests of the future, from before the clock was set back, must neither outlive their time nor push out those that come now. */
function expire(tx: Tx, at: number): void {
  tx.run("UPDATE device_requests SET requested_at = ? WHERE requested_at > ?", at, at);
  tx.run("DELETE FROM device_requests WHERE requested_at <= ?", at - PAIRING_REQUEST_TTL_MS);
}

/**
 * A flood ends in itself: a device pushes out its own requests, a network of strangers its own, and when all strangers together
 * are too many, the network with the most loses its oldest. What the gateway's host asks, or a device that was paired
 * before, no stranger pushes out; there are at most five of those for each device.
 */
function makeRoom(tx: Tx, device: string, source: string): void {
  const newest = "ORDER BY requested_at DESC, rowid DESC";
  tx.run(
    `DELETE FROM device_requests WHERE rowid IN (SELECT rowid FROM device_requests WHERE device_id = ?
       ${newest} LIMIT -1 OFFSET ${MAX_PER_DEVICE})`,
    device,
  );
  tx.run(
    `DELETE FROM device_requests WHERE rowid IN (SELECT rowid FROM device_requests WHERE is_repair = 0 AND source = ?
       ${newest} LIMIT -1 OFFSET ${MAX_PER_SOURCE})`,
    source,
  );
  const strangers = "is_repair = 0 AND source <> ?1";
  const count = tx.get(`SELECT count(*) AS n FROM device_requests WHERE ${strangers}`, HOST_SOURCE);
  if (Number(count?.["n"]) <= MAX_OF_STRANGERS) return;
  tx.run(
    `DELETE FROM device_requests WHERE rowid = (SELECT device_requests.rowid FROM device_requests
       JOIN (SELECT source AS loudest, count(*) AS n FROM device_requests WHERE ${strangers} GROUP BY source) ON source = loudest
       WHERE ${strangers} ORDER BY n DESC, requested_at, device_requests.rowid LIMIT 1)`,
    HOST_SOURCE,
  );
}

function find(tx: Tx, requestId: string, at: number): PairingRequest | undefined {
  expire(tx, at);
  const row = tx.get("SELECT * FROM device_requests WHERE request_id = ?", requestId);
  return row === undefined ? undefined : requestOf(row);
}

const requestOf = (row: Row): PairingRequest => ({
  ...(JSON.parse(String(row["claim"])) as PairingClaim),
  requestId: String(row["request_id"]),
  reason: String(row["reason"]) as PairingReason,
  digest: String(row["digest"]),
  isRepair: row["is_repair"] === 1,
  requestedAt: Number(row["requested_at"]),
});

function claimOf(request: PairingRequest): PairingClaim {
  const { requestId: _id, reason: _reason, digest: _digest, isRepair: _repair, requestedAt: _at, ...claim } = request;
  return claim;
}

const shown = ({ displayName, remoteIp }: PairingRequest): { readonly name?: string; readonly address?: string } => ({
  ...(displayName === undefined ? {} : { name: displayName }),
  ...(remoteIp === undefined ? {} : { address: remoteIp }),
});

interface Decision {
  readonly subject: string;
  readonly decision: "approved" | "rejected" | "removed";
  readonly by: string;
}

/** A decision whose answer was lost may be repeated: it is found here (wire protocol section 0, "Idempotency"). */
export function remember(tx: Tx, decided: Decision & { readonly deviceId: string; readonly at: number }): void {
  tx.run(
    `INSERT OR REPLACE INTO device_decisions (subject, decision, device_id, decided_by, decided_at) VALUES (?, ?, ?, ?, ?)`,
    decided.subject,
    decided.decision,
    decided.deviceId,
    decided.by,
    decided.at,
  );
  tx.run("DELETE FROM device_decisions WHERE abs(decided_at - ?) > ?", decided.at, DECISION_KEPT_MS);
  tx.run(
    `DELETE FROM device_decisions WHERE subject IN
       (SELECT subject FROM device_decisions ORDER BY decided_at DESC, subject LIMIT -1 OFFSET ${MAX_DECISIONS})`,
  );
}

/** The device that the same caller decided on alike. */
export function decidedBefore(tx: Tx, { subject, decision, by }: Decision): string | undefined {
  const row = tx.get(
    "SELECT device_id FROM device_decisions WHERE subject = ? AND decision = ? AND decided_by = ?",
    subject,
    decision,
    by,
  );
  return row === undefined ? undefined : String(row["device_id"]);
}

function approvedBefore(tx: Tx, requestId: string, by: Granter): Approval {
  const id = decidedBefore(tx, { subject: requestId, decision: "approved", by: by.identity });
  const record = id === undefined ? undefined : findDevice(tx, id);
  return record === undefined ? { state: "unknown" } : { state: "again", requestId, record };
}

/** Of everything an approval would make true, in a fixed order. The address changes too easily to be part of it. */
function digestOf(claim: PairingClaim, reason: PairingReason): string {
  const { platform, deviceFamily, displayName, clientId, clientMode } = claim;
  const bound = [
    reason,
    claim.deviceId,
    claim.role,
    claim.scopes.toSorted(),
    platform ?? null,
    deviceFamily ?? null,
    displayName ?? null,
    clientId ?? null,
    clientMode ?? null,
  ];
  return createHash("sha256").update(JSON.stringify(bound)).digest("hex");
}
