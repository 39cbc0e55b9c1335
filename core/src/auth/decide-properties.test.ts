import * as fc from "fast-check";
import { type ConnectParams, OWNER_SCOPES, scopesCover } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { deviceId } from "../base/brand.ts";
import type { DeviceRecord } from "../store/tables/device-record.ts";
import { createAddressSet } from "./addresses.ts";
import { type AuthPolicy, type Decision, decide } from "./decide.ts";
import { createOwnHost } from "./own-host.ts";
import { createPeerReader } from "./peer.ts";
import { type AuthMode, createSecretCheck } from "./shared-secret.ts";
import { cliParams, makeDevice, signed } from "./test-device.ts";
import { createDeviceTokens } from "./tokens.ts";
import type { Vouched } from "./vouched.ts";

const now = 1_700_000_000_000;
const nonce = "n";
const device = makeDevice();
const tokens = createDeviceTokens(Buffer.alloc(32, 3));
const own = createOwnHost({ interfaces: () => ["127.0.0.1", "100.101.102.103"], now: () => now });
const readPeer = createPeerReader({ trustedProxies: createAddressSet(["10.0.0.1"]), own, hosts: [] });

const SCOPES = [...OWNER_SCOPES, "operator.root", ""];
const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const AUTHS: readonly AuthMode[] = [
  { mode: "token", token: "right" },
  { mode: "password", password: "right" },
  { mode: "trusted-proxy", token: "right" },
  { mode: "tailscale", token: "right" },
  { mode: "none" },
];

const attempts = fc.record({
  auth: some(...AUTHS),
  localTrust: some("on" as const, "off" as const),
  ownerScopes: fc.subarray([...OWNER_SCOPES]),
  role: some("operator", "node"),
  scopes: fc.subarray(SCOPES),
  token: some(
    undefined,
    "",
    "right",
    "wrong",
    tokens.tokenFor({ deviceId: device.id, role: "operator", generation: 2 }),
  ),
  password: some(undefined, "right", "wrong"),
  deviceToken: some(undefined, "wrong", tokens.tokenFor({ deviceId: device.id, role: "operator", generation: 2 })),
  signs: fc.boolean(),
  address: some("127.0.0.1", "::1", "203.0.113.9", "100.101.102.103", "100.64.0.9", "10.0.0.1"),
  host: some("localhost", "127.0.0.1:1", "evil.example", "100.101.102.103", ""),
  origin: some(undefined, "http://localhost", "https://evil.example", "null"),
  xff: some(undefined, "127.0.0.1", "203.0.113.9", "100.101.102.103", "junk"),
  vouched: some<Vouched | undefined>(
    undefined,
    { is: "user", user: "ann" },
    { is: "fault", reason: "proxy_secret_mismatch" },
    { is: "ask", claim: { address: "100.64.0.9" } },
  ),
  record: fc.option(
    fc.record({
      scopes: fc.subarray([...OWNER_SCOPES]),
      role: some("operator" as const, "node" as const),
      revoked: fc.boolean(),
      platform: some("linux", "darwin"),
    }),
  ),
});
type Given = typeof attempts extends fc.Arbitrary<infer T> ? T : never;

function run(given: Given): { decision: Decision; peer: ReturnType<typeof readPeer> } {
  const auth = { token: given.token, password: given.password, deviceToken: given.deviceToken };
  const sent = Object.fromEntries(Object.entries(auth).filter(([, value]) => value !== undefined));
  const plain = cliParams({ role: given.role, scopes: given.scopes, auth: sent });
  const params = (given.signs ? signed(plain, device, { nonce, at: now }) : plain) as unknown as ConnectParams;
  const headers = {
    host: given.host,
    ...(given.origin === undefined ? {} : { origin: given.origin }),
    ...(given.xff === undefined ? {} : { "x-forwarded-for": given.xff }),
  };
  const rawHeaders = Object.entries(headers).flat();
  const seen = readPeer({ socketAddress: given.address, encrypted: false, headers, rawHeaders });
  const peer = given.vouched === undefined ? seen : { ...seen, vouched: given.vouched };
  const policy: AuthPolicy = {
    mode: given.auth.mode,
    checkSecret: createSecretCheck(given.auth),
    tokens,
    localTrust: given.localTrust,
    localOwnerScopes: given.ownerScopes,
    origins: { allowedOrigins: [], allowHostHeader: false },
  };
  return { decision: decide({ params, peer, nonce, now }, policy, recordOf(given)), peer };
}

function recordOf({ record }: Given): DeviceRecord | undefined {
  if (record === null) return undefined;
  const { scopes, role, revoked, platform } = record;
  return {
    deviceId: deviceId(device.id),
    publicKey: device.publicKey,
    signature: "v3",
    platform,
    grants: [{ role, scopes, generation: 2, issuedAt: 1, revoked }],
    createdAt: 1,
    approvedAt: 1,
  };
}

/** Every way in which what was brought is a proof, told apart from the decision. */
function mayProve(given: Given, peer: ReturnType<typeof readPeer>): readonly string[] {
  const { mode } = given.auth;
  const proofs: Record<string, boolean> = {
    "nothing-needed": mode === "none",
    secret: mode !== "none" && knowsSecret(given) && (!hasVoucher(mode) || (peer.onHost && given.origin === undefined)),
    proxy: mode === "trusted-proxy" && given.vouched?.is === "user",
    tailscale: mode === "tailscale" && given.vouched?.is === "user",
    "device-token": given.signs && given.record?.revoked === false,
  };
  return Object.keys(proofs).filter((proof) => proofs[proof] === true);
}

const hasVoucher = (mode: string): boolean => mode === "trusted-proxy" || mode === "tailscale";
const knowsSecret = ({ auth, password, token }: Given): boolean =>
  auth.mode === "password" ? password === "right" : token === "right";

const holds = (property: (given: Given, outcome: ReturnType<typeof run>) => void): void =>
  fc.assert(
    fc.property(attempts, (given) => property(given, run(given))),
    { numRuns: 5_000 },
  );

describe("whatever a client claims, shows and brings", () => {
  it("no session has a scope that no record and no owner setting grants", () => {
    holds((given, { decision }) => {
      if (decision.kind !== "session") return;
      const { session } = decision;
      const granted = session.grant?.scopes ?? given.ownerScopes;
      expect(session.role === "node" ? session.scopes.length === 0 : scopesCover(granted, session.scopes)).toBe(true);
      expect(session.grant?.revoked ?? false).toBe(false);
    });
  });

  it("only a local program is let in or paired without anybody being asked", () => {
    holds((given, { decision, peer }) => {
      const unasked =
        decision.kind === "approve" || (decision.kind === "session" && decision.session.grant === undefined);
      if (!unasked) return;
      expect([peer.onHost, given.origin, given.localTrust]).toEqual([true, undefined, "on"]);
      expect(given.xff === undefined || given.xff === "100.101.102.103").toBe(true);
    });
  });

  it("nobody gets past the question who it is without a right credential", () => {
    holds((given, { decision, peer }) => {
      if (decision.kind === "refuse") return;
      expect(mayProve(given, peer)).toContain(decision.kind === "redeem" ? "bootstrap" : decision.by);
    });
  });

  it("a page of another origin is refused before anything else is looked at", () => {
    holds((given, { decision }) => {
      if (given.origin === undefined || given.origin === "http://localhost") return;
      expect(decision).toMatchObject({ kind: "refuse", refusal: { kind: "origin" } });
    });
  });
});
