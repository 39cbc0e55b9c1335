import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createGatewayClient } from "openclaw-host-sdk/client";
import { describe, expect } from "vitest";
import { openSocket } from "../e2e/sockets.ts";
import { attack } from "./attack.ts";
import { createTestClock } from "./clock.ts";
import { type Params, makeDevice } from "./device.ts";
import {
  FROM_AFAR,
  type House,
  TOKEN,
  attempt,
  call,
  deviceTokenOf,
  grantedScopes,
  params,
  rawTcp,
  startHouse,
  tryConnect,
  verdictOf,
  withToken,
} from "./house.ts";
import { sharedHouse } from "./shared-house.ts";

const house = sharedHouse();

describe("the handshake", () => {
  attack("T01", async () => {
    for (const method of ["health", "config.get", "sessions.list", "send", "device.pair.list"]) {
      const socket = await openSocket(house.url);
      await socket.frame((frame) => frame.event === "connect.challenge");
      socket.send({ type: "req", id: "r1", method, params: {} });
      expect((await socket.closed).code).toBe(1008);
      const answers = socket.frames.filter((frame) => frame.type === "res");
      expect(answers.map(verdictOf)).toEqual([expect.stringContaining("first request must be connect")]);
    }
    // Sent right behind a refused connect, it is not carried out either.
    const socket = await openSocket(house.url);
    socket.send({ type: "req", id: "r1", method: "connect", params: params({ auth: { token: "wrong" } }) });
    socket.send({ type: "req", id: "r2", method: "sessions.patch", params: { key: "main", label: "planted" } });
    await socket.closed;
    expect(socket.frames.filter((frame) => frame.id === "r2")).toEqual([]);
    const owner = await attempt(house.url, withToken({ scopes: ["operator.admin"] }));
    expect(JSON.stringify(await call(owner.socket, "sessions.list"))).not.toContain("planted");
    await owner.socket[Symbol.asyncDispose]();
  });

  attack("T02", async () => {
    const tokens: unknown[] = ["", null, [], ["", TOKEN], { token: TOKEN }, 0, true, " ", "x".repeat(60_000), "\0"];
    for (const token of tokens) {
      expect(verdictOf(await tryConnect(house.url, params({ auth: { token } })))).not.toBe("ok");
    }
    const big = await openSocket(house.url);
    big.send({ type: "req", id: "c", method: "connect", params: params({ auth: { token: "x".repeat(1_000_000) } }) });
    expect((await big.closed).code).toBe(1009);
    for (const auth of [null, [], "token", { password: TOKEN }, { token: undefined }]) {
      expect(verdictOf(await tryConnect(house.url, params({ auth })))).not.toBe("ok");
    }
    expect(verdictOf(await tryConnect(house.url, withToken()))).toBe("ok");
  });

  attack("T03", async () => {
    const secret = "p\u00e4ssw\u00f6rd-\u{1f511}-0123456789abcdef";
    await using other = await startHouse({ config: { gateway: { auth: { mode: "password", password: secret } } } });
    const near = [
      secret.normalize("NFD"),
      secret.slice(0, -1),
      `${secret}x`,
      `${secret}\0`,
      secret.toUpperCase(),
      Buffer.from(secret).toString("latin1"),
      "",
      "x",
    ];
    for (const password of near) {
      expect(verdictOf(await tryConnect(other.url, params({ auth: { password } })))).not.toBe("ok");
    }
    expect(verdictOf(await tryConnect(other.url, params({ auth: { password: secret } })))).toBe("ok");
    // A comparison that ends at the first wrong character would make the last one measurably later than the first.
    const first = [`X${TOKEN.slice(1)}`, `${TOKEN.slice(0, -1)}X`];
    for (const token of first)
      expect(verdictOf(await tryConnect(house.url, params({ auth: { token } })))).not.toBe("ok");
  });

  attack("T04", async () => {
    const device = makeDevice();
    const paired = await tryConnect(house.url, withToken({ scopes: ["operator.read"] }), { device });
    const deviceToken = deviceTokenOf(paired);
    expect(grantedScopes(paired)).toEqual(["operator.read"]);
    const wide = ["operator.read", "operator.admin", "operator.root", "*"];
    const byToken = await tryConnect(house.url, withToken({ scopes: wide }), { device, headers: FROM_AFAR });
    expect(verdictOf(byToken)).toContain("PAIRING_REQUIRED");
    const byDevice = params({ auth: { deviceToken }, scopes: wide });
    expect(verdictOf(await tryConnect(house.url, byDevice, { device, headers: FROM_AFAR }))).not.toBe("ok");
    const plain = await tryConnect(house.url, withToken({ scopes: ["operator.read", "operator.root", "*"] }));
    expect(grantedScopes(plain)).toEqual(["operator.read"]);
    // Nobody but the records may give scopes: a stranger from afar with the secret gets none.
    const stranger = await tryConnect(house.url, withToken({ scopes: wide }), { headers: FROM_AFAR });
    expect(verdictOf(stranger)).toContain("DEVICE_IDENTITY_REQUIRED");
  });

  attack("T05", async () => {
    const device = makeDevice();
    const { answer, socket } = await attempt(house.url, withToken(), { device });
    const deviceToken = deviceTokenOf(answer);
    await socket[Symbol.asyncDispose]();
    for (const secret of [TOKEN, deviceToken]) {
      for (const path of [`/?token=${secret}`, `/${secret}`, `/?auth=${secret}`, `/ws/${secret}/x?token=${secret}`]) {
        expect(verdictOf(await tryConnect(`${house.url}${path}`, params()))).not.toBe("ok");
        expect(verdictOf(await tryConnect(`${house.url}${path}`, params(), { device, headers: FROM_AFAR }))).not.toBe(
          "ok",
        );
        const answered = await fetch(`http://127.0.0.1:${house.port}${path}`);
        expect(answered.status).toBeGreaterThanOrEqual(400);
        expect(await answered.text()).not.toContain(secret);
      }
      // A browser never sends a fragment; whoever sends one by hand gains nothing.
      const key = "dGhlIHNhbXBsZSBub25jZQ==";
      const fragment = `GET /#token=${secret} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
      expect(await rawTcp(house.port, fragment, 300)).not.toContain("hello-ok");
      expect(house.log.join("\n")).not.toContain(secret);
    }
  });

  attack("T06", async () => {
    const hosts = [
      "127.evil.com",
      "localhost.evil.com",
      "127.0.0.1@evil.com",
      "evil.com#127.0.0.1",
      "evil.com/127.0.0.1",
    ];
    for (const host of [...hosts, "0x7f.1.evil.com", "[::ffff:8.8.8.8]"]) {
      // No token leaves for a host that only looks like this one: plaintext to elsewhere is refused before a socket is opened.
      await expect(
        (async () => {
          const client = createGatewayClient({
            url: `ws://${host}:1`,
            token: TOKEN,
            client: { id: "test", mode: "test", version: "1", platform: "linux" },
            reconnect: false,
          });
          try {
            await client.ready();
          } finally {
            await client.close();
          }
        })(),
      ).rejects.toThrow(/wss:|credentials|user|fragment|plaintext/i);
    }
    const told = await attempt(house.url, withToken({ scopes: ["operator.admin"] }));
    const answer = await call(told.socket, "health", { gatewayUrl: "ws://127.evil.com" });
    expect(JSON.stringify(answer)).not.toContain("evil.com");
    await told.socket[Symbol.asyncDispose]();
  });

  attack("T07", async () => {
    const clock = createTestClock();
    const first = await startHouse({ systems: { clock } });
    const { stateDir } = first;
    const device = makeDevice();
    let seen: { params: Params; nonce: string } | undefined;
    const keep = (signed: Params) => {
      seen = { params: signed, nonce: (signed["device"] as { nonce: string }).nonce };
      return signed;
    };
    const { socket, answer } = await attempt(first.url, withToken(), { device, forge: keep });
    expect(verdictOf(answer)).toBe("ok");
    const replay = () => seen?.params ?? {};
    socket.send({ type: "req", id: "again", method: "connect", params: replay() });
    expect(verdictOf(await socket.response("again"))).toContain("only valid as the first request");
    await socket[Symbol.asyncDispose]();
    const replayed = async (house: House) => verdictOf(await tryConnect(house.url, params(), { forge: replay }));
    expect(await replayed(first)).toContain("nonce mismatch");
    clock.shift(60_000);
    expect(await replayed(first)).toContain("nonce mismatch");
    clock.shift(-120_000);
    expect(await replayed(first)).toContain("nonce mismatch");
    await first.gateway.close({ reason: "restart" });
    await using second = await startHouse({ stateDir, systems: { clock }, last: true });
    expect(await replayed(second)).toContain("nonce mismatch");
  });

  attack("T08", async () => {
    const device = makeDevice();
    const minutes = 60_000;
    for (const off of [-3 * minutes, 3 * minutes, -365 * 24 * 60 * minutes, 100 * 365 * 24 * 60 * minutes]) {
      const answer = await tryConnect(house.url, withToken(), { device, signedAt: Date.now() + off });
      expect(verdictOf(answer)).toContain("signature expired");
    }
    for (const signedAt of [-1, 1.5, Number.MAX_VALUE]) {
      expect(verdictOf(await tryConnect(house.url, withToken(), { device, signedAt }))).not.toBe("ok");
    }
  });

  attack("T09", async () => {
    const device = makeDevice();
    expect(verdictOf(await tryConnect(house.url, withToken(), { device, version: "v3" }))).toBe("ok");
    const old = await tryConnect(house.url, withToken(), { device, version: "v2" });
    expect(verdictOf(old)).toContain("signature invalid");
    const upgrades = makeDevice();
    expect(verdictOf(await tryConnect(house.url, withToken(), { device: upgrades, version: "v2" }))).toBe("ok");
    expect(verdictOf(await tryConnect(house.url, withToken(), { device: upgrades, version: "v3" }))).toBe("ok");
    expect(verdictOf(await tryConnect(house.url, withToken(), { device: upgrades, version: "v2" }))).not.toBe("ok");
  });

  attack("T10", async () => {
    const device = makeDevice();
    const client = { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" };
    const swaps: ((signed: Params) => Params)[] = [
      (signed) => ({ ...signed, scopes: ["operator.admin"] }),
      (signed) => ({ ...signed, scopes: [] }),
      (signed) => ({ ...signed, role: "node" }),
      (signed) => ({ ...signed, client: { ...client, id: "gateway-client" } }),
      (signed) => ({ ...signed, client: { ...client, mode: "backend" } }),
      (signed) => ({ ...signed, client: { ...client, platform: "ios" } }),
      (signed) => ({ ...signed, client: { ...client, deviceFamily: "phone" } }),
      (signed) => ({ ...signed, auth: { deviceToken: TOKEN } }),
      (signed) => ({ ...signed, device: { ...(signed["device"] as object), signedAt: Date.now() - 1_000 } }),
      (signed) => ({ ...signed, device: { ...(signed["device"] as object), signature: "A".repeat(86) } }),
      (signed) => ({ ...signed, device: { ...(signed["device"] as object), signature: "!" } }),
    ];
    for (const forge of swaps) {
      expect(verdictOf(await tryConnect(house.url, withToken(), { device, forge }))).toMatch(/signature|unauthorized/);
    }
    expect(verdictOf(await tryConnect(house.url, withToken(), { device }))).toBe("ok");
  });

  attack("T11", async () => {
    const device = makeDevice();
    const other = makeDevice();
    const change = (over: object) => (signed: Params) => ({
      ...signed,
      device: { ...(signed["device"] as object), ...over },
    });
    const raw = (hex: string) => Buffer.from(hex, "hex").toString("base64url");
    // The points of order 1, 2, 4 and 8 and their other encodings, for which some signatures fit any message.
    const lowOrder = [
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    const forged = lowOrder.map((hex) => {
      const id = createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex");
      const signature = Buffer.concat([Buffer.from(lowOrder[0] ?? "", "hex"), Buffer.alloc(32)]).toString("base64url");
      return change({ id, publicKey: raw(hex), signature });
    });
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const cases: ((signed: Params) => Params)[] = [
      change({ id: other.id }),
      change({ publicKey: other.publicKey }),
      change({ id: other.id, publicKey: other.publicKey }),
      change({ id: device.id.toUpperCase() }),
      change({ publicKey: rsa.publicKey.export({ type: "spki", format: "pem" }) }),
      change({ publicKey: "AAAA" }),
      ...forged,
      // S + L is the same signature to a verifier that does not check its range.
      (signed) => change({ signature: malleable((signed["device"] as { signature: string }).signature) })(signed),
    ];
    for (const forge of cases) {
      expect(verdictOf(await tryConnect(house.url, withToken(), { device, forge }))).toMatch(/device|signature|id/);
    }
    expect(sign(null, Buffer.from("x"), device.privateKey)).toHaveLength(64);
    expect(verdictOf(await tryConnect(house.url, withToken(), { device }))).toBe("ok");
  });

  attack("T12", async () => {
    const device = makeDevice();
    const as = (platform: string, deviceFamily?: string) =>
      withToken({
        client: {
          id: "cli",
          version: "1.0.0",
          mode: "cli",
          platform,
          ...(deviceFamily === undefined ? {} : { deviceFamily }),
        },
      });
    expect(verdictOf(await tryConnect(house.url, as("ios", "phone"), { device }))).toBe("ok");
    const changes = [
      as("macos", "phone"),
      as("ios", "desktop"),
      as("ios"),
      as("\u0131os", "phone"),
      as("ios ", "phone\u0000"),
    ];
    for (const changed of changes) {
      expect(verdictOf(await tryConnect(house.url, changed, { device }))).not.toBe("ok");
    }
    expect(verdictOf(await tryConnect(house.url, as("macos", "phone"), { device }))).toContain("PAIRING_REQUIRED");
    expect(verdictOf(await tryConnect(house.url, as("ios", "phone"), { device }))).toBe("ok");
  });

  attack("T13", async () => {
    const { socket, answer } = await attempt(house.url, withToken({ scopes: ["operator.read"] }));
    expect(verdictOf(answer)).toBe("ok");
    for (const [id, over] of [
      ["again", {}],
      ["node", { role: "node" }],
      ["admin", { scopes: ["operator.admin"] }],
    ] as const) {
      socket.send({ type: "req", id, method: "connect", params: withToken(over) });
      expect(verdictOf(await socket.response(id))).toContain("connect is only valid as the first request");
    }
    expect(verdictOf(await call(socket, "sessions.patch", { key: "main" }))).toContain("missing scope");
    await socket[Symbol.asyncDispose]();
    // Two at once, before the first is answered: one of them connects and the other is no second chance.
    const two = await openSocket(house.url);
    await two.frame((frame) => frame.event === "connect.challenge");
    const wrong = params({ auth: { token: "wrong" }, scopes: ["operator.admin"] });
    two.send({ type: "req", id: "1", method: "connect", params: wrong });
    two.send({ type: "req", id: "2", method: "connect", params: withToken() });
    await two.closed;
    expect(two.frames.filter((frame) => frame["ok"] === true)).toEqual([]);
  });
});

/** Adds the order of the group to S (RFC 8032, 5.1.7 demands that it be refused). */
function malleable(signature: string): string {
  const bytes = Buffer.from(signature, "base64url");
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = 0n;
  for (let at = 63; at >= 32; at -= 1) s = (s << 8n) | BigInt(bytes[at] ?? 0);
  s += order;
  for (let at = 32; at < 64; at += 1) {
    bytes[at] = Number(s & 0xffn);
    s >>= 8n;
  }
  return bytes.toString("base64url");
}
