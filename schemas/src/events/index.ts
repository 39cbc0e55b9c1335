import type { Static } from "@sinclair/typebox";
import type { EventDescriptor } from "../descriptor.ts";
import { agentEvents } from "./agent.ts";
import { chatEvents } from "./chat.ts";
import { deliveryEvents } from "./delivery.ts";
import { gatewayEvents } from "./gateway.ts";
import { devicePairingEvents, pairingEvents } from "./pairing.ts";

/** Every event of the gateway by name, in the order they are advertised. */
export const EVENTS = {
  ...gatewayEvents,
  ...agentEvents,
  ...chatEvents,
  ...deliveryEvents,
  ...pairingEvents,
  ...devicePairingEvents,
} as const satisfies Record<string, EventDescriptor>;

export type EventName = keyof typeof EVENTS;

/** Payload of an event: the canonical one, a superset of all protocol versions. */
export type PayloadOf<E extends EventName> = Static<(typeof EVENTS)[E]["payload"]>;
