import { describe, expect, it } from "vitest";
import { hostsOf, isExposed } from "./bind.ts";

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

  it.each([
    ["192.168.1.5", ["127.0.0.1", "192.168.1.5"]],
    ["0.0.0.0", ["0.0.0.0"]],
    ["::", ["::"]],
    ["::0", ["::0"]],
    ["0:0:0:0:0:0:0:0", ["0:0:0:0:0:0:0:0"]],
    ["::ffff:0.0.0.0", ["::ffff:0.0.0.0"]],
  ])("%s is fine on a port that is encrypted itself", (bind, hosts) => {
    expect(hostsOf(bind, true)).toEqual(hosts);
  });

  it("reaches others than this host's programs everywhere but on loopback", () => {
    for (const bind of ["loopback", "127.0.0.1", "::1"]) expect(isExposed(bind)).toBe(false);
    for (const bind of ["100.101.102.103", "0.0.0.0", "192.168.1.5"]) expect(isExposed(bind)).toBe(true);
  });

  it("refuses what is no address", () => {
    expect(() => hostsOf("lan")).toThrow(/use loopback/);
  });
});
