import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { EpochMs, NoParams, Text, closed } from "../shapes.ts";

const Names = Type.Array(Text, { maxItems: 200 });

/** What is known of a node, as whoever asks for its pairing says. */
const facts = {
  displayName: Type.Optional(Text),
  platform: Type.Optional(Text),
  version: Type.Optional(Text),
  coreVersion: Type.Optional(Text),
  uiVersion: Type.Optional(Text),
  deviceFamily: Type.Optional(Text),
  modelIdentifier: Type.Optional(Text),
  caps: Type.Optional(Names),
  commands: Type.Optional(Names),
  remoteIp: Type.Optional(Text),
} satisfies TProperties;

/** The words of a request for node pairing. */
export const NodeFacts = Type.Object(facts);
export type NodeFacts = Static<typeof NodeFacts>;

/** A request for node pairing. `requiredApproveScopes` is what its approver must have. */
export const NodePairingRequest = Type.Object({
  requestId: Text,
  nodeId: Text,
  ...facts,
  isRepair: Type.Boolean(),
  requiredApproveScopes: Type.Array(Text),
  ts: EpochMs,
});
export type NodePairingRequest = Static<typeof NodePairingRequest>;

/** An approved record. Its token is told once, in the answer to the approval. */
export const PairedNode = Type.Object({
  nodeId: Text,
  ...facts,
  createdAtMs: EpochMs,
  approvedAtMs: EpochMs,
});
export type PairedNode = Static<typeof PairedNode>;

const byRequest = closed({ requestId: Text });

/**
 * The node records that version 3 clients keep (wire protocol 5.5). They let nobody in: a node connects as a paired device with the
 * role `node` (`device.pair.*`).
 */
export const nodePairingMethods = {
  /** `silent` is taken and changes nothing: every request waits for a person. */
  "node.pair.request": defineMethod({
    name: "node.pair.request",
    params: closed({ nodeId: Text, ...facts, silent: Type.Optional(Type.Boolean()) }),
    result: Type.Object({
      status: Type.Literal("pending"),
      request: NodePairingRequest,
      created: Type.Boolean(),
    }),
    scope: "operator.pairing",
    strict: true,
  }),
  "node.pair.list": defineMethod({
    name: "node.pair.list",
    params: NoParams,
    result: Type.Object({ pending: Type.Array(NodePairingRequest), paired: Type.Array(PairedNode) }),
    scope: "operator.pairing",
    strict: true,
  }),
  "node.pair.approve": defineMethod({
    name: "node.pair.approve",
    params: byRequest,
    result: Type.Object({
      requestId: Text,
      node: Type.Composite([PairedNode, Type.Object({ token: Text })]),
    }),
    scope: "operator.pairing",
    strict: true,
  }),
  "node.pair.reject": defineMethod({
    name: "node.pair.reject",
    params: byRequest,
    result: Type.Object({ requestId: Text, nodeId: Text }),
    scope: "operator.pairing",
    strict: true,
  }),
  "node.pair.verify": defineMethod({
    name: "node.pair.verify",
    params: closed({ nodeId: Text, token: Text }),
    result: Type.Union([
      Type.Object({ ok: Type.Literal(true), node: PairedNode }),
      Type.Object({ ok: Type.Literal(false) }),
    ]),
    scope: "operator.pairing",
    strict: true,
  }),
  /** The owner's name for a node: of its record, or of the paired device with that id. */
  "node.rename": defineMethod({
    name: "node.rename",
    params: closed({ nodeId: Text, displayName: Type.String({ minLength: 1, maxLength: 200 }) }),
    result: Type.Object({ nodeId: Text, displayName: Text }),
    scope: "operator.pairing",
    strict: true,
  }),
};
