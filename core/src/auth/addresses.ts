import { BlockList, isIP, isIPv6 } from "node:net";

const MAPPED = /^::ffff:(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/;
const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * One spelling for one address, whoever wrote it: lower case, the shortest form of RFC 5952, an IPv4 address in IPv6 clothes
 * as IPv4, and no zone. What is no address comes back in lower case.
 */
export function canonicalAddress(address: string | undefined): string {
  const plain = (address ?? "").split("%", 1)[0]?.toLowerCase() ?? "";
  if (!plain.includes(":")) return plain;
  const dotted = MAPPED.exec(plain)?.[1];
  if (dotted !== undefined) return dotted;
  return isIPv6(plain) ? shortest(plain) : plain;
}

function shortest(address: string): string {
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [groups[6], groups[7]].flatMap((group = 0) => [group >> 8, group & 0xff]).join(".");
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const before = numbers(head);
  const after = numbers(tail ?? "");
  const zeros = tail === undefined ? 0 : GROUPS - before.length - after.length;
  return [...before, ...Array.from({ length: Math.max(0, zeros) }, () => 0), ...after];
}

function numbers(part: string): readonly number[] {
  const groups = part.split(":").filter((group) => group !== "");
  return groups.flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** An address of a header or a setting in canonical form, or undefined when it is none: no name, no port, no list. */
export function parseAddress(text: string): string | undefined {
  const bare = text.split("%", 1)[0] ?? "";
  return isIP(bare) === 0 ? undefined : canonicalAddress(bare);
}

/** For addresses as sockets report them, and canonical ones. */
export function isLoopbackAddress(address: string): boolean {
  const canonical = canonicalAddress(address);
  return canonical === "::1" || LOOPBACK_V4.test(canonical);
}

/** What one stranger usually owns, and so what limits count: an IPv4 address, or the /64 of an IPv6 one (RFC 6177). */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address);
  // Most are of IPv4, and Node's pattern of IPv6 takes its time to find that out.
  if (!canonical.includes(":") || !isIPv6(canonical)) return canonical;
  const network = groupsOf(canonical).slice(0, NETWORK_GROUPS);
  return `${network.map((group) => group.toString(16)).join(":")}::/64`;
}

/** Membership in addresses and networks. */
export interface AddressSet {
  has(address: string): boolean;
}

/** @throws Error that names the entry which is neither an address nor a network like 10.0.0.0/8. */
export function createAddressSet(entries: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const entry of entries) add(list, entry);
  return {
    has(address) {
      const canonical = canonicalAddress(address);
      const family = isIP(canonical);
      return family !== 0 && list.check(canonical, family === 6 ? "ipv6" : "ipv4");
    },
  };
}

function add(list: BlockList, entry: string): void {
  const [text = "", bits, ...more] = entry.trim().split("/");
  const address = parseAddress(text);
  const type = address !== undefined && isIPv6(address) ? "ipv6" : "ipv4";
  const width = type === "ipv6" ? 128 : 32;
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (address === undefined || more.length > 0 || !(prefix <= width)) {
    throw new Error(`"${entry}" is neither an IP address nor a network such as 10.0.0.0/8`);
  }
  list.addSubnet(address, prefix, type);
}

/** Tailscale's own ranges: traffic there is encrypted between devices. Source: https://tailscale.com/kb/1015/100.x-addresses */
const TAILNET = createAddressSet(["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);

export const isTailnetAddress = (address: string): boolean => TAILNET.has(address);
