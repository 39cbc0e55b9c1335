import { isIP } from "node:net";
import { canonicalAddress, isLoopbackAddress, isTailnetAddress } from "../auth/addresses.ts";

/**
 * Addresses to listen on for a `bind` setting; undefined means both loopback addresses.
 *
 * @param secure Whether the port itself is encrypted.
 * @throws Error for an address whose traffic would cross a network in the clear: token and messages could be read there.
 */
export function hostsOf(bind: string, secure = false): readonly string[] | undefined {
  if (bind === "loopback") return undefined;
  if (isIP(bind) === 0) {
    throw new Error(`gateway.bind is "${bind}": use loopback, or this host's own tailnet address (100.64.0.0/10)`);
  }
  if (isLoopbackAddress(bind)) return [bind];
  // Programs on the host keep working: they look for the gateway on loopback.
  if (isTailnetAddress(bind) || (secure && !isEverything(bind))) return ["127.0.0.1", bind];
  if (secure) return [bind];
  throw new Error(
    `gateway.bind is ${bind}, where everything would cross the network unencrypted: bind loopback and reach it through a tunnel ` +
      "(ssh -N -L 18789:127.0.0.1:18789 user@host), or bind this host's own tailnet address (100.64.0.0/10 or fd7a:115c:a1e0::/48), " +
      "or encrypt the port: set gateway.tls.enabled to true",
  );
}

const isEverything = (bind: string): boolean => ["0.0.0.0", "::"].includes(canonicalAddress(bind));

/** Whether others than programs on this host reach the port. */
export const isExposed = (bind: string): boolean => bind !== "loopback" && !isLoopbackAddress(bind);
