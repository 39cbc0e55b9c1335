import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "../base/brand.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import type { PairingClaim } from "../store/tables/device-record.ts";
import { makeTestDir, openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { openDevices } from "./devices.ts";
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

describe("devices", () => {
  it("are found again after a restart, with the union of their scopes", async () => {
    const devices = await open();
    const first = await devices.approve(claim());
    expect(first.grants).toEqual([
      { role: "operator", scopes: ["operator.read"], generation: 1, issuedAt: clock.now(), revoked: false },
    ]);
    await devices.approve(claim({ scopes: ["operator.write"] }));
    await devices.approve(claim({ role: "node", scopes: [] }));
    const again = await open();
    expect(again.list()).toEqual(devices.list());
    expect(again.get("d1")?.grants.map(({ role, scopes }) => [role, scopes])).toEqual([
      ["node", []],
      ["operator", ["operator.read", "operator.write"]],
    ]);
  });

  it("get nothing back of a revoked grant but what is granted anew, under a new token", async () => {
    const devices = await open();
    await devices.approve(claim({ scopes: ["operator.admin"] }));
    const database = new DatabaseSync(store.path);
    database.exec("UPDATE device_grants SET revoked_at = 1");
    database.close();
    const again = await devices.approve(claim({ scopes: ["operator.read"] }));
    expect(again.grants).toMatchObject([{ scopes: ["operator.read"], generation: 2, revoked: false }]);
  });

  it("never lose the highest signature version, and keep what is pinned", async () => {
    const devices = await open();
    await devices.approve(claim());
    devices.noteUse(claim({ signature: "v3", platform: "darwin", displayName: "new name" }));
    expect(devices.get("d1")?.signature).toBe("v3");
    await devices.close();
    await devices.approve(claim({ signature: "v2" }));
    const stored = (await open()).get("d1");
    expect(stored).toMatchObject({ signature: "v3", platform: "linux" });
  });

  it("write when they were used, soon but not at once", async () => {
    const devices = await open();
    await devices.approve(claim({ signature: "v3" }));
    const usedAt = clock.now();
    devices.noteUse(claim({ signature: "v3", displayName: "desk" }));
    expect((await open()).get("d1")?.lastUsedAt).toBeUndefined();
    await clock.advance(30_000);
    await expect.poll(async () => (await open()).get("d1")?.lastUsedAt).toBe(usedAt);
    expect((await open()).get("d1")?.displayName).toBe("desk");
  });
});

describe("pairing requests", () => {
  it("keep their id while the same is asked, for five minutes", async () => {
    const devices = await open();
    const first = await devices.request(claim(), "not-paired");
    await clock.advance(4 * 60_000);
    expect(await devices.request(claim({ scopes: ["operator.read"] }), "not-paired")).toBe(first);
    expect(await devices.request(claim({ scopes: ["operator.admin"] }), "not-paired")).not.toBe(first);
    await clock.advance(5 * 60_000);
    expect(await devices.request(claim(), "not-paired")).not.toBe(first);
  });

  it("are bounded per device, the oldest making room", async () => {
    const devices = await open();
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      ids.push(await devices.request(claim({ displayName: `name ${n}` }), "not-paired"));
      await clock.advance(1);
    }
    expect(await devices.request(claim({ displayName: "name 5" }), "not-paired")).toBe(ids[5]);
    expect(await devices.request(claim({ displayName: "name 0" }), "not-paired")).not.toBe(ids[0]);
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
