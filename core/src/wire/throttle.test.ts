import { afterEach, describe, expect, it } from "vitest";
import { createPeerReader, tailscaleVouching } from "../auth/peer.ts";
import { createAddressSet } from "../auth/addresses.ts";
import { LONE_HOST } from "../auth/own-host.ts";
import { cliParams, makeDevice, type TestDevice } from "../auth/test-device.ts";
import { startWire, type TestWire, type TestWireOptions, TOKEN } from "./test-wire.ts";
import type { Frame } from "./test-client.ts";

let wire: TestWire | undefined;
afterEach(async () => {
  await wire?.stop();
  wire = undefined;
});

/** A gateway behind a proxy on loopback that tells the address of everybody. */
async function start(options: TestWireOptions = {}): Promise<TestWire> {
  const trustedProxies = createAddressSet(["127.0.0.1"]);
  const readPeer = createPeerReader({ trustedProxies, own: LONE_HOST, hosts: ["gw.example"] });
  wire = await startWire({ ...options, parts: { readPeer, ...options.parts } });
  return wire;
}

const from = (address: string): Record<string, string> => ({ host: "gw.example", "x-forwarded-for": address });
const wrong = { auth: { token: "wrong" } };
const right = { auth: { token: TOKEN } };
const page = { origin: "http://localhost:5173" };

interface Try {
  readonly params?: Record<string, unknown>;
  readonly device?: TestDevice;
  readonly headers?: Record<string, string>;
}

async function attempt({ params = wrong, device, headers = {} }: Try): Promise<Frame> {
  if (wire === undefined) throw new Error("no gateway");
  const { client, answer } = await wire.connect(cliParams(params), device, { headers });
  client.ws.terminate();
  return answer;
}

async function guess(times: number, as: Try): Promise<void> {
  for (let guesses = 0; guesses < times; guesses += 1) await attempt(as);
}

const codeOf = (answer: Frame): unknown => (answer.ok === true ? "in" : answer.error?.details?.["code"]);

describe("a stranger who guesses", () => {
  it("is locked out after ten tries, for right and wrong secrets alike, until the lock ends", async () => {
    const { clock } = await start();
    const headers = from("203.0.113.9");
    await guess(10, { headers });
    for (const params of [wrong, right]) {
      const answer = await attempt({ params, headers });
      expect(answer.error).toEqual({
        code: "INVALID_REQUEST",
        message: "unauthorized: too many failed authentication attempts (retry later)",
        details: { code: "AUTH_RATE_LIMITED", authReason: "rate_limited" },
        retryable: true,
        retryAfterMs: 300_000,
      });
    }
    const v4 = { minProtocol: 4, maxProtocol: 4 };
    expect((await attempt({ params: { ...wrong, ...v4 }, headers })).error?.details).toEqual({
      code: "AUTH_RATE_LIMITED",
      authReason: "rate_limited",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "wait_then_retry",
    });
    expect(codeOf(await attempt({ params: right, headers: from("203.0.113.10"), device: makeDevice() }))).toBe(
      "PAIRING_REQUIRED",
    );
    await clock.advance(300_000);
    expect(codeOf(await attempt({ params: right, headers, device: makeDevice() }))).toBe("PAIRING_REQUIRED");
  });

  it.each([
    ["with a device token of nobody beside the guess", { auth: { token: "wrong", deviceToken: "made up" } }],
    ["with a device", wrong],
    ["as a node", { ...wrong, role: "node", scopes: [] }],
  ])("gains nothing %s", async (_how, params) => {
    await start();
    await guess(10, { params, headers: from("203.0.113.9"), device: makeDevice() });
    expect(codeOf(await attempt({ params, headers: from("203.0.113.9"), device: makeDevice() }))).toBe(
      "AUTH_RATE_LIMITED",
    );
  });

  it.each([
    ["203.0.113.9", "::ffff:203.0.113.9"],
    ["2001:db8::1", "2001:db8::2:3"],
    ["127.0.0.1, 203.0.113.9", "203.0.113.9"],
    ["10.9.8.7, 203.0.113.9", "1.2.3.4, 203.0.113.9"],
  ])("is the same one as %s and as %s", async (one, other) => {
    await start();
    await guess(10, { headers: from(one) });
    expect(codeOf(await attempt({ headers: from(other) }))).toBe("AUTH_RATE_LIMITED");
  });

  it("at device tokens is locked out from those alone", async () => {
    await start();
    const device = makeDevice();
    const headers = from("203.0.113.9");
    await guess(10, { params: { auth: { deviceToken: "x" } }, headers, device });
    expect(codeOf(await attempt({ params: { auth: { deviceToken: "x" } }, headers, device }))).toBe(
      "AUTH_RATE_LIMITED",
    );
    expect(codeOf(await attempt({ params: right, headers, device }))).toBe("PAIRING_REQUIRED");
  });

  it("on a page of this host is counted, while programs of this host go on", async () => {
    await start();
    await guess(10, { headers: page });
    expect(codeOf(await attempt({ params: right, headers: page }))).toBe("AUTH_RATE_LIMITED");
    await guess(20, {});
    expect(codeOf(await attempt({ params: right }))).toBe("in");
  });
});

describe("the owner", () => {
  it.each([
    ["an address", from("203.0.113.9")],
    ["a page", page],
  ])("comes in with a device's own token from %s that strangers locked", async (_where, headers) => {
    await start();
    const device = makeDevice();
    const paired = await attempt({ params: right, device });
    const deviceToken = paired.payload?.auth?.["deviceToken"];
    await guess(10, { headers });
    await guess(10, { params: { auth: { deviceToken: "x" } }, headers, device: makeDevice() });
    expect(codeOf(await attempt({ params: right, headers, device }))).toBe("AUTH_RATE_LIMITED");
    expect(codeOf(await attempt({ params: { auth: { deviceToken } }, headers, device }))).toBe("in");
    expect(codeOf(await attempt({ params: { auth: { token: deviceToken } }, headers, device }))).toBe("in");
    expect(codeOf(await attempt({ params: { auth: { deviceToken } }, headers, device: makeDevice() }))).toBe(
      "AUTH_RATE_LIMITED",
    );
  });

  it("can have programs of this host counted, too, and still comes in with a device", async () => {
    await start({ rateLimit: { exemptLoopback: false } });
    const device = makeDevice();
    const paired = await attempt({ params: right, device });
    const deviceToken = paired.payload?.auth?.["deviceToken"];
    await guess(10, {});
    expect(codeOf(await attempt({ params: right }))).toBe("AUTH_RATE_LIMITED");
    expect(codeOf(await attempt({ params: { auth: { deviceToken } }, device }))).toBe("in");
  });

  it("is not exempt where local trust is off: a tunnel without headers brings strangers from loopback", async () => {
    await start({ policy: { localTrust: "off" } });
    await guess(10, {});
    expect(codeOf(await attempt({ params: right, device: makeDevice() }))).toBe("AUTH_RATE_LIMITED");
  });

  it("is remembered by the address that the proxy tells", async () => {
    const own = await start();
    const device = makeDevice();
    await attempt({ params: right, headers: from("2001:db8::7"), device });
    const [request] = await own.devices.requests();
    expect(request?.remoteIp).toBe("2001:db8::7");
  });
});

describe("a user of the tailnet", () => {
  const serve = {
    host: "host.tail1234.ts.net",
    "tailscale-user-login": "ann@example.com",
    "x-forwarded-for": "100.64.0.9",
  };

  async function startServed(login: string | undefined): Promise<{ asked: unknown[] }> {
    const asked: unknown[] = [];
    const readPeer = createPeerReader({
      trustedProxies: createAddressSet([]),
      own: LONE_HOST,
      hosts: ["host.tail1234.ts.net"],
      vouch: tailscaleVouching,
    });
    wire = await startWire({
      auth: { mode: "tailscale", token: TOKEN },
      parts: { readPeer },
      whois: async (claim) => {
        asked.push(claim);
        if (login === undefined) return { is: "fault", reason: "tailscale_whois_failed" };
        return login === claim.login ? { is: "user", user: login } : { is: "fault", reason: "tailscale_user_mismatch" };
      },
    });
    return { asked };
  }

  it("may ask to be paired once the daemon confirms the login", async () => {
    const { asked } = await startServed("ann@example.com");
    expect(codeOf(await attempt({ params: {}, headers: serve, device: makeDevice() }))).toBe("PAIRING_REQUIRED");
    expect(asked).toEqual([{ address: "100.64.0.9", login: "ann@example.com" }]);
  });

  it("is refused when the daemon names another or nobody", async () => {
    await startServed("root@example.com");
    const device = makeDevice();
    expect(codeOf(await attempt({ params: {}, headers: serve, device }))).toBe("AUTH_TAILSCALE_IDENTITY_MISMATCH");
    await wire?.stop();
    await startServed(undefined);
    expect(codeOf(await attempt({ params: {}, headers: serve, device }))).toBe("AUTH_TAILSCALE_WHOIS_FAILED");
  });

  it("costs no question without headers, without a device, and for who comes in otherwise", async () => {
    const { asked } = await startServed("ann@example.com");
    const device = makeDevice();
    expect(codeOf(await attempt({ params: {}, device }))).toBe("AUTH_TAILSCALE_IDENTITY_MISSING");
    const { "x-forwarded-for": _address, ...half } = serve;
    expect(codeOf(await attempt({ params: {}, headers: half, device }))).toBe("AUTH_TAILSCALE_PROXY_MISSING");
    expect(codeOf(await attempt({ params: {}, headers: serve }))).toBe("DEVICE_IDENTITY_REQUIRED");
    expect(codeOf(await attempt({ params: right }))).toBe("in");
    const paired = await attempt({ params: right, device });
    const auth = { deviceToken: paired.payload?.auth?.["deviceToken"] };
    expect(codeOf(await attempt({ params: { auth }, headers: serve, device }))).toBe("in");
    expect(asked).toEqual([]);
  });

  it("is not let in by the token from elsewhere", async () => {
    await startServed("ann@example.com");
    const headers = { host: "host.tail1234.ts.net", "x-forwarded-for": "203.0.113.9" };
    expect(codeOf(await attempt({ params: right, headers, device: makeDevice() }))).toBe(
      "AUTH_TAILSCALE_IDENTITY_MISSING",
    );
  });
});
