import { describe, expect, it } from "vitest";
import { isForwardingHeader, isLocalPeer } from "./local-trust.ts";

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
  const at = (host: string) => isLocalPeer({ address: "127.0.0.1", host, origin: undefined, forwarded: false }, "on");

  it.each(["localhost", "LOCALHOST:18789", "127.0.0.1:1", "[::1]:1", "localhost.:1"])("is local as %s", (host) =>
    expect(at(host)).toBe(true),
  );

  const others = ["gw.example", "127.evil.com", "localhost.evil.com", "localhost@evil.com", "evil.com/localhost", ""];
  it.each(others)("is not local as %j", (host) => expect(at(host)).toBe(false));
});
