import { type ConnectParams, OWNER_SCOPES } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { deviceId } from "../base/brand.ts";
import type { DeviceRecord, RoleGrant } from "../store/tables/device-record.ts";
import { cliParams, makeDevice, type Params, signed, type TestDevice } from "./test-device.ts";
import { createAddressSet } from "./addresses.ts";
import type { PeerFacts } from "./local-trust.ts";
import { createOwnHost } from "./own-host.ts";
import { createPeerReader } from "./peer.ts";
import type { Vouched } from "./vouched.ts";
import { type AuthPolicy, decide, type Decision } from "./decide.ts";
import { createSecretCheck, type AuthMode } from "./shared-secret.ts";
import { createDeviceTokens } from "./tokens.ts";

const now = 1_700_000_000_000;
const nonce = "challenge";
const tokens = createDeviceTokens(Buffer.alloc(32, 1));
const device = makeDevice();
const own = createOwnHost({
  interfaces: () => ["127.0.0.1", "192.168.1.5", "100.101.102.103", "fd7a:115c:a1e0::7"],
  tailnetName: () => "Host.tail1234.ts.net.",
  now: () => now,
});
const readPeer = createPeerReader({ trustedProxies: createAddressSet(["10.0.0.1"]), own, hosts: ["gw.example"] });

interface PeerCase {
  readonly address?: string;
  readonly host?: string;
  readonly origin?: string;
  readonly headers?: Record<string, string>;
  readonly vouched?: Vouched;
}

function peerOf({ address = "127.0.0.1", host = "localhost:1", origin, headers = {}, vouched }: PeerCase): PeerFacts {
  const all = { host, ...(origin === undefined ? {} : { origin }), ...headers };
  const raw = Object.entries(all).flat();
  const peer = readPeer({ socketAddress: address, encrypted: false, headers: all, rawHeaders: raw });
  return vouched === undefined ? peer : { ...peer, vouched };
}

const localPeer = peerOf({});

function policyFor(auth: AuthMode = { mode: "token", token: "secret" }, over: Partial<AuthPolicy> = {}): AuthPolicy {
  return {
    mode: auth.mode,
    checkSecret: createSecretCheck(auth),
    tokens,
    localTrust: "on",
    localOwnerScopes: OWNER_SCOPES,
    origins: { allowedOrigins: [], allowHostHeader: false },
    ...over,
  };
}

interface Case {
  readonly params?: Record<string, unknown>;
  readonly device?: TestDevice;
  readonly version?: "v2" | "v3";
  readonly peer?: PeerCase;
  readonly auth?: AuthMode;
  readonly policy?: Partial<AuthPolicy>;
  readonly record?: Partial<DeviceRecord>;
  readonly grant?: Partial<RoleGrant>;
}

function recordFor({ record, grant }: Case): DeviceRecord | undefined {
  if (record === undefined && grant === undefined) return undefined;
  const base: RoleGrant = { role: "operator", scopes: ["operator.write"], generation: 2, issuedAt: 1, revoked: false };
  return {
    deviceId: deviceId(device.id),
    publicKey: device.publicKey,
    signature: "v2",
    platform: "Linux",
    grants: [{ ...base, ...grant }],
    createdAt: 1,
    approvedAt: 1,
    ...record,
  };
}

function decideOn(testCase: Case): Decision {
  const plain = cliParams({ scopes: ["operator.read"], ...testCase.params });
  const { device: signer, version = "v3" } = testCase;
  const params: Params = signer === undefined ? plain : signed(plain, signer, { nonce, at: now, version });
  const attempt = { params: params as unknown as ConnectParams, peer: peerOf(testCase.peer ?? {}), nonce, now };
  return decide(attempt, policyFor(testCase.auth, testCase.policy), recordFor(testCase));
}

/** The decision in one word, with what matters of it. */
function summary(decision: Decision): string {
  switch (decision.kind) {
    case "session":
      return `session ${decision.session.identity.slice(0, 11)} [${decision.session.scopes.join(" ")}]`;
    case "approve":
      return `approve ${decision.claim.role} [${decision.claim.scopes.join(" ")}]`;
    case "pair":
      return `pair ${decision.reason}`;
    case "redeem":
      return `redeem ${decision.codeHash.slice(0, 8)}`;
    case "refuse": {
      const { refusal } = decision;
      if (refusal.kind === "unauthorized") return `unauthorized ${refusal.reason} ${refusal.canUseDeviceToken}`;
      return refusal.kind === "device" || refusal.kind === "origin" ? `${refusal.kind} ${refusal.fault}` : refusal.kind;
    }
  }
}

const secret = { auth: { token: "secret" } };
const id = device.id.slice(0, 11);
const elsewhere = { address: "203.0.113.9", host: "gw.example" };
const tokenOf = (generation: number): string => tokens.tokenFor({ deviceId: device.id, role: "operator", generation });
const proxied: AuthMode = { mode: "trusted-proxy", token: "secret" };
const tailnet: AuthMode = { mode: "tailscale", token: "secret" };
const ui = { client: { id: "openclaw-control-ui", mode: "ui", version: "1", platform: "linux" } };
const localPage = { origin: "http://localhost:5173" };

/** What happens, per row of wire protocol 2.6 and 8.2 as section 0 changes them. */
const table: Record<string, [Case, string]> = {
  "an unknown role": [{ params: { role: "admin", ...secret } }, "role"],
  "a role of another case": [{ params: { role: "Operator", ...secret } }, "role"],
  "a foreign page": [{ peer: { origin: "https://evil.example" }, params: secret }, "origin origin not allowed"],
  "a listed page": [
    {
      peer: { origin: "https://UI.example" },
      device,
      params: secret,
      policy: { origins: { allowedOrigins: ["https://ui.EXAMPLE"], allowHostHeader: false } },
    },
    "pair not-paired",
  ],
  "a page of the gateway's own name, when that is allowed": [
    {
      peer: { ...elsewhere, origin: "https://gw.example" },
      device,
      params: secret,
      policy: { origins: { allowedOrigins: [], allowHostHeader: true } },
    },
    "pair not-paired",
  ],
  "a page of the gateway's own name, when that is not": [
    { peer: { ...elsewhere, origin: "https://gw.example" }, device, params: secret },
    "origin origin not allowed",
  ],
  "a browser extension that is listed": [
    {
      peer: { origin: "chrome-extension://abc" },
      device,
      params: secret,
      policy: { origins: { allowedOrigins: ["chrome-extension://abc"], allowHostHeader: false } },
    },
    "pair not-paired",
  ],
  "the Control UI without an origin": [{ params: { ...ui, ...secret } }, "origin origin missing or invalid"],
  "the Control UI without a device": [{ peer: localPage, params: { ...ui, ...secret } }, "control-ui-device-required"],
  "the Control UI with a new device": [{ peer: localPage, params: { ...ui, ...secret }, device }, "pair not-paired"],
  "a local page with a new device": [{ peer: localPage, params: secret, device }, "pair not-paired"],

  "no device, right secret, local": [
    { params: { ...secret, scopes: OWNER_SCOPES } },
    `session local-owner [${OWNER_SCOPES.join(" ")}]`,
  ],
  "no device, right secret, no scopes": [{ params: { ...secret, scopes: [] } }, "session local-owner []"],
  "no device, right secret, more scopes than the owner may have": [
    {
      params: { ...secret, scopes: ["operator.read", "operator.admin"] },
      policy: { localOwnerScopes: ["operator.write"] },
    },
    "session local-owner [operator.read]",
  ],
  "no device, right secret, local owner off": [{ params: secret, policy: { localOwnerScopes: [] } }, "device-required"],
  "no device, right secret, local trust off": [{ params: secret, policy: { localTrust: "off" } }, "device-required"],
  "no device, right secret, from elsewhere": [{ params: secret, peer: elsewhere }, "device-required"],
  "no device, right secret, through a proxy": [
    { params: secret, peer: { headers: { "x-real-ip": "1.2.3.4" } } },
    "device-required",
  ],
  "no device, right secret, from a local page": [{ params: secret, peer: localPage }, "device-required"],
  "no device, right secret, role node": [{ params: { ...secret, role: "node" } }, "device-required"],
  "no device, wrong secret": [{ params: { auth: { token: "wrong" } } }, "unauthorized token_mismatch false"],
  "no device, empty secret": [{ params: { auth: { token: "" } } }, "unauthorized token_missing false"],
  "no device, a longer secret": [{ params: { auth: { token: "secret " } } }, "unauthorized token_mismatch false"],
  "no device, password in token mode": [
    { params: { auth: { password: "secret" } } },
    "unauthorized token_missing false",
  ],
  "no device, nothing": [{}, "device-required"],
  "no device, only a device token": [{ params: { auth: { deviceToken: tokenOf(2) } }, grant: {} }, "device-required"],
  "no device, mode none": [{ auth: { mode: "none" } }, "device-required"],
  "no device, right password": [
    { auth: { mode: "password", password: "pw" }, params: { auth: { password: "pw" } } },
    "session local-owner [operator.read]",
  ],
  "wrong password": [
    { auth: { mode: "password", password: "pw" }, params: { auth: { password: "x" } } },
    "unauthorized password_mismatch false",
  ],
  "password missing": [{ auth: { mode: "password", password: "pw" }, device }, "unauthorized password_missing false"],
  "token not configured": [
    { auth: { mode: "token", token: undefined }, device, params: secret },
    "unauthorized token_not_configured false",
  ],
  "blank token configured and sent": [
    { auth: { mode: "token", token: "" }, params: { auth: { token: "" } } },
    "unauthorized token_not_configured false",
  ],
  "password not configured": [
    { auth: { mode: "password", password: undefined }, device },
    "unauthorized password_not_configured false",
  ],

  "a device without secret": [{ device }, "unauthorized token_missing false"],
  "a device with a wrong secret": [{ device, params: { auth: { token: "x" } } }, "unauthorized token_mismatch true"],
  "a paired device with its token": [
    { device, params: { auth: { deviceToken: tokenOf(2) } }, grant: {} },
    `session ${id} [operator.read]`,
  ],
  "its token in the other field": [
    { device, params: { auth: { token: tokenOf(2) } }, grant: {} },
    `session ${id} [operator.read]`,
  ],
  "its token from elsewhere": [
    { device, params: { auth: { deviceToken: tokenOf(2) } }, grant: {}, peer: elsewhere },
    `session ${id} [operator.read]`,
  ],
  "a token of another generation": [
    { device, params: { auth: { deviceToken: tokenOf(1) } }, grant: {} },
    "unauthorized device_token_mismatch false",
  ],
  "a revoked token": [
    { device, params: { auth: { deviceToken: tokenOf(2) } }, grant: { revoked: true } },
    "unauthorized device_token_mismatch false",
  ],
  "a token of the other role": [
    { device, params: { auth: { deviceToken: tokenOf(2) } }, grant: { role: "node" } },
    "unauthorized device_token_mismatch false",
  ],
  "a token for wider scopes": [
    { device, params: { auth: { deviceToken: tokenOf(2) }, scopes: ["operator.admin"] }, grant: {} },
    "unauthorized scope_mismatch false",
  ],
  "a token for wider scopes in the other field": [
    { device, params: { auth: { token: tokenOf(2) }, scopes: ["operator.admin"] }, grant: {} },
    "unauthorized scope_mismatch false",
  ],
  "a worthless token for wider scopes": [
    { device, params: { auth: { deviceToken: tokenOf(1) }, scopes: ["operator.admin"] }, grant: {} },
    "unauthorized device_token_mismatch false",
  ],
  "a revoked token in both fields": [
    { device, params: { auth: { token: tokenOf(2), deviceToken: tokenOf(2) } }, grant: { revoked: true } },
    "unauthorized device_token_mismatch false",
  ],
  "a wrong shared token beside a good device token": [
    { device, params: { auth: { token: "wrong", deviceToken: tokenOf(2) } }, grant: {} },
    "unauthorized token_mismatch false",
  ],
  "a token of an unknown device": [
    { device, params: { auth: { deviceToken: tokenOf(2) } } },
    "unauthorized device_token_mismatch false",
  ],

  "a new device on the host": [{ device, params: secret }, "approve operator [operator.read]"],
  "a new node on the host": [
    { device, params: { ...secret, role: "node", scopes: ["operator.admin"] } },
    "approve node []",
  ],
  "a new device in mode none": [{ device, auth: { mode: "none" } }, "approve operator [operator.read]"],
  "a new device with scopes nobody knows": [
    { device, params: { ...secret, scopes: ["root", "operator.read", "operator.read"] } },
    "approve operator [operator.read]",
  ],
  "a new device from elsewhere": [{ device, params: secret, peer: elsewhere }, "pair not-paired"],
  "a new device under another Host": [
    { device, params: secret, peer: { host: "127.0.0.1.evil.example" } },
    "pair not-paired",
  ],
  "a new device without Host": [{ device, params: secret, peer: { host: "" } }, "pair not-paired"],
  "a new device on [::1]": [
    { device, params: secret, peer: { address: "::1", host: "[::1]:18789" } },
    "approve operator [operator.read]",
  ],
  "a new device, local trust off": [{ device, params: secret, policy: { localTrust: "off" } }, "pair not-paired"],
  "a new device at this host's own tailnet address": [
    { device, params: secret, peer: { address: "100.101.102.103", host: "100.101.102.103:18789" } },
    "approve operator [operator.read]",
  ],
  "a new device at this host's own tailnet address, by its MagicDNS name": [
    { device, params: secret, peer: { address: "fd7a:115c:a1e0::7", host: "host.TAIL1234.ts.net" } },
    "approve operator [operator.read]",
  ],
  "no device at this host's own tailnet address": [
    { params: secret, peer: { address: "100.101.102.103", host: "[fd7a:115c:a1e0::7]:1" } },
    "session local-owner [operator.read]",
  ],
  "a new device at another tailnet address": [
    { device, params: secret, peer: { address: "100.101.102.104", host: "100.101.102.103:18789" } },
    "pair not-paired",
  ],
  "a new device at the own tailnet address, under another name": [
    { device, params: secret, peer: { address: "100.101.102.103", host: "other.tail1234.ts.net" } },
    "pair not-paired",
  ],
  "a new device at this host's own LAN address": [
    { device, params: secret, peer: { address: "192.168.1.5", host: "192.168.1.5" } },
    "pair not-paired",
  ],
  "a page at this host's own tailnet address": [
    {
      device,
      params: secret,
      peer: { address: "100.101.102.103", host: "100.101.102.103", origin: "http://100.101.102.103" },
    },
    "origin origin not allowed",
  ],
  "a trusted proxy that tells this host's own tailnet address": [
    {
      device,
      params: secret,
      peer: { address: "10.0.0.1", host: "host.tail1234.ts.net", headers: { "x-forwarded-for": "100.101.102.103" } },
    },
    "approve operator [operator.read]",
  ],
  "a trusted proxy that tells loopback": [
    { device, params: secret, peer: { address: "10.0.0.1", headers: { "x-forwarded-for": "127.0.0.1" } } },
    "pair not-paired",
  ],
  "a proxy that nobody trusts and that tells loopback": [
    { device, params: secret, peer: { headers: { "x-forwarded-for": "127.0.0.1" } } },
    "pair not-paired",
  ],

  "a user whom the proxy vouches for": [
    { auth: proxied, device, peer: { ...elsewhere, vouched: { is: "user", user: "ann" } } },
    "pair not-paired",
  ],
  "a paired device of such a user": [
    { auth: proxied, device, grant: {}, peer: { ...elsewhere, vouched: { is: "user", user: "ann" } } },
    `session ${id} [operator.read]`,
  ],
  "a user whom the proxy vouches for, without a device": [
    { auth: proxied, peer: { ...elsewhere, vouched: { is: "user", user: "ann" } } },
    "device-required",
  ],
  "a device past the proxy, with the token": [
    {
      auth: proxied,
      device,
      params: secret,
      peer: { ...elsewhere, vouched: { is: "fault", reason: "proxy_untrusted" } },
    },
    "unauthorized proxy_untrusted false",
  ],
  "a paired device past the proxy, with its own token": [
    {
      auth: proxied,
      device,
      params: { auth: { deviceToken: tokenOf(2) } },
      grant: {},
      peer: { ...elsewhere, vouched: { is: "fault", reason: "proxy_untrusted" } },
    },
    `session ${id} [operator.read]`,
  ],
  "the owner on the host of a proxied gateway": [
    { auth: proxied, params: secret, peer: { vouched: { is: "fault", reason: "proxy_untrusted" } } },
    "session local-owner [operator.read]",
  ],
  "a wrong token on the host of a proxied gateway": [
    { auth: proxied, params: { auth: { token: "x" } }, peer: { vouched: { is: "fault", reason: "proxy_untrusted" } } },
    "unauthorized token_mismatch false",
  ],
  "a tailnet user nobody has asked about": [
    { auth: tailnet, device, peer: { ...elsewhere, vouched: { is: "ask", claim: { address: "100.64.0.9" } } } },
    "unauthorized tailscale_whois_failed false",
  ],
  "a tailnet user the daemon knows": [
    { auth: tailnet, device, peer: { ...elsewhere, vouched: { is: "user", user: "ann@example.com" } } },
    "pair not-paired",
  ],
  "nobody of the tailnet": [
    { auth: tailnet, device, peer: { ...elsewhere, vouched: { is: "fault", reason: "tailscale_user_missing" } } },
    "unauthorized tailscale_user_missing false",
  ],

  "a paired device": [{ device, params: secret, grant: {} }, `session ${id} [operator.read]`],
  "a paired device with another key on record": [
    { device, params: secret, record: { publicKey: "other" }, peer: elsewhere },
    "pair not-paired",
  ],
  "another platform": [{ device, params: secret, record: { platform: "darwin" } }, "pair metadata-upgrade"],
  "the same platform in other letters": [
    { device, params: secret, record: { platform: " LINUX" } },
    `session ${id} [operator.read]`,
  ],
  "another family": [{ device, params: secret, record: { deviceFamily: "Mac" } }, "pair metadata-upgrade"],
  "another role": [{ device, params: { ...secret, role: "node", scopes: [] }, grant: {} }, "pair role-upgrade"],
  "wider scopes on the host": [
    { device, params: { ...secret, scopes: ["operator.admin"] }, grant: {} },
    "approve operator [operator.admin]",
  ],
  "wider scopes from elsewhere": [
    { device, params: { ...secret, scopes: ["operator.admin"] }, grant: {}, peer: elsewhere },
    "pair scope-upgrade",
  ],
  "metadata and scopes at once": [
    { device, params: { ...secret, scopes: ["operator.admin"] }, record: { platform: "darwin" } },
    "pair metadata-upgrade",
  ],
  "a revoked device with the secret, on the host": [
    { device, params: secret, grant: { revoked: true } },
    "approve operator [operator.read]",
  ],
  "a revoked device with the secret, from elsewhere": [
    { device, params: secret, grant: { revoked: true }, peer: elsewhere },
    "pair not-paired",
  ],
  "a version 2 signature": [{ device, version: "v2", params: secret, grant: {} }, `session ${id} [operator.read]`],
  "a version 2 signature after version 3": [
    { device, version: "v2", params: secret, record: { signature: "v3" } },
    "device device-signature",
  ],
};

describe("the decision on a connect", () => {
  it.each(Object.entries(table))("for %s", (...row) => {
    const [, [testCase, expected]] = row;
    expect(summary(decideOn(testCase))).toBe(expected);
  });

  it("takes no signature over other claims", () => {
    const swaps: [string, (params: Params) => void][] = [
      ["role", (params) => void (params.role = "node")],
      ["scopes", (params) => void (params.scopes = ["operator.admin"])],
      ["scope order", (params) => void (params.scopes = ["operator.write", "operator.read"])],
      ["client id", (params) => void (params.client["id"] = "test")],
      ["client mode", (params) => void (params.client["mode"] = "test")],
      ["platform", (params) => void (params.client["platform"] = "ios")],
      ["family", (params) => void (params.client["deviceFamily"] = "iPhone")],
      ["token", (params) => void (params.auth = { token: "secret2" })],
      ["time", (params) => void (params.device!.signedAt += 1)],
    ];
    for (const [what, swap] of swaps) {
      const plain = cliParams({ ...secret, scopes: ["operator.read", "operator.write"] });
      const params = signed(structuredClone(plain), device, { nonce, at: now });
      swap(params);
      const attempt = { params: params as unknown as ConnectParams, peer: localPeer, nonce, now };
      expect(summary(decide(attempt, policyFor(), undefined)), what).toBe("device device-signature");
    }
  });

  it("accepts a clock that is 120 s off and no more", () => {
    for (const [skew, expected] of [
      [120_000, "approve operator [operator.admin]"],
      [120_001, "device device-signature-stale"],
    ] as const) {
      for (const at of [now - skew, now + skew]) {
        const params = signed(cliParams(secret), device, { nonce, at });
        const attempt = { params: params as unknown as ConnectParams, peer: localPeer, nonce, now };
        expect(summary(decide(attempt, policyFor(), undefined))).toBe(expected);
      }
    }
  });
});
