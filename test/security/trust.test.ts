import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { attack } from "./attack.ts";
import { type Device, type Params, makeDevice } from "./device.ts";
import {
  type Attempt,
  FROM_AFAR,
  TOKEN,
  attempt,
  call,
  deviceTokenOf,
  grantedScopes,
  paired as pairedAt,
  params,
  requestIdOf,
  startHouse,
  tryConnect,
  verdictOf,
  withToken,
} from "./house.ts";
import { sharedHouse } from "./shared-house.ts";

const house = sharedHouse();

const PAIRING = { scopes: ["operator.read", "operator.pairing"] };
const ADMIN = { scopes: ["operator.admin"] };
const LOCKED = "AUTH_RATE_LIMITED";

const paired = (over: Params, url = house.url) => pairedAt(url, over);

/** Asks to be paired from afar and returns the id of the request. */
async function asks(device: Device, over: Params = {}, headers: Record<string, string> = FROM_AFAR): Promise<string> {
  const answer = await tryConnect(house.url, withToken(over), { device, headers });
  const id = requestIdOf(answer);
  expect(id, verdictOf(answer)).not.toBe("");
  return id;
}

interface Pending {
  readonly requestId: string;
  readonly deviceId: string;
}

async function pendingOf(of: Attempt): Promise<readonly Pending[]> {
  const answer = await call(of.socket, "device.pair.list");
  return (answer["payload"] as { pending?: Pending[] } | undefined)?.pending ?? [];
}

const bye = (...all: readonly Attempt[]) => Promise.all(all.map(({ socket }) => socket[Symbol.asyncDispose]()));

describe("pairing and revocation", () => {
  attack("T14", async () => {
    const config = { gateway: { trustedProxies: ["127.0.0.1"] } };
    await using behind = await startHouse({ config });
    const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
    const guess = (address: string, more: object = {}) =>
      tryConnect(behind.url, params({ auth: { token: "guess", ...more } }), {
        ...from(address),
        device: makeDevice(),
      }).then(verdictOf);
    const spellings = ["203.0.113.9", "::ffff:203.0.113.9", "::FFFF:CB00:7109", "0:0:0:0:0:ffff:203.0.113.9"];
    for (let n = 0; n < 12; n += 1)
      await guess(spellings[n % spellings.length] ?? "", n % 2 === 0 ? {} : { deviceToken: "made-up" });
    for (const address of spellings) expect(await guess(address), address).toContain(LOCKED);
    const right = await tryConnect(behind.url, withToken(), { ...from("203.0.113.9"), device: makeDevice() });
    expect(verdictOf(right)).toContain(LOCKED);
    for (let n = 0; n < 12; n += 1) await guess(`2001:db8:0:1::${n + 1}`);
    expect(await guess("2001:db8:0:1:ffff::1")).toContain(LOCKED);
    expect(await guess("2001:db8:0:2::1")).not.toContain(LOCKED);
    expect(await guess("198.51.100.1")).not.toContain(LOCKED);
    // A page of this host that guesses is stopped as well, and does not lock the owner out.
    const page = { origin: `http://localhost:${house.port}` };
    for (let n = 0; n < 12; n += 1) {
      await tryConnect(house.url, params({ auth: { token: `guess-${n}` } }), { headers: page, device: makeDevice() });
    }
    const locked = await tryConnect(house.url, params({ auth: { token: "guess" } }), {
      headers: page,
      device: makeDevice(),
    });
    expect(verdictOf(locked)).toContain(LOCKED);
    for (let n = 0; n < 30; n += 1) await tryConnect(house.url, params({ auth: { token: "guess" } }));
    const owner = await paired(ADMIN);
    await bye(owner);
    const back = await tryConnect(house.url, params({ ...ADMIN, auth: { deviceToken: owner.token } }), {
      device: owner.device,
    });
    expect(verdictOf(back)).toBe("ok");
  });

  attack("T15", async () => {
    const owner = await attempt(house.url, withToken(ADMIN));
    const again = ({ device, token }: { device: Device; token: string }) =>
      tryConnect(house.url, params({ auth: { deviceToken: token } }), { device, headers: FROM_AFAR }).then(verdictOf);
    for (const [method, more] of [
      ["device.token.rotate", { role: "operator", now: true }],
      ["device.token.revoke", { role: "operator" }],
      ["device.pair.remove", {}],
    ] as const) {
      const victim = await paired({});
      expect(await again(victim), method).toBe("ok");
      const at = performance.now();
      expect(verdictOf(await call(owner.socket, method, { deviceId: victim.device.id, ...more })), method).toBe("ok");
      await victim.socket.closed;
      expect(performance.now() - at, method).toBeLessThan(1_000);
      for (let n = 0; n < 3; n += 1) expect(await again(victim), method).not.toBe("ok");
    }
    await bye(owner);
  });

  attack("T16", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "openclaw-attack-"));
    // The shared token, given by a flag, stands in the configuration a second time.
    const config = { gateway: { trustedProxies: ["127.0.0.1"], auth: { trustedProxy: { secret: TOKEN } } } };
    await expect(startHouse({ stateDir, config })).rejects.toThrow(/gateway\.auth\.trustedProxy\.secret/u);
    await rm(stateDir, { recursive: true, force: true });
  });

  attack("T17", async () => {
    const helper = await paired(PAIRING);
    const wanted = await asks(makeDevice(), { scopes: ["operator.admin"] });
    expect(verdictOf(await call(helper.socket, "device.pair.approve", { requestId: wanted }))).toContain(
      "missing scope",
    );
    const link = await call(helper.socket, "devices.link.create", { scopes: ["operator.admin"] });
    expect(verdictOf(link)).toContain("missing scope");
    const minted = await call(helper.socket, "device.token.rotate", {
      deviceId: helper.device.id,
      role: "operator",
      scopes: ["operator.admin"],
    });
    expect(verdictOf(minted)).not.toBe("ok");
    const owner = await paired(ADMIN);
    expect(
      verdictOf(await call(helper.socket, "device.token.rotate", { deviceId: owner.device.id, role: "operator" })),
    ).not.toBe("ok");
    const still = await tryConnect(house.url, params({ ...ADMIN, auth: { deviceToken: owner.token } }), {
      device: owner.device,
    });
    expect(verdictOf(still)).toBe("ok");
    await bye(helper, owner);
  });

  attack("T18", async () => {
    const requestId = await asks(makeDevice());
    const reader = await paired({ scopes: ["operator.read", "operator.write"] });
    for (const [method, given] of [
      ["device.pair.list", {}],
      ["device.pair.approve", { requestId }],
      ["device.pair.reject", { requestId }],
      ["device.pair.remove", { deviceId: reader.device.id }],
      ["node.pair.list", {}],
    ] as const) {
      expect(verdictOf(await call(reader.socket, method, given)), method).toContain("missing scope");
    }
    const helper = await paired(PAIRING);
    const other = await paired({});
    expect(
      verdictOf(await call(helper.socket, "device.token.revoke", { deviceId: other.device.id, role: "operator" })),
    ).not.toBe("ok");
    expect(verdictOf(await call(helper.socket, "device.pair.remove", { deviceId: other.device.id }))).not.toBe("ok");
    const owner = await attempt(house.url, withToken(ADMIN));
    expect((await pendingOf(owner)).map((pending) => pending.requestId)).toContain(requestId);
    await bye(reader, helper, other, owner);
  });

  attack(
    "T19",
    async () => {
      const owners = makeDevice();
      await bye(await attempt(house.url, withToken({ scopes: ["operator.read"] }), { device: owners }));
      // The owner's own device asks for more, then somebody floods.
      const kept = await asks(
        owners,
        { scopes: ["operator.read", "operator.write"] },
        { "x-forwarded-for": "198.51.100.77" },
      );
      for (let n = 0; n < 260; n += 1)
        await asks(makeDevice(), { client: { id: "cli", version: "1", platform: `p${n}`, mode: "cli" } });
      const owner = await attempt(house.url, withToken(ADMIN));
      const pending = await pendingOf(owner);
      expect(pending.length).toBeLessThanOrEqual(200);
      expect(pending.map(({ requestId }) => requestId)).toContain(kept);
      expect(verdictOf(await call(owner.socket, "device.pair.approve", { requestId: kept }))).toBe("ok");
      await bye(owner);
    },
    60_000,
  );

  attack("T20", async () => {
    const device = makeDevice();
    const shown = await asks(device, { scopes: ["operator.read"] });
    const changed = await asks(device, { scopes: ["operator.read", "operator.admin"] });
    expect(changed).not.toBe(shown);
    const owner = await attempt(house.url, withToken(ADMIN));
    await call(owner.socket, "device.pair.approve", { requestId: shown });
    const wide = await tryConnect(house.url, withToken({ scopes: ["operator.admin"] }), { device, headers: FROM_AFAR });
    expect(verdictOf(wide)).toContain("PAIRING_REQUIRED");
    const narrow = await tryConnect(house.url, withToken({ scopes: ["operator.read"] }), {
      device,
      headers: FROM_AFAR,
    });
    expect(grantedScopes(narrow)).toEqual(["operator.read"]);
    await bye(owner);
  });

  attack("T21", async () => {
    const page = { id: "openclaw-control-ui", version: "1", platform: "web", mode: "ui" };
    const origin = `http://localhost:${house.port}`;
    const headers = { origin };
    const answer = await tryConnect(house.url, withToken({ client: page }), { device: makeDevice(), headers });
    expect(verdictOf(answer)).toMatch(/PAIRING_REQUIRED|AUTH_RATE_LIMITED/u);
    await using quiet = await startHouse();
    const local = { origin: `http://localhost:${quiet.port}` };
    const alone = await tryConnect(quiet.url, withToken({ client: page }), { device: makeDevice(), headers: local });
    expect(verdictOf(alone)).toContain("PAIRING_REQUIRED");
    const wide = await tryConnect(quiet.url, withToken(ADMIN), { device: makeDevice(), headers: local });
    expect(verdictOf(wide)).toContain("PAIRING_REQUIRED");
  });

  attack("T22", async () => {
    const page = { id: "openclaw-control-ui", version: "1", platform: "web", mode: "ui" };
    await using quiet = await startHouse();
    const headers = { origin: `http://localhost:${quiet.port}` };
    for (const client of [page, { ...page, mode: "node" }, { ...page, mode: "webchat" }]) {
      const answer = await tryConnect(quiet.url, withToken({ client, role: "node" }), { headers });
      expect(verdictOf(answer)).toMatch(/DEVICE_IDENTITY_REQUIRED|device identity/u);
    }
    const bare = await tryConnect(quiet.url, withToken({ role: "node" }));
    expect(verdictOf(bare)).toContain("DEVICE_IDENTITY_REQUIRED");
  });

  attack("T23", async () => {
    const owner = await attempt(house.url, withToken(ADMIN));
    const { device, token, socket } = await paired({});
    expect(verdictOf(await call(owner.socket, "device.pair.remove", { deviceId: device.id }))).toBe("ok");
    await socket.closed;
    const back = (over: Params, headers: Record<string, string>) =>
      tryConnect(house.url, params(over), { device, headers }).then(verdictOf);
    expect(await back({ auth: { deviceToken: token } }, FROM_AFAR)).not.toBe("ok");
    expect(await back({ auth: { deviceToken: token } }, {})).not.toBe("ok");
    expect(await back({ auth: { token } }, {})).not.toBe("ok");
    expect(await back({ auth: { token: TOKEN } }, FROM_AFAR)).toContain("PAIRING_REQUIRED");
    await bye(owner);
  });

  attack(
    "T24",
    async () => {
      const stateDir = await mkdtemp(join(tmpdir(), "openclaw-attack-"));
      const device = makeDevice();
      let token = "";
      for (let round = 0; round < 4; round += 1) {
        const gateway = await startGatewayProcess({ stateDir, config: {} });
        const auth = { token: gateway.token };
        const owner = await attempt(gateway.url, withToken({ ...ADMIN, auth }));
        const mine = await attempt(
          gateway.url,
          token === "" ? withToken({ auth }) : params({ auth: { deviceToken: token } }),
          { device },
        );
        // Whatever the last kill left, the device is in again, with the token it last heard of.
        expect(verdictOf(mine.answer), `round ${round}`).toBe("ok");
        token = deviceTokenOf(mine.answer);
        owner.socket.send({
          type: "req",
          id: "rotate",
          method: "device.token.rotate",
          params: { deviceId: device.id, role: "operator" },
        });
        if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        else await owner.socket.response("rotate");
        await gateway.stop("SIGKILL");
      }
      await rm(stateDir, { recursive: true, force: true });
    },
    60_000,
  );
});
