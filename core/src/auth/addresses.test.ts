import { describe, expect, it } from "vitest";
import {
  canonicalAddress,
  createAddressSet,
  isLoopbackAddress,
  isTailnetAddress,
  networkOf,
  parseAddress,
} from "./addresses.ts";

describe("one address", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::FFFF:203.0.113.9", "203.0.113.9"],
    ["::ffff:cb00:7109", "203.0.113.9"],
    ["0:0:0:0:0:ffff:cb00:7109", "203.0.113.9"],
    ["0:0:0:0:0:ffff:203.0.113.9", "203.0.113.9"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["2001:db8:0000:0:0:0:0:0001", "2001:db8::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["not an address", "not an address"],
    ["", ""],
  ])("%j is always written %j", (given, canonical) => {
    expect(canonicalAddress(given)).toBe(canonical);
    expect(canonicalAddress(canonical)).toBe(canonical);
  });

  it.each(["localhost", "1.2.3", "1.2.3.4:80", "[::1]", "::1,::2", "", "0x7f.1", "127.1", "2130706433"])(
    "is not read from %j",
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );

  it.each(["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:0:0:1"])(
    "%s is loopback",
    (address) => expect(isLoopbackAddress(address)).toBe(true),
  );

  it.each(["128.0.0.1", "::2", "::ffff:128.0.0.1", "0.0.0.0", "::", "127.0.0.1.evil.com", "127"])(
    "%s is not loopback",
    (address) => expect(isLoopbackAddress(address)).toBe(false),
  );

  it.each(["100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0:ab12::9"])(
    "%s is on a tailnet",
    (address) => expect(isTailnetAddress(address)).toBe(true),
  );

  it.each(["100.63.255.255", "100.128.0.0", "fd7a:115c:a1e1::1", "10.0.0.1", "x"])("%s is not", (address) =>
    expect(isTailnetAddress(address)).toBe(false),
  );
});

describe("a network", () => {
  it("of an IPv6 address is its /64, of an IPv4 address that address", () => {
    expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe(networkOf("2001:db8:1:2::9"));
    expect(networkOf("2001:db8:1:2::9")).not.toBe(networkOf("2001:db8:1:3::9"));
    expect(networkOf("2001:db8::9%en0")).toBe("2001:db8:0:0::/64");
    expect(networkOf("::ffff:203.0.113.9")).toBe("203.0.113.9");
  });

  it("holds its own addresses in every spelling, and no others", () => {
    const set = createAddressSet(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"]);
    for (const inside of ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:9::1", "::1"]) {
      expect(set.has(inside), inside).toBe(true);
    }
    for (const outside of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1", "", "10.0.0.0/8"]) {
      expect(set.has(outside), outside).toBe(false);
    }
  });

  it.each(["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "proxy.example", "::/129", "", "10.0.0.0/-1"])(
    "is not read from %j, and the text says so",
    (entry) => expect(() => createAddressSet([entry])).toThrow(JSON.stringify(entry).slice(1, -1)),
  );
});
