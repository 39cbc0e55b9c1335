import { describe, expect, it } from "vitest";
import { createAddressSet } from "./addresses.ts";
import { forwardedAddress } from "./forwarded.ts";
import { createOwnHost } from "./own-host.ts";
import { createPeerReader, tailscaleVouching } from "./peer.ts";
import { createProxyVouching } from "./trusted-proxy.ts";

const trusted = createAddressSet(["127.0.0.1", "10.0.0.0/8"]);

describe("the client behind proxies", () => {
  const cases: [string, string[], string | undefined][] = [
    ["one hop", ["x-forwarded-for", "203.0.113.9"], "203.0.113.9"],
    ["trusted hops on the right", ["X-Forwarded-For", "203.0.113.9, 10.0.0.2,10.0.0.3"], "203.0.113.9"],
    ["an invented hop on the left", ["x-forwarded-for", "127.0.0.1, 203.0.113.9"], "203.0.113.9"],
    ["nothing but trusted hops", ["x-forwarded-for", "10.0.0.9, 10.0.0.2"], "10.0.0.9"],
    ["IPv4 in IPv6 clothes", ["x-forwarded-for", "::ffff:203.0.113.9"], "203.0.113.9"],
    ["a port", ["x-forwarded-for", "203.0.113.9:4711"], "203.0.113.9"],
    ["an IPv6 address", ["x-forwarded-for", "2001:DB8::0:1"], "2001:db8::1"],
    ["an IPv6 address with a port", ["x-forwarded-for", "[2001:db8::1]:4711"], "2001:db8::1"],
    ["Forwarded", ["forwarded", 'for="[2001:db8::1]:4711";proto=https, for=10.0.0.2;by=10.0.0.1'], "2001:db8::1"],
    ["no header", ["host", "x"], undefined],
    ["an empty header", ["x-forwarded-for", ""], undefined],
    ["an empty hop", ["x-forwarded-for", "203.0.113.9,,10.0.0.2"], undefined],
    ["a name", ["x-forwarded-for", "localhost"], undefined],
    ["an unknown hop on the left", ["x-forwarded-for", "unknown, 203.0.113.9"], undefined],
    ["an obfuscated hop", ["forwarded", "for=_hidden"], undefined],
    ["a hop without for", ["forwarded", "for=203.0.113.9, by=10.0.0.1"], undefined],
    ["the header twice", ["x-forwarded-for", "203.0.113.9", "X-Forwarded-For", "127.0.0.1"], undefined],
    ["both headers", ["x-forwarded-for", "203.0.113.9", "forwarded", "for=203.0.113.9"], undefined],
    ["too many hops", ["x-forwarded-for", Array.from({ length: 33 }, () => "203.0.113.9").join(",")], undefined],
    ["an octal address", ["x-forwarded-for", "0177.0.0.1"], undefined],
  ];
  it.each(cases)("is told by %s", (_name, raw, expected) => {
    expect(forwardedAddress(raw, trusted)).toBe(expected);
  });
});

const own = createOwnHost({
  interfaces: () => ["127.0.0.1", "192.168.1.5", "fe80::1%eth0", "100.101.102.103"],
  tailnetName: () => "host.tail1234.ts.net",
  now: () => 0,
});
const readPeer = createPeerReader({ trustedProxies: trusted, own, hosts: ["gw.example", "ALSO.example."] });
const read = (headers: Record<string, string>, socketAddress = "127.0.0.1", encrypted = false) =>
  readPeer({ socketAddress, encrypted, headers, rawHeaders: Object.entries(headers).flat() });

describe("what a request shows of its sender", () => {
  it("is the address of the socket unless a trusted proxy tells another", () => {
    const told = { host: "gw.example", "x-forwarded-for": "203.0.113.9" };
    expect(read(told)).toMatchObject({ address: "203.0.113.9", forwarded: true, onHost: false });
    expect(read(told, "198.51.100.7")).toMatchObject({ address: "198.51.100.7", forwarded: true, onHost: false });
    expect(read({ host: "localhost" }, "::ffff:127.0.0.1")).toMatchObject({ address: "127.0.0.1", onHost: true });
  });

  it("is nobody of this host when a trusted proxy's headers cannot be read", () => {
    const unreadable: Record<string, string>[] = [
      { "x-forwarded-for": "nonsense" },
      { "x-forwarded-for": "127.0.0.1" },
      { "x-real-ip": "127.0.0.1" },
      { "x-forwarded-user": "root" },
      { via: "1.1 proxy" },
    ];
    for (const headers of unreadable) {
      const peer = read({ host: "localhost", ...headers });
      expect(peer, JSON.stringify(headers)).toMatchObject({ address: "127.0.0.1", forwarded: true, onHost: false });
    }
  });

  it.each([
    "localhost",
    "127.0.0.1:18789",
    "[::1]:1",
    "gw.example:443",
    "GW.EXAMPLE.",
    "also.example",
    "192.168.1.5",
    "[fe80::1]",
    "100.101.102.103:18789",
    "host.tail1234.ts.net",
  ])("names this gateway by Host %s", (host) => expect(read({ host }).hostAllowed).toBe(true));

  it.each([
    "evil.example",
    "gw.example.evil.example",
    "192.168.1.6",
    "other.tail1234.ts.net",
    "gw.example@evil.example",
    "",
    "a b",
  ])("does not by Host %j", (host) => expect(read({ host }).hostAllowed).toBe(false));

  it("is secure by the socket's TLS, or by TLS that a trusted proxy ended", () => {
    const https = { host: "gw.example", "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" };
    expect(read({ host: "gw.example" }, "203.0.113.9", true).secure).toBe(true);
    expect(read(https).secure).toBe(true);
    expect(read(https, "203.0.113.9").secure).toBe(false);
    expect(read({ ...https, "x-forwarded-proto": "https, http" }).secure).toBe(false);
    expect(read({ host: "localhost" }).secure).toBe(false);
  });
});

describe("the addresses of this host", () => {
  it("are read again after some seconds, and not for every stranger", () => {
    const host = { now: 1_000_000, addresses: ["100.64.0.1"], reads: 0 };
    const moving = createOwnHost({
      interfaces: () => {
        host.reads += 1;
        return host.addresses;
      },
      now: () => host.now,
    });
    for (let asked = 0; asked < 100; asked += 1) expect(moving.hasAddress("100.64.0.1")).toBe(true);
    expect(host.reads).toBe(1);
    host.addresses = ["100.64.0.2"];
    host.now += 5_000;
    expect([moving.hasTailnetAddress("100.64.0.1"), moving.hasTailnetAddress("100.64.0.2")]).toEqual([false, true]);
    host.now -= 1_000_000;
    moving.hasAddress("100.64.0.2");
    expect(host.reads).toBe(3);
    expect(moving.isTailnetName("")).toBe(false);
  });
});

describe("a trusted proxy", () => {
  const secret = "s".repeat(32);
  const settings = {
    userHeader: "x-forwarded-user",
    secretHeader: "x-openclaw-proxy-secret",
    secret,
    allowUsers: [] as string[],
  };
  const vouch = createProxyVouching(settings, trusted);
  const good = ["X-Forwarded-User", "ann", "X-OpenClaw-Proxy-Secret", secret];

  it("vouches for the user it names", () => {
    expect(vouch("127.0.0.1", good)).toEqual({ is: "user", user: "ann" });
    const choosy = createProxyVouching({ ...settings, allowUsers: ["bob"] }, trusted);
    expect(choosy("127.0.0.1", good)).toEqual({ is: "fault", reason: "proxy_user_not_allowed" });
  });

  const bad: [string, string, string[], string][] = [
    ["an address that is no proxy's", "203.0.113.9", good, "proxy_untrusted"],
    [
      "a program on the proxy's host without the secret",
      "127.0.0.1",
      ["x-forwarded-user", "ann"],
      "proxy_secret_missing",
    ],
    [
      "a wrong secret",
      "127.0.0.1",
      ["x-forwarded-user", "ann", "x-openclaw-proxy-secret", "x"],
      "proxy_secret_mismatch",
    ],
    ["the secret twice", "127.0.0.1", [...good, "x-openclaw-proxy-secret", secret], "proxy_secret_mismatch"],
    ["no user", "127.0.0.1", ["x-openclaw-proxy-secret", secret], "proxy_user_missing"],
    ["a blank user", "127.0.0.1", ["x-forwarded-user", " ", "x-openclaw-proxy-secret", secret], "proxy_user_missing"],
    ["two users", "127.0.0.1", [...good, "x-forwarded-user", "root"], "proxy_user_missing"],
    [
      "an endless user",
      "127.0.0.1",
      ["x-forwarded-user", "a".repeat(300), "x-openclaw-proxy-secret", secret],
      "proxy_user_missing",
    ],
  ];
  it.each(bad)("is not %s", (...row) => {
    const [, address, raw, reason] = row;
    expect(vouch(address, raw)).toEqual({ is: "fault", reason });
  });
});

describe("the tailnet", () => {
  const serve = ["Tailscale-User-Login", "ann@example.com", "X-Forwarded-For", "100.64.0.9"];
  it("is asked about the user of tailscale serve, and about direct connections", () => {
    const claim = { address: "100.64.0.9", login: "ann@example.com" };
    expect(tailscaleVouching("127.0.0.1", serve)).toEqual({ is: "ask", claim });
    expect(tailscaleVouching("100.64.0.9", [])).toEqual({ is: "ask", claim: { address: "100.64.0.9" } });
  });

  it("is asked about nobody else", () => {
    const missing = { is: "fault", reason: "tailscale_user_missing" };
    const noProxy = { is: "fault", reason: "tailscale_proxy_missing" };
    expect(tailscaleVouching("127.0.0.1", [])).toEqual(missing);
    expect(tailscaleVouching("127.0.0.1", [...serve, "tailscale-user-login", "root"])).toEqual(missing);
    expect(tailscaleVouching("127.0.0.1", serve.slice(0, 2))).toEqual(noProxy);
    expect(tailscaleVouching("203.0.113.9", serve)).toEqual(noProxy);
    expect(tailscaleVouching("127.0.0.1", [...serve.slice(0, 2), "x-forwarded-for", "203.0.113.9"])).toEqual(noProxy);
    expect(tailscaleVouching("127.0.0.1", [...serve, "x-forwarded-for", "100.64.0.9"])).toEqual(noProxy);
  });
});
