import type { PairedNode } from "openclaw-host-schemas";
import { type NodePairings, shownNodeRequest } from "../auth/node-pairings.ts";
import type { NodeRecord } from "../store/tables/node-pairings.ts";
import type { HandlersFor } from "./handler.ts";

const shownNode = ({ nodeId, facts, createdAt, approvedAt }: NodeRecord): PairedNode => ({
  ...facts,
  nodeId,
  createdAtMs: createdAt,
  approvedAtMs: approvedAt,
});

type Names = `node.pair.${"request" | "list" | "approve" | "reject" | "verify"}` | "node.rename";

/** Node records of version 3 clients (wire protocol 5.5); they let nobody in. */
export function nodePairingMethods({ nodes }: { readonly nodes: NodePairings }): HandlersFor<Names> {
  return {
    async "node.pair.request"({ nodeId, silent: _silent, ...facts }, { caller }) {
      const { request, created } = await nodes.request(nodeId, facts, caller);
      return { status: "pending", request: shownNodeRequest(request), created };
    },
    async "node.pair.list"() {
      const { pending, paired } = await nodes.list();
      return { pending: pending.map(shownNodeRequest), paired: paired.map(shownNode) };
    },
    async "node.pair.approve"({ requestId }, { caller }) {
      const { node, token } = await nodes.approve(requestId, caller);
      return { requestId, node: { ...shownNode(node), token } };
    },
    async "node.pair.reject"({ requestId }, { caller }) {
      return { requestId, nodeId: await nodes.reject(requestId, caller) };
    },
    async "node.pair.verify"({ nodeId, token }) {
      const node = await nodes.verify(nodeId, token);
      return node === undefined ? { ok: false } : { ok: true, node: shownNode(node) };
    },
    async "node.rename"({ nodeId, displayName }) {
      await nodes.rename(nodeId, displayName);
      return { nodeId, displayName };
    },
  };
}
