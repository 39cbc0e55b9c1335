import { BlockList, isIPv6 } from "node:net";

/** Source: https://www.iana.org/assignments/iana-ipv4-special-registry (rows that are not globally reachable) and multicast. */
const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Parts of the global unicast block that lead elsewhere: Teredo and its neighbours, documentation, 6to4. */
const SPECIAL_IPV6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const privateV4 = new BlockList();
for (const [net, prefix] of PRIVATE_IPV4) privateV4.addSubnet(net, prefix, "ipv4");

// Everything outside 2000::/3 is loopback, link-local, unique local, mapped IPv4, translated IPv4 or unassigned.
const globalV6 = new BlockList();
globalV6.addSubnet("2000::", 3, "ipv6");

const specialV6 = new BlockList();
for (const [net, prefix] of SPECIAL_IPV6) specialV6.addSubnet(net, prefix, "ipv6");

/** True for an address on the public internet; false for this machine, its networks and everything reserved. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !privateV4.check(address, "ipv4");
  return globalV6.check(address, "ipv6") && !specialV6.check(address, "ipv6");
}
