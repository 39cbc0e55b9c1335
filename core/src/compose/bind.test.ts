import { describe, expect, it } from "vitest";
import { hostsOf } from "./bind.ts";

describe("gateway.bind", () => {
  it.each([
    ["loopback", undefined],
    ["127.0.0.1", ["127.0.0.1"]],
    ["::1", ["::1"]],
    ["100.101.102.103", ["127.0.0.1", "100.101.102.103"]],
    ["fd7a:115c:a1e0::7", ["127.0.0.1", "fd7a:115c:a1e0::7"]],
  ])("%s listens on %s", (bind, hosts) => {
    expect(hostsOf(bind)).toEqual(hosts);
  });

  it.each(["0.0.0.0", "192.168.1.5", "::", "100.128.0.1", "8.8.8.8"])("refuses %s and says what is safe", (bind) => {
    expect(() => hostsOf(bind)).toThrow(/unencrypted.*ssh -N -L.*tailnet/);
  });

  it("refuses what is no address", () => {
    expect(() => hostsOf("lan")).toThrow(/use loopback/);
  });
});
