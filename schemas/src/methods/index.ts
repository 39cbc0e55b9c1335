import type { Static, TSchema } from "@sinclair/typebox";
import type { MethodDescriptor } from "../descriptor.ts";
import { agentMethods } from "./agent.ts";
import { auditMethods } from "./audit.ts";
import { channelMethods } from "./channels.ts";
import { chatMethods } from "./chat.ts";
import { configMethods } from "./config.ts";
import { deliveryMethods } from "./delivery.ts";
import { deviceMethods } from "./devices.ts";
import { extensionMethods } from "./extensions.ts";
import { inboxMethods } from "./inbox.ts";
import { nodePairingMethods } from "./nodes.ts";
import { pairingMethods } from "./pairing.ts";
import { sendMethods } from "./send.ts";
import { sessionMethods } from "./sessions.ts";
import { systemMethods } from "./system.ts";

/** Every method of the gateway by name, in the order they are advertised. */
export const METHODS = {
  ...systemMethods,
  ...channelMethods,
  ...pairingMethods,
  ...deviceMethods,
  ...nodePairingMethods,
  ...auditMethods,
  ...configMethods,
  ...extensionMethods,
  ...sessionMethods,
  ...sendMethods,
  ...deliveryMethods,
  ...inboxMethods,
  ...agentMethods,
  ...chatMethods,
} as const satisfies Record<string, MethodDescriptor>;

export type MethodName = keyof typeof METHODS;

/** Params of a method, after validation. */
export type ParamsOf<M extends MethodName> = Static<(typeof METHODS)[M]["params"]>;

/** Payload of a method's (final) response. */
export type ResultOf<M extends MethodName> = Static<(typeof METHODS)[M]["result"]>;

/** Payload of a two-phase method's first response; `never` for the others. */
export type AcceptedOf<M extends MethodName> =
  (typeof METHODS)[M] extends MethodDescriptor<string, TSchema, TSchema, infer A> ? Static<A> : never;
