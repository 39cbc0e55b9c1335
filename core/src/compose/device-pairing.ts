import { createDeviceLinks } from "../auth/bootstrap.ts";
import type { Caller } from "../auth/caller.ts";
import { shownRequest } from "../auth/device-view.ts";
import type { DeviceNews } from "../auth/devices.ts";
import { createNodePairings } from "../auth/node-pairings.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Ids } from "../base/ids.ts";
import { deviceMethods } from "../methods/devices.ts";
import { nodePairingMethods } from "../methods/node-pairing.ts";
import type { WireServer } from "../wire/wire-server.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";
import type { Trust } from "./trust.ts";

export interface DevicePairingParts {
  readonly storage: Pick<Storage, "store" | "devices" | "audit">;
  readonly trust: Pick<Trust, "tokens" | "localOwnerScopes">;
  readonly settings: Settings;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Devices as clients manage them: the methods, and what follows from a change. */
export interface DevicePairing {
  readonly handlers: ReturnType<typeof deviceMethods> & ReturnType<typeof nodePairingMethods>;
  /** A client came, or has gone. */
  connected(caller: Caller): void;
  disconnected(caller: Caller): void;
  /** From now on changes are told to clients, and close the connections they end. */
  start(wire: Pick<WireServer, "disconnect">): Undo;
}

export function createDevicePairing(parts: DevicePairingParts): DevicePairing {
  const { storage, trust, settings, sink, clock, ids } = parts;
  const { devices, store } = storage;
  const { publicUrl } = settings.config.gateway;
  const live = new Map<string, number>();
  const isConnected = (identity: string): boolean => live.has(identity);
  const shared = { store, clock, ids };
  return {
    handlers: {
      ...deviceMethods({
        devices,
        links: createDeviceLinks(shared),
        ...trust,
        isConnected,
        startedAt: clock.now(),
        ...(publicUrl === undefined ? {} : { publicUrl }),
      }),
      ...nodePairingMethods({ nodes: createNodePairings({ ...shared, sink, devices, tokens: trust.tokens }) }),
    },
    connected: ({ identity }) => void live.set(identity, (live.get(identity) ?? 0) + 1),
    disconnected({ identity }) {
      const left = (live.get(identity) ?? 1) - 1;
      if (left === 0) live.delete(identity);
      else live.set(identity, left);
    },
    start: (wire) =>
      devices.watch((news) => {
        // The row of the change is in the trail already.
        storage.audit.seal();
        followUp(news, { wire, sink, clock });
      }),
  };
}

const GOODBYES = {
  removed: { code: 1008, reason: "device removed: pair it again" },
  revoked: { code: 1008, reason: "device token revoked: pair the device again" },
  rotated: { code: 1012, reason: "device token rotated: connect again to get the new one" },
} as const;

interface FollowUp extends Pick<DevicePairingParts, "sink" | "clock"> {
  readonly wire: Pick<WireServer, "disconnect">;
}

function followUp(news: DeviceNews, { wire, sink, clock }: FollowUp): void {
  switch (news.kind) {
    case "requested":
      return sink.publish("device.pair.requested", shownRequest(news.request));
    case "resolved": {
      const { requestId, deviceId, decision } = news;
      return sink.publish("device.pair.resolved", { requestId, deviceId, decision, ts: clock.now() });
    }
    case "removed":
    case "revoked":
    case "rotated": {
      const role = news.role === undefined ? {} : { role: news.role };
      return wire.disconnect({ identity: news.deviceId, ...role }, GOODBYES[news.kind]);
    }
  }
}
