import type { NodeFacts } from "openclaw-host-schemas";
import { bodyDigest } from "../../base/digest.ts";
import type { Row, Tx } from "../tx.ts";
import { appendAudit } from "./audit.ts";
import { missingToGive } from "./device-authority.ts";
import type { Granter } from "./device-record.ts";
import { PAIRING_REQUEST_TTL_MS } from "./device-requests.ts";

/** Requests that one caller may have waiting, and all together; the oldest make room. */
const MAX_PER_CALLER = 20;
const MAX_REQUESTS = 200;
/** Approved records at most. */
const MAX_NODES = 1_000;

/** Commands that run programs or steer a browser: whoever approves them must be an admin. */
const POWERFUL = /^(system|browser)\./;

export interface NodeRequest {
  readonly requestId: string;
  readonly nodeId: string;
  readonly facts: NodeFacts;
  readonly isRepair: boolean;
  /** Epoch ms of the last time it was asked. */
  readonly requestedAt: number;
}

export interface NodeRecord {
  readonly nodeId: string;
  readonly facts: NodeFacts;
  /** Of the node's token. */
  readonly generation: number;
  readonly createdAt: number;
  readonly approvedAt: number;
}

export type NodeApproval =
  | { readonly state: "approved"; readonly node: NodeRecord }
  | { readonly state: "beyond"; readonly missing: string }
  | { readonly state: "unknown" | "full" };

interface AskArgs {
  readonly requestId: string;
  readonly nodeId: string;
  readonly facts: NodeFacts;
  readonly by: Granter;
  readonly at: number;
}

interface DecideArgs {
  readonly requestId: string;
  readonly by: Granter;
  readonly at: number;
}

/** What an approver must have. */
export const scopesToApprove = ({ commands = [] }: NodeFacts): readonly string[] =>
  commands.some((command) => POWERFUL.test(command)) ? ["operator.pairing", "operator.admin"] : ["operator.pairing"];

export const nodePairingsCommands = {
  /** The same words keep their request; other words are another one. */
  "nodes.request": (tx: Tx, args: AskArgs): { readonly request: NodeRequest; readonly created: boolean } => {
    const { nodeId, facts, at } = args;
    expire(tx, at);
    const digest = bodyDigest({ nodeId, facts });
    const known = tx.get("SELECT * FROM node_requests WHERE digest = ?", digest);
    if (known !== undefined) {
      tx.run("UPDATE node_requests SET requested_at = ? WHERE digest = ?", at, digest);
      return { request: { ...requestOf(known), requestedAt: at }, created: false };
    }
    const isRepair = findNode(tx, nodeId) !== undefined;
    tx.run(
      `INSERT INTO node_requests (request_id, digest, node_id, facts, asked_by, is_repair, requested_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      args.requestId,
      digest,
      nodeId,
      JSON.stringify(facts),
      args.by.identity,
      isRepair ? 1 : 0,
      at,
    );
    makeRoom(tx, args.by.identity);
    return { request: { requestId: args.requestId, nodeId, facts, isRepair, requestedAt: at }, created: true };
  },

  "nodes.list": (
    tx: Tx,
    { at }: { readonly at: number },
  ): { readonly pending: readonly NodeRequest[]; readonly paired: readonly NodeRecord[] } => {
    expire(tx, at);
    return {
      pending: tx.all("SELECT * FROM node_requests ORDER BY requested_at DESC, rowid DESC").map(requestOf),
      paired: tx.all("SELECT * FROM node_pairings ORDER BY approved_at DESC, node_id").map(recordOf),
    };
  },

  /** A node that is approved again gets a new token. */
  "nodes.approve": (tx: Tx, { requestId, by, at }: DecideArgs): NodeApproval => {
    const request = take(tx, requestId, at);
    if (request === undefined) return { state: "unknown" };
    const missing = missingToGive(tx, by, scopesToApprove(request.facts));
    if (missing !== undefined) return { state: "beyond", missing };
    const { nodeId, facts } = request;
    const others = tx.get("SELECT count(*) AS n FROM node_pairings WHERE node_id <> ?", nodeId);
    if (Number(others?.["n"]) >= MAX_NODES) return { state: "full" };
    tx.run("DELETE FROM node_requests WHERE request_id = ?", requestId);
    tx.run(
      `INSERT INTO node_pairings (node_id, facts, generation, created_at, approved_at) VALUES (?, ?, 1, ?, ?)
       ON CONFLICT (node_id) DO UPDATE SET facts = excluded.facts, generation = generation + 1, approved_at = excluded.approved_at`,
      nodeId,
      JSON.stringify(facts),
      at,
      at,
    );
    appendAudit(tx, at, [{ action: "approved", actor: by.identity, subject: nodeId, reason: "node record" }]);
    const node = findNode(tx, nodeId);
    return node === undefined ? { state: "unknown" } : { state: "approved", node };
  },

  /** The node's id; undefined when nobody asked. */
  "nodes.reject": (tx: Tx, { requestId, by, at }: DecideArgs): string | undefined => {
    const request = take(tx, requestId, at);
    if (request === undefined) return undefined;
    tx.run("DELETE FROM node_requests WHERE request_id = ?", requestId);
    const { nodeId: subject } = request;
    appendAudit(tx, at, [{ action: "rejected", actor: by.identity, subject, reason: "node record" }]);
    return subject;
  },

  "nodes.find": (tx: Tx, { nodeId }: { readonly nodeId: string }): NodeRecord | undefined => findNode(tx, nodeId),

  /** False when there is no such record. */
  "nodes.rename": (tx: Tx, args: { readonly nodeId: string; readonly displayName: string }): boolean =>
    tx.run(
      "UPDATE node_pairings SET facts = json_set(facts, '$.displayName', ?) WHERE node_id = ?",
      args.displayName,
      args.nodeId,
    ) > 0,
};

function expire(tx: Tx, at: number): void {
  tx.run("UPDATE node_requests SET requested_at = ? WHERE requested_at > ?", at, at);
  tx.run("DELETE FROM node_requests WHERE requested_at <= ?", at - PAIRING_REQUEST_TTL_MS);
}

function makeRoom(tx: Tx, caller: string): void {
  const newest = "SELECT rowid FROM node_requests";
  const order = "ORDER BY requested_at DESC, rowid DESC LIMIT -1 OFFSET";
  tx.run(`DELETE FROM node_requests WHERE rowid IN (${newest} WHERE asked_by = ? ${order} ${MAX_PER_CALLER})`, caller);
  tx.run(`DELETE FROM node_requests WHERE rowid IN (${newest} ${order} ${MAX_REQUESTS})`);
}

function take(tx: Tx, requestId: string, at: number): NodeRequest | undefined {
  expire(tx, at);
  const row = tx.get("SELECT * FROM node_requests WHERE request_id = ?", requestId);
  return row === undefined ? undefined : requestOf(row);
}

function findNode(tx: Tx, nodeId: string): NodeRecord | undefined {
  const row = tx.get("SELECT * FROM node_pairings WHERE node_id = ?", nodeId);
  return row === undefined ? undefined : recordOf(row);
}

const factsOf = (row: Row): NodeFacts => JSON.parse(String(row["facts"])) as NodeFacts;

const requestOf = (row: Row): NodeRequest => ({
  requestId: String(row["request_id"]),
  nodeId: String(row["node_id"]),
  facts: factsOf(row),
  isRepair: row["is_repair"] === 1,
  requestedAt: Number(row["requested_at"]),
});

const recordOf = (row: Row): NodeRecord => ({
  nodeId: String(row["node_id"]),
  facts: factsOf(row),
  generation: Number(row["generation"]),
  createdAt: Number(row["created_at"]),
  approvedAt: Number(row["approved_at"]),
});
