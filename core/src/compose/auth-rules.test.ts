import { type Config, GatewayConfig } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { parseSchema, withDefaults } from "../config/json-schema.ts";
import { type AuthFacts, checkAuth } from "./auth-rules.ts";

const long = "0123456789abcdef01234567";
const gateway = (over: object = {}): Config["gateway"] =>
  withDefaults(parseSchema(GatewayConfig), over) as Config["gateway"];

const facts = (over: Partial<AuthFacts> = {}): AuthFacts => ({
  gateway: gateway(),
  bind: "loopback",
  auth: { mode: "token", token: long },
  proxySecret: undefined,
  ...over,
});

const paths = (issues: readonly { path: string }[]): string[] => issues.map(({ path }) => path);

describe("how clients are to prove themselves", () => {
  it("is fine by default", () => {
    expect(checkAuth(facts())).toEqual({ issues: [], warnings: [] });
    expect(checkAuth(facts({ auth: { mode: "password", password: "pw" } }))).toEqual({ issues: [], warnings: [] });
  });

  it.each(["100.101.102.103", "192.168.1.5", "0.0.0.0", "::"])("may not be nothing at all on %s", (bind) => {
    const { issues } = checkAuth(facts({ auth: { mode: "none" }, bind }));
    expect(issues).toEqual([
      {
        path: "gateway.auth.mode",
        message: expect.stringMatching(/set gateway.bind to loopback, or gateway.auth.mode/),
      },
    ]);
  });

  it.each(["loopback", "127.0.0.1", "::1"])("may be nothing on %s", (bind) => {
    expect(checkAuth(facts({ auth: { mode: "none" }, bind })).issues).toEqual([]);
  });

  it.each(["token", "trusted-proxy", "tailscale"] as const)(
    "by a token that can be guessed (mode %s) is warned about on loopback and refused beyond",
    (mode) => {
      const own = { gateway: gateway({ trustedProxies: ["10.0.0.1"] }), proxySecret: `${long}x` };
      const short = { mode, token: long.slice(1) };
      const home = checkAuth(facts({ ...own, auth: short }));
      expect([paths(home.issues), paths(home.warnings)]).toEqual([[], ["gateway.auth.token"]]);
      const out = checkAuth(facts({ ...own, auth: short, bind: "100.101.102.103" }));
      expect([paths(out.issues), paths(out.warnings)]).toEqual([["gateway.auth.token"], []]);
      expect(out.issues[0]?.message).toMatch(/fewer than 24 characters.*openssl rand -base64 32/);
      expect(JSON.stringify(out)).not.toContain(short.token);
      expect(checkAuth(facts({ ...own, auth: { mode, token: long }, bind: "100.101.102.103" })).issues).toEqual([]);
    },
  );

  it("by a proxy needs the proxy's address and a secret that only it knows", () => {
    const auth = { mode: "trusted-proxy", token: long } as const;
    expect(paths(checkAuth(facts({ auth })).issues)).toEqual([
      "gateway.trustedProxies",
      "gateway.auth.trustedProxy.secret",
    ]);
    const trusting = gateway({ trustedProxies: ["127.0.0.1"] });
    expect(paths(checkAuth(facts({ auth, gateway: trusting, proxySecret: "short" })).issues)).toEqual([
      "gateway.auth.trustedProxy.secret",
    ]);
    expect(checkAuth(facts({ auth, gateway: trusting, proxySecret: `${long}x` })).issues).toEqual([]);
    const same = gateway({
      trustedProxies: ["127.0.0.1"],
      auth: { trustedProxy: { userHeader: "X-User", secretHeader: "x-user" } },
    });
    expect(paths(checkAuth(facts({ auth, gateway: same, proxySecret: `${long}x` })).issues)).toEqual([
      "gateway.auth.trustedProxy.secretHeader",
    ]);
  });

  it("names every address and host that cannot be read", () => {
    const written = gateway({
      trustedProxies: ["10.0.0.0/8", "proxy.example", "10.0.0.0/40"],
      allowedHosts: ["gw.example", "gw.example:443", "::1", "https://gw.example", "*.example", "a b"],
      publicUrl: "https://[",
    });
    expect(paths(checkAuth(facts({ gateway: written })).issues)).toEqual([
      "gateway.trustedProxies.1",
      "gateway.trustedProxies.2",
      "gateway.allowedHosts.3",
      "gateway.allowedHosts.4",
      "gateway.allowedHosts.5",
      "gateway.publicUrl",
    ]);
  });
});
