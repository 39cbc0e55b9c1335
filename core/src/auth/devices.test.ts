import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { OWNER_SCOPES } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "../base/brand.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import { activeGrace, type Granter, type PairingClaim, ROTATION_GRACE_MS } from "../store/tables/device-record.ts";
import { makeTestDir, openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { type Devices, openDevices } from "./devices.ts";
import { createDeviceTokens, loadServerKey } from "./tokens.ts";

let store: TestStore;
const clock = createFakeClock();
beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.dispose());

const open = () => openDevices({ store, clock, ids: systemIds, log: silentLog });
const claim = (over: Partial<PairingClaim> = {}): PairingClaim => ({
  deviceId: deviceId("d1"),
  publicKey: "key",
  signature: "v2",
  role: "operator",
  scopes: ["operator.read"],
  platform: "linux",
  clientId: "cli",
  ...over,
});

const owner: Granter = { identity: "local-owner", scopes: OWNER_SCOPES };
const pairing: Granter = { identity: "approver", scopes: ["operator.pairing", "operator.read"] };
const ask = (devices: Devices, over: Partial<PairingClaim> = {}, asked: Partial<Asked> = {}) =>
  devices.request(claim(over), { reason: "not-paired", local: false, ...asked });
type Asked = Parameters<Devices["request"]>[1];
const pairApprover = (devices: Devices) =>
  devices.pair(claim({ deviceId: deviceId(pairing.identity), scopes: pairing.scopes }), ["not-paired"]);
const idsOf = async (devices: Devices) => (await devices.requests()).map(({ requestId }) => requestId);

describe("devices", () => {
  it("are found again after a restart, with the union of their scopes", async () => {
    const devices = await open();
    const first = await devices.pair(claim(), ["not-paired"]);
    expect(first.grants).toEqual([
      {
        role: "operator",
        scopes: ["operator.read"],
        generation: 1,
        issuedAt: clock.now(),
        createdAt: clock.now(),
        revoked: false,
      },
    ]);
    await devices.pair(claim({ scopes: ["operator.write"] }), ["scope-upgrade"]);
    await devices.pair(claim({ role: "node", scopes: [] }), ["role-upgrade"]);
    const again = await open();
    expect(again.list()).toEqual(devices.list());
    expect(again.get("d1")?.grants.map(({ role, scopes }) => [role, scopes])).toEqual([
      ["node", []],
      ["operator", ["operator.read", "operator.write"]],
    ]);
  });

  it("get nothing back of a revoked grant but what is granted anew, under a new token", async () => {
    const devices = await open();
    await devices.pair(claim({ scopes: ["operator.admin"] }), ["not-paired"]);
    await devices.revoke({ deviceId: "d1", role: "operator" }, owner);
    const again = await devices.pair(claim({ scopes: ["operator.read"] }), ["not-paired"]);
    expect(again.grants).toMatchObject([{ scopes: ["operator.read"], generation: 2, revoked: false }]);
  });

  it("never lose the highest signature version, and keep what is pinned", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    devices.noteUse(claim({ signature: "v3", platform: "darwin", displayName: "new name" }));
    expect(devices.get("d1")?.signature).toBe("v3");
    await devices.close();
    await devices.pair(claim({ signature: "v2", platform: "darwin" }), ["scope-upgrade"]);
    const stored = (await open()).get("d1");
    expect(stored).toMatchObject({ signature: "v3", platform: "linux" });
  });

  it("write when they were used, soon but not at once, and for each role", async () => {
    const devices = await open();
    await devices.pair(claim({ signature: "v3" }), ["not-paired"]);
    await devices.pair(claim({ signature: "v3", role: "node", scopes: [] }), ["role-upgrade"]);
    const usedAt = clock.now();
    devices.noteUse(claim({ signature: "v3", displayName: "desk" }));
    expect((await open()).get("d1")?.lastUsedAt).toBeUndefined();
    await clock.advance(30_000);
    await expect.poll(async () => (await open()).get("d1")?.lastUsedAt).toBe(usedAt);
    const stored = (await open()).get("d1");
    expect(stored?.displayName).toBe("desk");
    expect(stored?.grants.map(({ role, lastUsedAt }) => [role, lastUsedAt])).toEqual([
      ["node", undefined],
      ["operator", usedAt],
    ]);
  });

  it("belong to themselves and to admins: an operator for pairing changes no other device", async () => {
    const devices = await open();
    await pairApprover(devices);
    await devices.pair(claim({ scopes: ["operator.pairing"] }), ["not-paired"]);
    const token = { deviceId: "d1", role: "operator" } as const;
    await expect(devices.remove("d1", pairing)).rejects.toThrow("unknown deviceId");
    await expect(devices.rotate({ ...token, now: false }, pairing)).rejects.toThrow("unknown deviceId/role");
    await expect(devices.revoke(token, pairing)).rejects.toThrow("unknown deviceId/role");
    await devices.revoke(token, { identity: "d1", scopes: ["operator.pairing"] });
    expect(devices.get("d1")?.grants).toMatchObject([{ revoked: true }]);
  });

  it("never get a token back that worked before they were removed", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    await devices.rotate({ deviceId: "d1", role: "operator", now: true }, owner);
    await devices.remove("d1", owner);
    expect(devices.get("d1")).toBeUndefined();
    const again = await devices.pair(claim(), ["not-paired"]);
    expect(again.grants).toMatchObject([{ generation: 3 }]);
  });

  it("take what waits for them along when they are removed", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    const { requestId } = await ask(devices, { scopes: ["operator.write"] }, { reason: "scope-upgrade" });
    await devices.remove("d1", owner);
    await expect(devices.approve(requestId, owner)).rejects.toThrow("unknown requestId");
    // A repeat whose first answer was lost is answered alike; anybody else is told that there is no such device.
    await devices.remove("d1", owner);
    await expect(devices.remove("d1", { ...owner, identity: "other" })).rejects.toThrow("unknown deviceId");
  });
});

describe("token rotation", () => {
  const token = { deviceId: "d1", role: "operator" } as const;
  const generations = (devices: Devices) =>
    devices
      .get("d1")!
      .grants.map((grant) => [grant.generation, ...activeGrace(grant, clock.now()).map((g) => g.generation)]);

  it("keeps the old token until the new one is used", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    await devices.rotate({ ...token, now: false }, owner);
    expect(generations(devices)).toEqual([[2, 1]]);
    await devices.settle({ ...token, generation: 1 });
    expect(generations(devices)).toEqual([[2, 1]]);
    await devices.settle({ ...token, generation: 2 });
    expect(generations(await open())).toEqual([[2]]);
    expect(await devices.settle({ ...token, generation: 1 })).toBeUndefined();
  });

  it("keeps it for ten minutes at most, whichever way the clock jumps", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    await devices.rotate({ ...token, now: false }, owner);
    await clock.advance(ROTATION_GRACE_MS - 1);
    expect(generations(devices)).toEqual([[2, 1]]);
    await clock.advance(1);
    expect(generations(devices)).toEqual([[2]]);
    clock.jump(-365 * 86_400_000);
    expect(generations(devices)).toEqual([[2]]);
    clock.jump(365 * 86_400_000);
  });

  it("locks nobody out when it is repeated because its answer was lost", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    await devices.rotate({ ...token, now: false }, owner);
    const again = await open();
    await again.rotate({ ...token, now: false }, owner);
    expect(generations(again)).toEqual([[3, 1, 2]]);
  });

  it("gives no grace when it is told so, and none to a revoked role", async () => {
    const devices = await open();
    await devices.pair(claim(), ["not-paired"]);
    await devices.rotate({ ...token, now: true }, owner);
    expect(generations(devices)).toEqual([[2]]);
    await devices.rotate({ ...token, now: false }, owner);
    await devices.revoke(token, owner);
    expect(generations(devices)).toEqual([[3]]);
    await expect(devices.rotate({ ...token, now: false }, owner)).rejects.toThrow("unknown deviceId/role");
  });

  it("may narrow what the role may do, and never widens it or exceeds the caller", async () => {
    const devices = await open();
    await devices.pair(claim({ scopes: ["operator.write", "operator.pairing"] }), ["not-paired"]);
    const wide = devices.rotate({ ...token, scopes: ["operator.admin"], now: false }, owner);
    await expect(wide).rejects.toThrow("unknown deviceId/role");
    const itself = { identity: "d1", scopes: ["operator.pairing", "operator.read"] };
    await expect(devices.rotate({ ...token, now: false }, itself)).rejects.toThrow("unknown deviceId/role");
    await devices.rotate({ ...token, scopes: ["operator.read"], now: false }, itself);
    expect(devices.get("d1")?.grants).toMatchObject([{ scopes: ["operator.read"], generation: 2 }]);
  });
});

describe("pairing requests", () => {
  it("keep their id while the same is asked, for five minutes, and are news once", async () => {
    const devices = await open();
    const news: string[] = [];
    devices.watch(({ kind }) => news.push(kind));
    const first = await ask(devices);
    await clock.advance(4 * 60_000);
    expect((await ask(devices)).requestId).toBe(first.requestId);
    expect((await ask(devices, { scopes: ["operator.admin"] })).requestId).not.toBe(first.requestId);
    await clock.advance(5 * 60_000);
    expect((await ask(devices)).requestId).not.toBe(first.requestId);
    expect(news).toEqual(["requested", "requested", "requested"]);
  });

  it("never change under their id: whatever an approval would make true is part of it", async () => {
    const devices = await open();
    const first = await ask(devices);
    const others: Partial<PairingClaim>[] = [
      { scopes: ["operator.read", "operator.write"] },
      { role: "node", scopes: [] },
      { platform: "darwin" },
      { deviceFamily: "Mac" },
      { displayName: "owner's phone" },
      { clientId: "openclaw-ios" },
      { clientMode: "node" },
    ];
    for (const over of others) {
      const other = await ask(devices, over);
      expect([other.requestId, other.digest]).not.toContain(first.requestId);
      expect(other.digest).not.toBe(first.digest);
      await devices.reject(other.requestId, owner);
    }
    expect((await ask(devices, {}, { reason: "scope-upgrade" })).requestId).not.toBe(first.requestId);
    await ask(devices, { remoteIp: "203.0.113.9" });
    const { requestedAt: _then, ...shown } = first;
    expect((await devices.requests()).at(-1)).toMatchObject(shown);
    expect((await devices.requests()).at(-1)?.remoteIp).toBeUndefined();
  });

  it("are granted exactly as they were shown, reason by reason", async () => {
    const devices = await open();
    const first = await ask(devices);
    await devices.approve(first.requestId, owner);
    const moved = { platform: "darwin", scopes: ["operator.read", "operator.write"] };
    const metadata = await ask(devices, moved, { reason: "metadata-upgrade" });
    await devices.approve(metadata.requestId, owner);
    expect(devices.get("d1")).toMatchObject({ platform: "darwin", grants: [{ scopes: ["operator.read"] }] });
    const stale = await ask(devices, { scopes: ["operator.write"] }, { reason: "scope-upgrade" });
    await devices.approve(stale.requestId, owner);
    expect(devices.get("d1")).toMatchObject({
      platform: "darwin",
      grants: [{ scopes: ["operator.read", "operator.write"] }],
    });
  });

  it("keep a repaired device's history", async () => {
    const devices = await open();
    await devices.pair(claim({ role: "node", scopes: [] }), ["not-paired"]);
    await devices.rename({ deviceId: "d1", role: "node" }, "Kitchen");
    const createdAt = clock.now();
    await devices.revoke({ deviceId: "d1", role: "node" }, owner);
    await clock.advance(60_000);
    const repair = await ask(devices, { displayName: "x" });
    expect(repair.isRepair).toBe(true);
    await devices.approve(repair.requestId, owner);
    expect(devices.get("d1")).toMatchObject({ createdAt, name: "Kitchen", approvedAt: clock.now() });
  });

  it("are approved only by somebody who may do what they grant", async () => {
    const devices = await open();
    await pairApprover(devices);
    const { requestId } = await ask(devices, { scopes: ["operator.admin"] });
    await expect(devices.approve(requestId, pairing)).rejects.toThrow("missing scope: operator.admin");
    expect(devices.get("d1")).toBeUndefined();
    const small = await ask(devices, { scopes: ["operator.read"] });
    await devices.approve(small.requestId, pairing);
    expect(devices.get("d1")?.grants).toMatchObject([{ scopes: ["operator.read"] }]);
  });

  it("are approved by nobody whose own rights have gone meanwhile, whatever its session says", async () => {
    const devices = await open();
    await pairApprover(devices);
    const node = await ask(devices, { role: "node", scopes: [] });
    await devices.revoke({ deviceId: pairing.identity, role: "operator" }, owner);
    await expect(devices.approve(node.requestId, pairing)).rejects.toThrow("missing scope: operator.pairing");
    const stranger = { identity: "nobody", scopes: OWNER_SCOPES };
    await expect(devices.approve(node.requestId, stranger)).rejects.toThrow("missing scope: operator.pairing");
    expect(devices.get("d1")).toBeUndefined();
  });

  it("of the approver itself need admin, so that no device moves its own limits", async () => {
    const devices = await open();
    await devices.pair(claim({ scopes: ["operator.pairing"] }), ["not-paired"]);
    const { requestId } = await ask(devices, { role: "node", scopes: [] }, { reason: "role-upgrade" });
    const itself = { identity: "d1", scopes: ["operator.pairing"] };
    await expect(devices.approve(requestId, itself)).rejects.toThrow("missing scope: operator.admin");
  });

  it("answer a decision that is repeated by the same caller as the first time, and only news once", async () => {
    const devices = await open();
    const news: string[] = [];
    devices.watch((what) => news.push(what.kind === "resolved" ? what.decision : what.kind));
    const { requestId } = await ask(devices);
    const record = await devices.approve(requestId, owner);
    expect(await (await open()).approve(requestId, owner)).toEqual(record);
    await expect(devices.approve(requestId, { ...owner, identity: "other" })).rejects.toThrow("unknown requestId");
    await expect(devices.reject(requestId, owner)).rejects.toThrow("unknown requestId");
    const second = await ask(devices, { role: "node", scopes: [] });
    await devices.reject(second.requestId, owner);
    expect(await devices.reject(second.requestId, owner)).toBe("d1");
    expect(news).toEqual(["requested", "approved", "requested", "rejected"]);
  });

  it("are bounded per device, the oldest making room", async () => {
    const devices = await open();
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await ask(devices, { displayName: `name ${n}` })).requestId);
    expect((await ask(devices, { displayName: "name 5" })).requestId).toBe(ids[5]);
    expect((await ask(devices, { displayName: "name 0" })).requestId).not.toBe(ids[0]);
  });

  const stranger = (n: number, remoteIp: string) => ({ deviceId: deviceId(`s${n}`), remoteIp });

  it("of one network push out their own oldest, and nobody else's", async () => {
    const devices = await open();
    await devices.pair(claim({ deviceId: deviceId("known") }), ["not-paired"]);
    const host = await ask(devices, { deviceId: deviceId("host") }, { local: true });
    const repair = await ask(
      devices,
      { deviceId: deviceId("known"), platform: "darwin" },
      { reason: "metadata-upgrade" },
    );
    const phone = await ask(devices, stranger(0, "198.51.100.1"));
    for (let n = 1; n <= 60; n += 1) await ask(devices, stranger(n, `2001:db8::${n.toString(16)}`));
    const waiting = await idsOf(devices);
    expect(waiting).toHaveLength(23);
    for (const { requestId } of [host, repair, phone]) expect(waiting).toContain(requestId);
  });

  it("of many networks push out the oldest of the loudest", async () => {
    const devices = await open();
    await devices.pair(claim({ deviceId: deviceId("known") }), ["not-paired"]);
    const repair = await ask(
      devices,
      { deviceId: deviceId("known"), platform: "darwin" },
      { reason: "metadata-upgrade" },
    );
    const phone = await ask(devices, stranger(0, "198.51.100.1"));
    for (let n = 1; n <= 260; n += 1) await ask(devices, stranger(n, `203.0.113.${n % 16}`));
    const waiting = await idsOf(devices);
    expect(waiting).toHaveLength(201);
    for (const { requestId } of [repair, phone]) expect(waiting).toContain(requestId);
    expect(waiting[0]).toBe((await ask(devices, stranger(260, "203.0.113.4"))).requestId);
  });
});

describe("device tokens", () => {
  const subject = { deviceId: "d", role: "operator", generation: 1 };

  it("are the same every time and another for every subject and key", () => {
    const tokens = createDeviceTokens(Buffer.alloc(32, 1));
    const token = tokens.tokenFor(subject);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(tokens.tokenFor(subject)).toBe(token);
    expect(tokens.matches(subject, token)).toBe(true);
    for (const other of [
      { ...subject, generation: 2 },
      { ...subject, role: "node" },
      { ...subject, deviceId: "e" },
    ]) {
      expect(tokens.matches(other, token)).toBe(false);
    }
    expect(createDeviceTokens(Buffer.alloc(32, 2)).matches(subject, token)).toBe(false);
    for (const wrong of ["", token.slice(1), `${token}=`]) expect(tokens.matches(subject, wrong)).toBe(false);
  });

  it("rest on a key in a file of its own that only the owner may read", () => {
    const dir = makeTestDir();
    const path = `${dir.path}/state/server.key`;
    const key = loadServerKey(path);
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Buffer.from(loadServerKey(path))).toEqual(readFileSync(path));
    chmodSync(path, 0o644);
    expect(() => loadServerKey(path)).toThrow("can be read by others");
    writeFileSync(path, "short");
    chmodSync(path, 0o600);
    expect(() => loadServerKey(path)).toThrow("is not a 32-byte key");
    dir.remove();
  });
});
