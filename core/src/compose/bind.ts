import { BlockList, isIP } from "node:net";

/** Tailscale's own ranges: traffic there is encrypted between devices. Source: https://tailscale.com/kb/1015/100.x-addresses */
const TAILNET = new BlockList();
TAILNET.addSubnet("100.64.0.0", 10, "ipv4");
TAILNET.addSubnet("fd7a:115c:a1e0::", 48, "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Addresses to listen on for a `bind` setting; undefined means both loopback addresses.
 *
 * @throws Error for an address whose traffic would cross a network in the clear: token and messages could be read there.
 */
export function hostsOf(bind: string): readonly string[] | undefined {
  if (bind === "loopback") return undefined;
  const family = isIP(bind);
  if (family === 0) {
    throw new Error(`gateway.bind is "${bind}": use loopback, or this host's own tailnet address (100.64.0.0/10)`);
  }
  const type = family === 6 ? "ipv6" : "ipv4";
  if (LOOPBACK.check(bind, type)) return [bind];
  // Programs on the host keep working: they look for the gateway on loopback.
  if (TAILNET.check(bind, type)) return ["127.0.0.1", bind];
  throw new Error(
    `gateway.bind is ${bind}, where everything would cross the network unencrypted: bind loopback and reach it through a tunnel ` +
      "(ssh -N -L 18789:127.0.0.1:18789 user@host), or bind this host's own tailnet address (100.64.0.0/10 or fd7a:115c:a1e0::/48)",
  );
}
