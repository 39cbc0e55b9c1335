import type { Undo } from "../base/clock.ts";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { ChannelPort } from "../host/channel-port.ts";

/** The channels that loaded extensions provide now. */
export interface ChannelRegistry {
  /** Throws when another extension provides a channel of this id. */
  register(port: ChannelPort): Undo;
  get(id: string): ChannelPort | undefined;
  /** As `get`; throws `UNAVAILABLE` with what to do when no extension provides it. */
  require(id: string): ChannelPort;
  /** In order of registration. */
  list(): readonly ChannelPort[];
}

export function createChannelRegistry(): ChannelRegistry {
  const ports = new Map<string, ChannelPort>();
  return {
    register(port) {
      const holder = ports.get(port.id);
      if (holder !== undefined) {
        throw invalidRequest(
          `channel ${port.id} of extension ${port.extension} is already provided by extension ${holder.extension}; disable one of them`,
        );
      }
      ports.set(port.id, port);
      return () => {
        if (ports.get(port.id) === port) ports.delete(port.id);
      };
    },
    get: (id) => ports.get(id),
    require(id) {
      const port = ports.get(id);
      if (port !== undefined) return port;
      throw new WireError("UNAVAILABLE", `no loaded extension provides channel ${id}; see: openclaw extension list`);
    },
    list: () => [...ports.values()],
  };
}
