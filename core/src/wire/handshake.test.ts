import { EVENTS } from "openclaw-host-schemas";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliParams, makeDevice, type Params, signed } from "../auth/test-device.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";
import { openClient } from "./test-client.ts";

let wire: TestWire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire.stop());

const v4 = { minProtocol: 4, maxProtocol: 4 };
const withToken = { auth: { token: TOKEN } };
const approval: unknown = expect.stringMatching(/^openclaw devices approve [0-9a-f-]{36}$/);
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("the first frame", () => {
  it("from the gateway is a challenge without seq", async () => {
    const client = wire.open({ path: "/some/path?x=1" });
    await client.nonce();
    expect(client.frames).toEqual([
      {
        type: "event",
        event: "connect.challenge",
        payload: { nonce: expect.stringMatching(uuid), ts: wire.clock.now() },
      },
    ]);
    client.ws.close();
  });

  const hardCloses: [string, unknown, number, string][] = [
    ["bad-json", "{not json", 1000, ""],
    ["not-a-req-frame", { hello: 1 }, 1008, "invalid request frame"],
    ["an array", [], 1008, "invalid request frame"],
    ["null", "null", 1008, "invalid request frame"],
    ["an empty id", { type: "req", id: "", method: "connect" }, 1008, "invalid request frame"],
    [
      "an unknown key",
      { type: "req", id: "1", method: "connect", params: cliParams(), extra: 1 },
      1008,
      "invalid request frame",
    ],
  ];
  it.each(hardCloses)("that is %s closes without a response", async (...row) => {
    const [, frame, code, reason] = row;
    const client = wire.open();
    await client.nonce();
    client.send(frame);
    expect(await client.closed).toEqual({ code, reason });
    expect(client.frames).toHaveLength(1);
  });

  it("may be binary", async () => {
    const client = wire.open();
    await client.nonce();
    client.ws.send(
      Buffer.from(JSON.stringify({ type: "req", id: "r1", method: "connect", params: cliParams(withToken) })),
    );
    expect((await client.next((frame) => frame.id === "r1")).ok).toBe(true);
    client.ws.close();
  });

  it("may carry unknown keys in version 4", async () => {
    const client = wire.open();
    await client.nonce();
    const params = { ...cliParams({ ...v4, ...withToken }), extra: { deep: 1 } };
    client.send({ type: "req", id: "r1", method: "connect", params, traceparent: "00-1-2-01" });
    expect((await client.next((frame) => frame.id === "r1")).ok).toBe(true);
    client.ws.close();
  });
});

interface Row {
  readonly name: string;
  readonly frame: (params: Params) => unknown;
  readonly error: object;
  readonly close: readonly [number, string];
}

const connect = (over: Record<string, unknown>) => () => ({
  type: "req",
  id: "r1",
  method: "connect",
  params: cliParams(over),
});
const invalid = (message: string, details?: object) => ({
  code: "INVALID_REQUEST",
  message,
  ...(details === undefined ? {} : { details }),
});
const node = {
  client: { id: "node-host", version: "1.0.0", platform: "linux", mode: "node" },
  role: "node",
  scopes: [],
};
const controlUi = { client: { id: "openclaw-control-ui", version: "1.0.0", platform: "linux", mode: "ui" } };
const cliHint = "set gateway.remote.token to match gateway.auth.token";
const cliHint4 = "use this gateway's gateway.auth.token or pair the device";
const deviceRequired = {
  code: "NOT_PAIRED",
  message: "device identity required",
  details: { code: "DEVICE_IDENTITY_REQUIRED" },
};

/** Answers recorded from the reference gateway, each named as its recording. */
const rows: Row[] = [
  {
    name: "non-connect-first",
    frame: () => ({ type: "req", id: "r1", method: "health", params: {} }),
    error: invalid("invalid handshake: first request must be connect"),
    close: [1008, "invalid handshake: first request must be connect"],
  },
  {
    name: "a connect without params",
    frame: () => ({ type: "req", id: "r1", method: "connect" }),
    error: invalid("invalid connect params: must be object"),
    close: [1008, "invalid connect params: must be object"],
  },
  {
    name: "connect-bad-params",
    frame: () => ({
      type: "req",
      id: "r1",
      method: "connect",
      params: {
        minProtocol: 3,
        maxProtocol: 3,
        client: { id: "nope", version: "1", platform: "x", mode: "cli" },
        extra: 1,
      },
    }),
    error: invalid(
      "invalid connect params: at root: unexpected property 'extra'; at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf",
    ),
    close: [
      1008,
      "invalid connect params: at root: unexpected property 'extra'; at /client/id: must be equal to constant; at /client/id: m",
    ],
  },
  {
    name: "connect-bad-params (v4, which ignores the extra key)",
    frame: connect({ ...v4, client: { id: "nope", version: "1", platform: "x", mode: "cli" }, extra: 1 }),
    error: invalid("invalid connect params: at /client/id: must be equal to one of the allowed values"),
    close: [1008, "invalid connect params: at /client/id: must be equal to one of the allowed values"],
  },
  {
    name: "a client of version 2",
    frame: connect({ minProtocol: 1, maxProtocol: 2, ...withToken }),
    error: invalid("protocol mismatch", { expectedProtocol: 3 }),
    close: [1002, "protocol mismatch"],
  },
  {
    name: "a client of version 5",
    frame: connect({ minProtocol: 5, maxProtocol: 6, ...withToken }),
    error: invalid("protocol mismatch", {
      code: "PROTOCOL_MISMATCH",
      clientMinProtocol: 5,
      clientMaxProtocol: 6,
      expectedProtocol: 4,
      minimumProbeProtocol: 3,
    }),
    close: [1002, "protocol mismatch"],
  },
  {
    name: "an empty range",
    frame: connect({ minProtocol: 4, maxProtocol: 3, ...withToken }),
    error: invalid("protocol mismatch", { expectedProtocol: 3 }),
    close: [1002, "protocol mismatch"],
  },
  {
    name: "bad-role",
    frame: connect({ role: "admin", ...withToken }),
    error: invalid("invalid role"),
    close: [1008, "invalid role"],
  },
  {
    name: "bad-token-nodev",
    frame: connect({ auth: { token: "wrong" } }),
    error: invalid(`unauthorized: gateway token mismatch (${cliHint})`, {
      code: "AUTH_TOKEN_MISMATCH",
      authReason: "token_mismatch",
    }),
    close: [1008, `unauthorized: gateway token mismatch (${cliHint})`],
  },
  {
    name: "bad-token-nodev (v4)",
    frame: connect({ ...v4, auth: { token: "wrong" } }),
    error: invalid(`unauthorized: gateway token mismatch (${cliHint4})`, {
      code: "AUTH_TOKEN_MISMATCH",
      authReason: "token_mismatch",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "update_auth_credentials",
    }),
    close: [1008, `unauthorized: gateway token mismatch (${cliHint4})`],
  },
  { name: "no-auth-nodev", frame: connect({}), error: deviceRequired, close: [1008, "device identity required"] },
  { name: "no-auth-nodev (v4)", frame: connect(v4), error: deviceRequired, close: [1008, "device identity required"] },
  {
    name: "password-in-token-mode",
    frame: connect({ auth: { password: "x" } }),
    error: invalid(`unauthorized: gateway token missing (${cliHint})`, {
      code: "AUTH_TOKEN_MISSING",
      authReason: "token_missing",
    }),
    close: [1008, `unauthorized: gateway token missing (${cliHint})`],
  },
  {
    name: "node-without-device",
    frame: connect({ ...node, ...withToken }),
    error: deviceRequired,
    close: [1008, "device identity required"],
  },
];

describe("a refused connect", () => {
  it.each(rows)("answers as recorded: $name", async ({ frame, error, close }) => {
    const client = wire.open();
    await client.nonce();
    client.send(frame(cliParams()));
    const [code, reason] = close;
    expect(await client.closed).toEqual({ code, reason });
    expect(client.frames.slice(1)).toEqual([{ type: "res", id: "r1", ok: false, error }]);
  });

  const originText =
    "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";
  const origins: [string, Record<string, string>, Record<string, unknown>, object | undefined][] = [
    ["origin-evil", { origin: "https://evil.example" }, withToken, undefined],
    ["control-ui-no-origin", {}, { ...controlUi, ...withToken }, undefined],
    ["null origin", { origin: "null" }, withToken, undefined],
    ["a name that begins like loopback", { origin: "http://127.evil.example" }, withToken, undefined],
    [
      "an origin behind a proxy",
      { origin: "https://evil.example", "x-forwarded-for": "1.2.3.4" },
      withToken,
      undefined,
    ],
    [
      "origin-evil (v4)",
      { origin: "https://evil.example" },
      { ...v4, ...withToken },
      { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: "origin not allowed" },
    ],
    [
      "control-ui-no-origin (v4)",
      {},
      { ...v4, ...controlUi, ...withToken },
      { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: "origin missing or invalid" },
    ],
  ];
  it.each(origins)("answers as recorded: %s", async (...row) => {
    const [, headers, over, details] = row;
    const { client, answer } = await wire.connect(cliParams(over), undefined, { headers });
    expect(answer.error).toEqual(invalid(originText, details));
    expect(await client.closed).toEqual({ code: 1008, reason: originText });
  });

  it("answers as recorded: control-ui-no-device", async () => {
    const headers = { origin: `http://localhost:${wire.port}` };
    const { client, answer } = await wire.connect(cliParams({ ...controlUi, ...withToken }), undefined, { headers });
    const message = "control ui requires device identity (use HTTPS or localhost secure context)";
    expect(answer.error).toEqual(invalid(message, { code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED" }));
    expect(await client.closed).toEqual({ code: 1008, reason: message });
  });

  const deviceRows: [string, (params: Params) => void, string, string, string][] = [
    [
      "bad-signature",
      (p) => void (p.device!.signature = "A".repeat(86)),
      "device signature invalid",
      "device-signature",
      "SIGNATURE_INVALID",
    ],
    [
      "device-id-mismatch",
      (p) => void (p.device!.id = "a".repeat(64)),
      "device identity mismatch",
      "device-id-mismatch",
      "DEVICE_ID_MISMATCH",
    ],
    [
      "bad-pubkey",
      (p) => void (p.device!.publicKey = "%%%"),
      "device identity mismatch",
      "device-id-mismatch",
      "DEVICE_ID_MISMATCH",
    ],
    [
      "stale-signedAt",
      (p) => void (p.device!.signedAt -= 120_001),
      "device signature expired",
      "device-signature-stale",
      "SIGNATURE_EXPIRED",
    ],
    [
      "signed in the future",
      (p) => void (p.device!.signedAt += 120_001),
      "device signature expired",
      "device-signature-stale",
      "SIGNATURE_EXPIRED",
    ],
    [
      "nonce-mismatch",
      (p) => void (p.device!.nonce = "other"),
      "device nonce mismatch",
      "device-nonce-mismatch",
      "NONCE_MISMATCH",
    ],
    [
      "a blank nonce",
      (p) => void (p.device!.nonce = "  "),
      "device nonce required",
      "device-nonce-missing",
      "NONCE_REQUIRED",
    ],
  ];
  it.each(deviceRows)("answers as recorded: %s", async (...row) => {
    const [, alter, message, reason, code4] = row;
    for (const version of [3, 4]) {
      const params = cliParams({
        minProtocol: version,
        maxProtocol: version,
        auth: { token: "wrong, but the device is checked first" },
      });
      const { client, answer } = await wire.connect(params, makeDevice(), { alter });
      const code = version === 3 ? "DEVICE_AUTH_INVALID" : `DEVICE_AUTH_${code4}`;
      expect(answer.error).toEqual(invalid(message, { code, reason }));
      expect(await client.closed).toEqual({ code: 1008, reason: message });
    }
  });

  const credentials: [string, Record<string, unknown>, string, object, object][] = [
    [
      "bad-token-dev",
      { auth: { token: "wrong" } },
      "gateway token mismatch (HINT)",
      { code: "AUTH_TOKEN_MISMATCH", authReason: "token_mismatch" },
      { canRetryWithDeviceToken: true, recommendedNextStep: "retry_with_device_token" },
    ],
    [
      "no-auth-dev",
      {},
      "gateway token missing (HINT)",
      { code: "AUTH_TOKEN_MISSING", authReason: "token_missing" },
      { canRetryWithDeviceToken: false, recommendedNextStep: "update_auth_configuration" },
    ],
    [
      "bad-devicetoken-dev",
      { auth: { deviceToken: "zzz" } },
      "device token mismatch (rotate/reissue device token)",
      { code: "AUTH_DEVICE_TOKEN_MISMATCH", authReason: "device_token_mismatch" },
      { canRetryWithDeviceToken: false, recommendedNextStep: "update_auth_credentials" },
    ],
  ];
  it.each(credentials)("answers as recorded: %s", async (...row) => {
    const [, over, text, details, details4] = row;
    const first = await wire.connect(cliParams(over), makeDevice());
    expect(first.answer.error).toEqual(invalid(`unauthorized: ${text.replace("HINT", cliHint)}`, details));
    const second = await wire.connect(cliParams({ ...v4, ...over }), makeDevice());
    const message = `unauthorized: ${text.replace("HINT", cliHint4)}`;
    expect(second.answer.error).toEqual(invalid(message, { ...details, ...details4 }));
    expect(await second.client.closed).toEqual({ code: 1008, reason: message });
  });
});

describe("an accepted connect", () => {
  it("answers protocol-range with the newest common version", async () => {
    const cases: [number, number, number][] = [
      [1, 9, 4],
      [3, 4, 4],
      [4, 4, 4],
      [1, 3, 3],
      [3, 3, 3],
    ];
    for (const [minProtocol, maxProtocol, expected] of cases) {
      const { client, answer } = await wire.connect(cliParams({ minProtocol, maxProtocol, ...withToken }));
      expect(answer.payload).toMatchObject({ type: "hello-ok", protocol: expected });
      client.ws.close();
    }
  });

  it("greets a local owner of version 3 without auth and with the whole snapshot", async () => {
    const { client, answer } = await wire.connect(cliParams({ ...withToken, scopes: ["operator.read"] }));
    expect(answer).toEqual({
      type: "res",
      id: "r1",
      ok: true,
      payload: {
        type: "hello-ok",
        protocol: 3,
        server: { version: "1.2.3", connId: expect.stringMatching(uuid) },
        features: {
          methods: [],
          events: Object.keys(EVENTS),
        },
        snapshot: {
          presence: [],
          health: {},
          stateVersion: { presence: 1, health: 6 },
          uptimeMs: 1,
          configPath: "/etc/gateway.json",
          stateDir: "/var/gateway",
          authMode: "token",
        },
        policy: { maxPayload: 26214400, maxBufferedBytes: 52428800, tickIntervalMs: 15000 },
      },
    });
    client.ws.close();
  });

  it("tells paths to admins only in version 4, and always what was granted", async () => {
    const reader = await wire.connect(
      cliParams({ ...v4, ...withToken, scopes: ["operator.read", "operator.unheard-of"] }),
    );
    expect(reader.answer.payload?.auth).toEqual({ role: "operator", scopes: ["operator.read"] });
    expect(reader.answer.payload?.["snapshot"]).toEqual({
      presence: [],
      health: {},
      stateVersion: { presence: 1, health: 6 },
      uptimeMs: 1,
    });
    const admin = await wire.connect(cliParams({ ...v4, ...withToken }));
    expect(admin.answer.payload?.["snapshot"]).toMatchObject({ configPath: "/etc/gateway.json", authMode: "token" });
    reader.client.ws.close();
    admin.client.ws.close();
  });

  it("gives a signing device its token, the same one every time, in both spellings", async () => {
    const device = makeDevice();
    const both = { scopes: ["operator.write", "operator.read"] };
    const first = await wire.connect(cliParams({ ...withToken, ...both }), device);
    const auth = first.answer.payload?.auth;
    expect(auth).toEqual({
      deviceToken: expect.stringMatching(/^[\w-]{43}$/),
      role: "operator",
      scopes: ["operator.read", "operator.write"],
      issuedAtMs: wire.clock.now(),
    });
    const deviceToken = String(auth?.["deviceToken"]);
    const less = ["operator.read"];
    // Version 3 tells what the token may be used for, version 4 what this connection may do.
    const again: [Record<string, unknown>, unknown][] = [
      [{ auth: { deviceToken } }, auth],
      [{ auth: { token: deviceToken } }, auth],
      [
        { ...v4, auth: { deviceToken } },
        { ...auth, scopes: less },
      ],
    ];
    for (const [over, told] of again) {
      const { client, answer } = await wire.connect(cliParams({ ...over, scopes: less }), device);
      expect(answer.payload?.auth).toEqual(told);
      client.ws.close();
    }
    first.client.ws.close();
  });

  it("accepts PEM keys, version 2 signatures and untidy platform names", async () => {
    const pem = makeDevice();
    const viaPem = await wire.connect(cliParams(withToken), pem, {
      alter: (p) => void (p.device!.publicKey = pem.pem),
    });
    expect(viaPem.answer.ok).toBe(true);
    const viaV2 = await wire.connect(cliParams(withToken), makeDevice(), { version: "v2" });
    expect(viaV2.answer.ok).toBe(true);
    const client = {
      id: "gateway-client",
      version: "1.0.0",
      platform: " Linux ",
      mode: "backend",
      displayName: "probe",
    };
    const untidy = await wire.connect(cliParams({ ...withToken, client }), makeDevice());
    expect(untidy.answer.ok).toBe(true);
    for (const one of [viaPem, viaV2, untidy]) one.client.ws.close();
  });

  it("answers what was sent behind the connect while the device was being stored", async () => {
    const client = wire.open();
    const nonce = await client.nonce();
    const params = signed(cliParams(withToken), makeDevice(), { nonce, at: wire.clock.now() });
    client.send({ type: "req", id: "r1", method: "connect", params });
    client.send({ type: "req", id: "r2", method: "no.such.method" });
    const answer = await client.next((frame) => frame.id === "r2");
    expect(answer.error?.message).toBe("unknown method: no.such.method");
    expect(client.frames.map((frame) => frame.id)).toEqual([undefined, "r1", "r2"]);
    client.ws.close();
  });
});

describe("a device that must be paired", () => {
  const pairing = (reason: string) => ({
    code: "NOT_PAIRED",
    message: "pairing required",
    details: { code: "PAIRING_REQUIRED", requestId: expect.stringMatching(uuid), reason, fix: approval },
  });

  it("is refused from elsewhere with the id of its request, the same one for the same claim", async () => {
    const device = makeDevice();
    const headers = { host: "gw.example" };
    const first = await wire.connect(cliParams(withToken), device, { headers });
    expect(first.answer.error).toEqual(pairing("not-paired"));
    expect(await first.client.closed).toEqual({ code: 1008, reason: "pairing required" });
    const again = await wire.connect(cliParams(withToken), device, { headers });
    expect(again.answer.error).toEqual(first.answer.error);
    const wider = await wire.connect(
      cliParams({ ...withToken, scopes: ["operator.admin", "operator.pairing"] }),
      device,
      { headers },
    );
    expect(wider.answer.error?.details?.["requestId"]).not.toBe(first.answer.error?.details?.["requestId"]);
  });

  it("is not local behind a proxy", async () => {
    const { answer } = await wire.connect(cliParams(withToken), makeDevice(), {
      headers: { "x-forwarded-for": "203.0.113.7" },
    });
    expect(answer.error).toEqual(pairing("not-paired"));
  });

  it("is asked again for another platform, another role, and never for wider scopes on the same host", async () => {
    const device = makeDevice();
    const client = { id: "gateway-client", version: "1.0.0", platform: "linux", mode: "backend" };
    const base = { ...withToken, client, scopes: ["operator.read"] };
    expect((await wire.connect(cliParams(base), device)).answer.ok).toBe(true);
    const moved = await wire.connect(cliParams({ ...base, client: { ...client, platform: "darwin" } }), device);
    expect(moved.answer.error).toEqual(pairing("metadata-upgrade"));
    const asNode = await wire.connect(cliParams({ ...node, ...withToken }), device);
    expect(asNode.answer.error).toEqual(pairing("role-upgrade"));
    const asNode4 = await wire.connect(cliParams({ ...v4, ...node, ...withToken }), device);
    expect(asNode4.answer.error?.message).toBe("role upgrade pending approval");
    // The two requests above do not stand in the way (wire protocol section 0, "Pairing trap").
    const wider = await wire.connect(cliParams({ ...base, scopes: ["operator.admin"] }), device);
    expect(wider.answer.ok).toBe(true);
  });

  it("may not use its token for more than it was granted", async () => {
    const device = makeDevice();
    const { answer } = await wire.connect(cliParams({ ...withToken, scopes: ["operator.read"] }), device);
    const deviceToken = String(answer.payload?.auth?.["deviceToken"]);
    const escalation = await wire.connect(cliParams({ auth: { deviceToken }, scopes: ["operator.admin"] }), device);
    const older = { code: "AUTH_DEVICE_TOKEN_MISMATCH", authReason: "device_token_mismatch" };
    expect(escalation.answer.error?.details).toEqual(older);
    const newer = await wire.connect(cliParams({ ...v4, auth: { deviceToken }, scopes: ["operator.admin"] }), device);
    const advice = { code: "AUTH_SCOPE_MISMATCH", recommendedNextStep: "review_auth_configuration" };
    expect(newer.answer.error?.details).toMatchObject(advice);
  });

  it("may not fall back to version 2 signatures", async () => {
    const device = makeDevice();
    expect((await wire.connect(cliParams(withToken), device, { version: "v3" })).answer.ok).toBe(true);
    const { answer } = await wire.connect(cliParams(withToken), device, { version: "v2" });
    expect(answer.error?.message).toBe("device signature invalid");
  });
});

describe("time and space before authentication", () => {
  it("end after 10 seconds with code 1000", async () => {
    const own = await startWire();
    const client = own.open();
    await client.nonce();
    await own.clock.advance(10_000);
    expect(await client.closed).toEqual({ code: 1000, reason: "" });
    await own.stop();
  });

  it("end at 64 KiB with code 1009, even for a frame that is never finished", async () => {
    const client = wire.open();
    await client.nonce();
    client.send(JSON.stringify({ type: "req", id: "r1", method: "connect", params: { pad: "x".repeat(70_000) } }));
    await expect.poll(() => client.ws.readyState).toBeGreaterThan(WebSocket.OPEN);
    // The gateway reads no further, not even the answer to its close frame.
    await wire.clock.advance(1_000);
    expect(await client.closed).toEqual({ code: 1009, reason: "" });
    expect(client.frames).toHaveLength(1);
  });

  it("allow large frames afterwards", async () => {
    const { client, answer } = await wire.connect(cliParams(withToken));
    expect(answer.ok).toBe(true);
    const big = await client.request("big", "no.such.method", { pad: "x".repeat(200_000) });
    expect(big.error?.message).toBe("unknown method: no.such.method");
    client.ws.close();
  });

  it("go to newcomers: the oldest socket that waits makes room", async () => {
    const own = await startWire({ limits: { waitingLoopback: 2 } });
    const clients = [own.open(), own.open()];
    for (const client of clients) await client.nonce();
    const newcomer = openClient(own.port);
    await newcomer.nonce();
    expect(await clients[0]!.closed).toEqual({ code: 1008, reason: "too many connections wait for authentication" });
    expect(clients[1]!.ws.readyState).toBe(1);
    await own.stop();
  });
});
