import type { NodeFacts, PayloadOf } from "openclaw-host-schemas";
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Ids } from "../base/ids.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import type { Granter } from "../store/tables/device-record.ts";
import { type NodeRecord, type NodeRequest, scopesToApprove } from "../store/tables/node-pairings.ts";
import type { Devices } from "./devices.ts";
import { missingScope } from "./granter.ts";
import type { DeviceTokens } from "./tokens.ts";

/** What the token of a node record speaks for; no device has this role, so such a token opens no connection. */
const TOKEN_ROLE = "node-record";

/** The node records of version 3 clients (wire protocol 5.5). All reject with `WireError` and `StoreError`. */
export interface NodePairings {
  request(nodeId: string, facts: NodeFacts, by: Granter): Promise<{ request: NodeRequest; created: boolean }>;
  list(): Promise<{ readonly pending: readonly NodeRequest[]; readonly paired: readonly NodeRecord[] }>;
  approve(requestId: string, by: Granter): Promise<{ readonly node: NodeRecord; readonly token: string }>;
  /** Resolves with the node's id. */
  reject(requestId: string, by: Granter): Promise<string>;
  /** The record that this token belongs to. */
  verify(nodeId: string, token: string): Promise<NodeRecord | undefined>;
  /** Names a record, or the paired device with that id. */
  rename(nodeId: string, displayName: string): Promise<void>;
}

export interface NodePairingsParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sink: EventSink;
  readonly tokens: DeviceTokens;
  readonly devices: Pick<Devices, "rename">;
}

/** A request in the words of the wire. */
export const shownNodeRequest = (request: NodeRequest): PayloadOf<"node.pair.requested"> => ({
  ...request.facts,
  requestId: request.requestId,
  nodeId: request.nodeId,
  isRepair: request.isRepair,
  requiredApproveScopes: [...scopesToApprove(request.facts)],
  ts: request.requestedAt,
});

export function createNodePairings(parts: NodePairingsParts): NodePairings {
  const { store, clock, ids, sink, tokens, devices } = parts;
  const subjectOf = ({ nodeId, generation }: NodeRecord) => ({ deviceId: nodeId, role: TOKEN_ROLE, generation });

  function resolved(requestId: string, nodeId: string, decision: "approved" | "rejected"): void {
    sink.publish("node.pair.resolved", { requestId, nodeId, decision, ts: clock.now() });
  }

  return {
    async request(nodeId, facts, by) {
      const asked = { nodeId, facts, by, requestId: ids.uuid(), at: clock.now() };
      const outcome = await store.run("nodes.request", asked);
      if (outcome.created) sink.publish("node.pair.requested", shownNodeRequest(outcome.request));
      return outcome;
    },
    list: () => store.run("nodes.list", { at: clock.now() }),
    async approve(requestId, by) {
      const outcome = await store.run("nodes.approve", { requestId, by, at: clock.now() });
      switch (outcome.state) {
        case "approved":
          resolved(requestId, outcome.node.nodeId, "approved");
          return { node: outcome.node, token: tokens.tokenFor(subjectOf(outcome.node)) };
        case "beyond":
          throw missingScope(outcome.missing);
        case "full":
          throw invalidRequest("there are 1000 node records, as many as may be: pair nodes as devices instead");
        case "unknown":
          throw invalidRequest("unknown requestId");
      }
    },
    async reject(requestId, by) {
      const nodeId = await store.run("nodes.reject", { requestId, by, at: clock.now() });
      if (nodeId === undefined) throw invalidRequest("unknown requestId");
      resolved(requestId, nodeId, "rejected");
      return nodeId;
    },
    async verify(nodeId, token) {
      const node = await store.run("nodes.find", { nodeId });
      return node !== undefined && tokens.matches(subjectOf(node), token) ? node : undefined;
    },
    async rename(nodeId, displayName) {
      const renamed = await store.run("nodes.rename", { nodeId, displayName });
      const device = await devices.rename({ deviceId: nodeId, role: "node" }, displayName);
      if (!renamed && device === undefined) throw invalidRequest("unknown nodeId");
    },
  };
}
