import { rename } from "node:fs/promises";
import { join } from "node:path";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect, it } from "vitest";
import {
  FROM_AFAR,
  TOKEN,
  attempt,
  call,
  deviceTokenOf,
  grantedScopes,
  params,
  requestIdOf,
  tryConnect,
  verdictOf,
  withToken,
} from "../security/house.ts";
import { sharedHouse } from "../security/shared-house.ts";
import { type Device, makeDevice } from "../security/device.ts";
import { cli } from "./cli.ts";
import type { Frame, RawSocket } from "./sockets.ts";
import { verifies } from "./verifies.ts";

const ALL = ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];

const house = sharedHouse();

interface Listed {
  readonly pending: readonly (Record<string, unknown> & { requestId: string; deviceId: string })[];
  readonly paired: readonly (Record<string, unknown> & { deviceId: string; tokens?: readonly object[] })[];
}

const payloadOf = <T>(frame: Frame): T => frame["payload"] as T;
const listed = async (socket: RawSocket) => payloadOf<Listed>(await call(socket, "device.pair.list"));
const ask = (device: Device, over: object = {}) =>
  tryConnect(house.url, withToken({ ...over }), { device, headers: FROM_AFAR });

/** A local operator with the shared secret and no device. */
async function openOwner(min = 3, max = 4): Promise<RawSocket> {
  const wanted = withToken({ scopes: ALL, minProtocol: min, maxProtocol: max });
  const { socket, answer } = await attempt(house.url, wanted);
  expect(verdictOf(answer)).toBe("ok");
  return socket;
}

/** A device that somebody approved from afar, connected by its token. */
async function openDevice(
  owner: RawSocket,
  over: object,
): Promise<{ device: Device; socket: RawSocket; token: string }> {
  const device = makeDevice();
  const requestId = requestIdOf(await ask(device, over));
  expect(await call(owner, "device.pair.approve", { requestId })).toMatchObject({ ok: true });
  const first = await ask(device, over);
  const token = deviceTokenOf(first);
  const { socket, answer } = await byToken(device, token, over);
  expect(verdictOf(answer)).toBe("ok");
  return { device, socket, token };
}

const byToken = (device: Device, deviceToken: string, over: object = {}) =>
  attempt(house.url, params({ auth: { deviceToken }, ...over }), { device, headers: FROM_AFAR });

const PAIRING_ONLY = { scopes: ["operator.pairing", "operator.read"] };

describe("devices", () => {
  verifies("devices:pairing", async () => {
    await using owner = await openOwner();
    await using watcher = await openOwner(3, 3);
    const device = makeDevice();
    const refused = await ask(device, { scopes: ["operator.read"] });
    expect(verdictOf(refused)).toContain("NOT_PAIRED PAIRING_REQUIRED");
    const requestId = requestIdOf(refused);
    expect(requestIdOf(await ask(device, { scopes: ["operator.read"] }))).toBe(requestId);
    const other = requestIdOf(await ask(device, { scopes: ["operator.admin"] }));
    expect(other).not.toBe(requestId);
    const waiting = (await listed(owner)).pending.filter(({ deviceId }) => deviceId === device.id);
    expect(waiting.map((row) => [row.requestId, row["scopes"]])).toEqual([
      [other, ["operator.admin"]],
      [requestId, ["operator.read"]],
    ]);
    const approved = await call(owner, "device.pair.approve", { requestId });
    expect(payloadOf(approved)).toMatchObject({
      requestId,
      device: { deviceId: device.id, scopes: ["operator.read"] },
    });
    expect(payloadOf(await call(owner, "device.pair.approve", { requestId }))).toEqual(payloadOf(approved));
    expect(payloadOf(await call(owner, "device.pair.reject", { requestId: other }))).toEqual({
      requestId: other,
      deviceId: device.id,
    });
    for (const socket of [owner, watcher]) {
      const decided = await socket.frame(
        (frame) =>
          frame.event === "device.pair.resolved" && payloadOf<{ requestId: string }>(frame).requestId === other,
      );
      expect(payloadOf(decided)).toMatchObject({ deviceId: device.id, decision: "rejected" });
      const news = socket.frames
        .filter(({ event }) => event === "device.pair.requested")
        .map(payloadOf<{ deviceId: string }>);
      expect(news.filter(({ deviceId }) => deviceId === device.id)).toHaveLength(2);
    }
    const admitted = await ask(device, { scopes: ["operator.read"] });
    expect(grantedScopes(admitted)).toEqual(["operator.read"]);
    expect(JSON.stringify(await listed(owner))).not.toContain(deviceTokenOf(admitted));
    expect((await listed(owner)).paired[0]).toMatchObject({ deviceId: "local-owner", builtIn: true, connected: true });
  });

  verifies("devices:ownership", async () => {
    await using owner = await openOwner();
    const victim = await openDevice(owner, { scopes: ["operator.read"] });
    const helper = await openDevice(owner, PAIRING_ONLY);
    await using victimSocket = victim.socket;
    await using socket = helper.socket;
    for (const [method, more] of [
      ["device.pair.remove", {}],
      ["device.token.rotate", { role: "operator" }],
      ["device.token.revoke", { role: "operator" }],
    ] as const) {
      const refused = await call(socket, method, { deviceId: victim.device.id, ...more });
      expect(verdictOf(refused), method).toMatch(/unknown deviceId|device token rotation denied/);
    }
    const { paired } = await listed(socket);
    expect(paired.filter(({ tokens }) => tokens !== undefined).map(({ deviceId }) => deviceId)).toEqual([
      helper.device.id,
    ]);
    const stranger = makeDevice();
    const wanted = { requestId: requestIdOf(await ask(stranger, { scopes: ["operator.write"] })) };
    expect(verdictOf(await call(socket, "device.pair.approve", wanted))).toBe(
      "FORBIDDEN MISSING_SCOPE missing scope: operator.write",
    );
    const link = await call(socket, "devices.link.create", { scopes: ["operator.admin"] });
    expect(verdictOf(link)).toBe("FORBIDDEN MISSING_SCOPE missing scope: operator.admin");
    // Without the scope nothing of it is seen, as a node nothing is heard of it.
    expect(verdictOf(await call(victimSocket, "device.pair.list"))).toContain("missing scope: operator.pairing");
    expect(victimSocket.frames.filter(({ event }) => String(event).includes(".pair."))).toEqual([]);
  });

  verifies("devices:rotation", async () => {
    await using owner = await openOwner();
    await using old = await openOwner(3, 3);
    const { device, socket, token } = await openDevice(owner, { scopes: ["operator.read"] });
    const rotated = await call(owner, "device.token.rotate", { deviceId: device.id, role: "operator" });
    expect(payloadOf(rotated)).not.toHaveProperty("token");
    expect(await socket.closed).toMatchObject({ code: 1012 });
    // The answer of a connect by the old token carries the new one; both work until the new one was used.
    const first = await byToken(device, token);
    const next = deviceTokenOf(first.answer);
    await first.socket[Symbol.asyncDispose]();
    expect(next).not.toBe(token);
    for (const good of [token, next]) {
      const again = await byToken(device, good);
      expect(verdictOf(again.answer)).toBe("ok");
      await again.socket[Symbol.asyncDispose]();
    }
    expect(verdictOf((await byToken(device, token)).answer)).toContain("AUTH_DEVICE_TOKEN_MISMATCH");
    const now = await call(old, "device.token.rotate", { deviceId: device.id, role: "operator", now: true });
    const newest = payloadOf<{ token: string }>(now).token;
    expect(verdictOf((await byToken(device, next)).answer)).toContain("AUTH_DEVICE_TOKEN_MISMATCH");
    const last = await byToken(device, newest);
    expect(verdictOf(last.answer)).toBe("ok");
    await last.socket[Symbol.asyncDispose]();
  });

  verifies("devices:revocation", async () => {
    await using owner = await openOwner();
    for (const method of ["device.token.revoke", "device.pair.remove"]) {
      const { device, socket, token } = await openDevice(owner, { scopes: ["operator.read"] });
      const role = method === "device.token.revoke" ? { role: "operator" } : {};
      const startedAt = performance.now();
      expect(await call(owner, method, { deviceId: device.id, ...role })).toMatchObject({ ok: true });
      expect(await socket.closed).toMatchObject({
        code: 1008,
        reason: expect.stringMatching(/^device (token revoked|removed)/),
      });
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(verdictOf((await byToken(device, token)).answer)).toMatch(/AUTH_(DEVICE_TOKEN|TOKEN)_MIS/);
      // With the shared secret it is as good as a stranger.
      expect(verdictOf(await ask(device, { scopes: ["operator.read"] }))).toContain("PAIRING_REQUIRED");
    }
  });

  verifies("devices:own-answer", async () => {
    await using owner = await openOwner();
    const { device, socket } = await openDevice(owner, { scopes: ["operator.pairing"] });
    const answer = await call(socket, "device.token.revoke", { deviceId: device.id, role: "operator" });
    expect(payloadOf(answer)).toMatchObject({ deviceId: device.id, role: "operator" });
    expect(await socket.closed).toMatchObject({ code: 1008 });
  });

  verifies("devices:link", async () => {
    await using owner = await openOwner();
    const made = await call(owner, "devices.link.create", { scopes: ["operator.read"] });
    const { code } = payloadOf<{ code: string }>(made);
    expect(Buffer.from(code, "base64url")).toHaveLength(16);
    const page = { headers: { origin: house.url.replace("ws", "http"), host: new URL(house.url).host } };
    const asked = params({ scopes: ALL, auth: { bootstrapToken: code } });
    const device = makeDevice();
    const afar = await tryConnect(house.url, asked, {
      device: makeDevice(),
      headers: { origin: "https://evil.example" },
    });
    expect(verdictOf(afar)).toContain("origin not allowed");
    const first = await tryConnect(house.url, asked, { device, ...page });
    expect(grantedScopes(first)).toEqual(["operator.read"]);
    // The answer may have been lost: the same device is let in again, another one is not.
    expect(verdictOf(await tryConnect(house.url, asked, { device, ...page }))).toBe("ok");
    const second = await tryConnect(house.url, asked, { device: makeDevice(), ...page });
    expect(verdictOf(second)).toContain("AUTH_BOOTSTRAP_TOKEN_INVALID");
    const asNode = payloadOf<{ code: string }>(await call(owner, "devices.link.create", { role: "node" })).code;
    const wrong = params({ scopes: [], auth: { bootstrapToken: asNode } });
    expect(verdictOf(await tryConnect(house.url, wrong, { device: makeDevice(), ...page }))).toContain("BOOTSTRAP");
    const right = { ...wrong, role: "node", client: { ...(wrong["client"] as object), id: "node-host", mode: "node" } };
    expect(verdictOf(await tryConnect(house.url, right, { device: makeDevice() }))).toBe("ok");
    expect(
      verdictOf(
        await tryConnect(house.url, withToken({ auth: { token: "x", bootstrapToken: asNode } }), {
          device: makeDevice(),
        }),
      ),
    ).toContain("AUTH_TOKEN_MISMATCH");
    expect(JSON.stringify(house.log)).not.toContain(code);
    expect(JSON.stringify(house.log)).not.toContain(TOKEN);
  });

  it("takes a link's code from behind a proxy of this host only when the proxy says that it came encrypted", async () => {
    await using owner = await openOwner();
    const { code } = payloadOf<{ code: string }>(await call(owner, "devices.link.create", {}));
    const redeem = async (more: Record<string, string>) => {
      const headers = { ...FROM_AFAR, ...more };
      const asked = params({ auth: { bootstrapToken: code } });
      return verdictOf(await tryConnect(house.url, asked, { device: makeDevice(), headers }));
    };
    for (const proto of [{}, { "x-forwarded-proto": "http" }, { "x-forwarded-proto": "https, http" }]) {
      expect(await redeem(proto)).toContain("links are taken over wss://");
    }
    expect(await redeem({ "x-forwarded-proto": "https" })).toBe("ok");
  });

  verifies("devices:repair-blocks-nothing", async () => {
    await using owner = await openOwner();
    const device = makeDevice();
    expect(verdictOf(await tryConnect(house.url, withToken(), { device }))).toBe("ok");
    const moved = { client: { id: "cli", version: "1.0.0", platform: "darwin", mode: "cli" } };
    const repair = await tryConnect(house.url, withToken(moved), { device });
    expect(repair["error"]).toMatchObject({ details: { reason: "metadata-upgrade" } });
    // While that waits, the device as it was known still widens its scopes on the gateway's own host.
    const wider = await tryConnect(house.url, withToken({ scopes: ["operator.write"] }), { device });
    expect(grantedScopes(wider)).toEqual(["operator.write"]);
    const role = await tryConnect(house.url, withToken({ ...moved, role: "node", scopes: [] }), { device });
    expect(role["error"]).toMatchObject({ details: { reason: "metadata-upgrade" } });
    await call(owner, "device.pair.approve", { requestId: requestIdOf(role) });
    const then = await tryConnect(house.url, withToken({ ...moved, role: "node", scopes: [] }), { device });
    expect(then["error"]).toMatchObject({ details: { reason: "role-upgrade" } });
  });

  verifies("devices:nodes", async () => {
    await using owner = await openOwner(3, 3);
    const asked = await call(owner, "node.pair.request", { nodeId: "n1", displayName: "N1", commands: ["system.run"] });
    const { request } = payloadOf<{ request: { requestId: string } }>(asked);
    expect(payloadOf(asked)).toMatchObject({
      status: "pending",
      created: true,
      request: { nodeId: "n1", isRepair: false },
    });
    const helper = await openDevice(owner, PAIRING_ONLY);
    await using weak = helper.socket;
    expect(verdictOf(await call(weak, "node.pair.approve", { requestId: request.requestId }))).toContain(
      "operator.admin",
    );
    const approved = payloadOf<{ node: { token: string } }>(
      await call(owner, "node.pair.approve", { requestId: request.requestId }),
    );
    const { token } = approved.node;
    expect(payloadOf(await call(owner, "node.pair.verify", { nodeId: "n1", token }))).toMatchObject({ ok: true });
    expect(payloadOf(await call(owner, "node.pair.verify", { nodeId: "n1", token: "x" }))).toEqual({ ok: false });
    expect(payloadOf(await call(owner, "node.rename", { nodeId: "n1", displayName: "Kitchen" }))).toEqual({
      nodeId: "n1",
      displayName: "Kitchen",
    });
    const list = payloadOf(await call(owner, "node.pair.list"));
    expect(list).toMatchObject({ pending: [], paired: [{ nodeId: "n1", displayName: "Kitchen" }] });
    expect(JSON.stringify(list)).not.toContain(token);
    const resolved = await owner.frame(({ event }) => event === "node.pair.resolved");
    expect(payloadOf(resolved)).toMatchObject({ nodeId: "n1", decision: "approved" });
    expect(verdictOf(await call(owner, "node.rename", { nodeId: "n2", displayName: "x" }))).toContain("unknown nodeId");
  });

  verifies(
    "devices:cli",
    async () => {
      await using gateway = await startGatewayProcess();
      const env = commandLine(gateway);
      const run = async (...args: string[]) => cli(["devices", ...args], env);
      const json = async (...args: string[]) =>
        JSON.parse((await run(...args, "--json")).stdout) as Record<string, unknown>;
      const device = makeDevice();
      const wanted = params({ scopes: ["operator.read"], auth: { token: gateway.token } });
      const arrive = () => tryConnect(gateway.url, wanted, { device, headers: FROM_AFAR });
      const requestId = requestIdOf(await arrive());
      expect((await run("list")).stdout).toContain(`openclaw devices approve <request>):\n  ${requestId}`);
      expect(await run("approve", requestId)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("is paired as operator"),
      });
      const again = await run("reject", requestId);
      expect(again).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("see what waits: openclaw devices list"),
      });
      const short = device.id.slice(0, 10);
      expect(await json("rotate", short, "--scopes", "operator.read")).toMatchObject({
        deviceId: device.id,
        role: "operator",
      });
      expect(await json("revoke", short)).toMatchObject({ deviceId: device.id });
      expect(verdictOf(await arrive())).toContain("PAIRING_REQUIRED");
      expect(await json("remove", short)).toEqual({ deviceId: device.id });
      expect(await run("remove", short)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("openclaw devices list"),
      });
      const link = await json("link", "--scopes", "read");
      expect(link).toMatchObject({ role: "operator", scopes: ["operator.read"] });
      expect(new URL(String(link["url"])).hash).toBe(`#bootstrapToken=${String(link["code"])}`);
      const shown = await run("link");
      expect(shown.stdout.split("\n").length).toBeGreaterThan(20);
      expect(shown.stderr).toContain("gateway.publicUrl");
    },
    60_000,
  );

  verifies(
    "devices:way-back",
    async () => {
      const config = { gateway: { auth: { localTrust: "off", localOwner: { scopes: "none" } } } };
      await using gateway = await startGatewayProcess({ config });
      const env = commandLine(gateway);
      const list = await cli(["devices", "list", "--json"], env);
      expect(list, list.stderr).toMatchObject({ code: 0 });
      const { paired } = JSON.parse(list.stdout) as Listed;
      const [own] = paired;
      expect(paired).toHaveLength(1);
      const removed = await cli(["devices", "remove", own?.deviceId ?? ""], env);
      expect(removed, removed.stderr).toMatchObject({ code: 0 });
      // Even the device of the command line was removed: whoever may read the server key is the owner.
      expect(await cli(["devices", "list"], env)).toMatchObject({ code: 0 });
      const last = await cli(["devices", "remove", own?.deviceId ?? ""], env);
      expect(last, last.stderr).toMatchObject({ code: 0 });
      await rename(join(gateway.stateDir, "server.key"), join(gateway.stateDir, "server.key.away"));
      expect(await cli(["devices", "list"], env)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("approve"),
      });
    },
    60_000,
  );

  it("lets the owner's commands in while somebody at the other end of a tunnel has their address locked out", async () => {
    const config = { gateway: { auth: { localTrust: "off" } } };
    await using gateway = await startGatewayProcess({ config });
    for (const auth of [{ token: "guess" }, { bootstrapToken: "guess" }]) {
      for (let guesses = 0; guesses < 10; guesses += 1) {
        await tryConnect(gateway.url, params({ auth }), { device: makeDevice() });
      }
    }
    const list = await cli(["devices", "list"], commandLine(gateway));
    expect(list, list.stderr).toMatchObject({ code: 0 });
  }, 60_000);
});

const commandLine = ({ stateDir, configPath, token }: { stateDir: string; configPath: string; token: string }) => ({
  HOME: stateDir,
  OPENCLAW_STATE_DIR: stateDir,
  OPENCLAW_CONFIG_PATH: configPath,
  OPENCLAW_GATEWAY_TOKEN: token,
});
