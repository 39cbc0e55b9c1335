import { describe, expect, it } from "vitest";
import { hostnameOf, isForwardingHeader, isLocalPeer, isOnHost } from "./local-trust.ts";
import { LONE_HOST } from "./own-host.ts";

describe("a header", () => {
  const proxies = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-user",
    "x-real-ip",
    "forwarded",
    "via",
    "cf-connecting-ip",
    "tailscale-user-login",
  ];
  it.each(proxies)("%s says that a proxy speaks", (name) => expect(isForwardingHeader(name)).toBe(true));

  const clients = ["host", "connection", "upgrade", "user-agent", "origin", "sec-websocket-key", "authorization"];
  it.each(clients)("%s does not", (name) => expect(isForwardingHeader(name)).toBe(false));
});

describe("a peer on loopback", () => {
  const at = (host: string, forwarded: "no" | "trusted" | "untrusted" = "no") =>
    isOnHost({ address: "127.0.0.1", hostname: hostnameOf(host), forwarded }, LONE_HOST);

  it.each(["localhost", "LOCALHOST:18789", "127.0.0.1:1", "[::1]:1", "localhost.:1", "127.9.9.9"])(
    "is on the host as %s",
    (host) => expect(at(host)).toBe(true),
  );

  const others = [
    "gw.example",
    "127.evil.com",
    "localhost.evil.com",
    "localhost@evil.com",
    "evil.com@localhost",
    "evil.com/localhost",
    "localhost#x",
    "host.tail1234.ts.net",
    "0.0.0.0",
    "",
  ];
  it.each(others)("is not as %j", (host) => expect(at(host)).toBe(false));

  it("is not when a proxy says so, trusted or not", () => {
    expect([at("localhost", "trusted"), at("localhost", "untrusted")]).toEqual([false, false]);
  });
});

describe("local trust", () => {
  it("is for programs on the host, never for pages, and can be switched off", () => {
    const program = { onHost: true, origin: undefined };
    expect(isLocalPeer(program, "on")).toBe(true);
    expect(isLocalPeer(program, "off")).toBe(false);
    expect(isLocalPeer({ onHost: true, origin: "http://localhost" }, "on")).toBe(false);
    expect(isLocalPeer({ onHost: true, origin: "" }, "on")).toBe(false);
    expect(isLocalPeer({ onHost: false, origin: undefined }, "on")).toBe(false);
  });
});
