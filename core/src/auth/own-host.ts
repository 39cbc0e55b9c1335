import { canonicalAddress, isTailnetAddress } from "./addresses.ts";

/** How long a list of interfaces is used, ms: interfaces come and go, and strangers must not make the gateway list them. */
const INTERFACES_MS = 5_000;

/** What this host is called and which addresses it has. */
export interface OwnHost {
  /** For canonical addresses of any interface. */
  hasAddress(address: string): boolean;
  /** For canonical addresses: true for this host's own ones within Tailscale's ranges. */
  hasTailnetAddress(address: string): boolean;
  /** For a name in lower case without a dot at its end: true for this host's MagicDNS name. */
  isTailnetName(name: string): boolean;
}

export interface OwnHostParts {
  /** Addresses of all interfaces, as the system writes them. */
  readonly interfaces: () => readonly string[];
  /** This host's MagicDNS name as far as it is known. */
  readonly tailnetName?: () => string | undefined;
  /** Epoch ms. */
  readonly now: () => number;
}

export function createOwnHost({ interfaces, tailnetName, now }: OwnHostParts): OwnHost {
  let addresses: ReadonlySet<string> = new Set();
  let readAt = Number.NEGATIVE_INFINITY;
  const current = (): ReadonlySet<string> => {
    const age = now() - readAt;
    // A clock that was set back makes the list look as if it came from the future.
    if (age >= 0 && age < INTERFACES_MS) return addresses;
    addresses = new Set(interfaces().map(canonicalAddress));
    readAt = now();
    return addresses;
  };
  return {
    hasAddress: (address) => current().has(address),
    hasTailnetAddress: (address) => isTailnetAddress(address) && current().has(address),
    isTailnetName(name) {
      const own = tailnetName?.();
      return own !== undefined && own !== "" && own.toLowerCase().replace(/\.$/, "") === name;
    },
  };
}

/** A host that has no interface but loopback. */
export const LONE_HOST: OwnHost = createOwnHost({ interfaces: () => ["127.0.0.1", "::1"], now: () => 0 });
