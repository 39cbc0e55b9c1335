import { OWNER_SCOPES } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deviceId } from "../base/brand.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import { LINK_TTL_MS, type PairingClaim } from "../store/tables/device-record.ts";
import { type TestStore, openTestStore, silentLog } from "../store/test-store.ts";
import { type DeviceLinks, bootstrapHash, createDeviceLinks } from "./bootstrap.ts";
import { type Devices, openDevices } from "./devices.ts";
import { createDeviceTokens, ownerCode } from "./tokens.ts";

const owner = { identity: "local-owner", scopes: OWNER_SCOPES };
const read = { role: "operator", scopes: ["operator.read"] } as const;
const clock = createFakeClock();
let store: TestStore;
let links: DeviceLinks;
let devices: Devices;
beforeEach(async () => {
  store = await openTestStore();
  const parts = { store, clock, ids: systemIds, log: silentLog };
  links = createDeviceLinks(parts);
  devices = await openDevices(parts);
});
afterEach(() => store.dispose());

const claim = (id: string): PairingClaim => ({
  deviceId: deviceId(id),
  publicKey: id,
  signature: "v3",
  role: "operator",
  scopes: ["operator.admin"],
  platform: "linux",
});
const redeem = (code: string, id = "d1") => devices.redeem(claim(id), bootstrapHash(code));

describe("a link", () => {
  it("gives exactly its scopes, once, whatever the device asks for", async () => {
    const { code } = await links.create(read, owner);
    expect((await redeem(code))?.grants).toMatchObject([{ role: "operator", scopes: ["operator.read"] }]);
    expect(await redeem(code, "d2")).toBeUndefined();
    expect(await redeem("guess", "d2")).toBeUndefined();
  });

  it("is good for ten minutes, whichever way the clock jumps", async () => {
    for (const byMs of [LINK_TTL_MS, -365 * 86_400_000, 365 * 86_400_000]) {
      const { code } = await links.create(read, owner);
      clock.jump(byMs);
      expect(await redeem(code), `${byMs}`).toBeUndefined();
    }
  });

  it("dies with what its maker may do, and with what it gave", async () => {
    await devices.pair(claim("maker"), ["not-paired"]);
    const maker = { identity: "maker", scopes: ["operator.admin"] };
    const { code } = await links.create(read, maker);
    await devices.revoke({ deviceId: "maker", role: "operator" }, owner);
    expect(await redeem(code)).toBeUndefined();
    const used = await links.create(read, owner);
    await redeem(used.code);
    await devices.remove("d1", owner);
    expect(await redeem(used.code)).toBeUndefined();
  });

  it("gives only known scopes of its role that its maker has", async () => {
    const helper = { identity: "helper", scopes: ["operator.pairing"] };
    await expect(links.create(read, helper)).rejects.toThrow("missing scope: operator.read");
    await expect(links.create({ role: "node", scopes: ["operator.read"] }, owner)).rejects.toThrow(
      "a node has no scopes",
    );
    await expect(links.create({ role: "operator", scopes: ["root"] }, owner)).rejects.toThrow('scope "root"');
  });

  it("pushes out the oldest of its maker and never that of others", async () => {
    const first = await links.create(read, owner);
    // All in one millisecond: what came first is the oldest all the same.
    const second = await links.create(read, owner);
    for (let made = 0; made < 4; made += 1) await links.create(read, owner);
    expect(await redeem(first.code)).toBeUndefined();
    expect(await redeem(second.code)).toBeDefined();
    const makerOf = async (identity: string) => {
      await devices.pair(claim(identity), ["not-paired"]);
      return { ...owner, identity };
    };
    for (let maker = 0; maker < 45; maker += 1) await links.create(read, await makerOf(`maker ${maker}`));
    await expect(links.create(read, await makerOf("late"))).rejects.toThrow("too many links are open");
  });
});

describe("an owner's code", () => {
  it("serves one device for two minutes, and only with the server key", () => {
    const key = Buffer.alloc(32, 3);
    const tokens = createDeviceTokens(key);
    const now = clock.now();
    const code = ownerCode(key, { deviceId: "d1", at: now });
    expect(tokens.isOwnerCode(code, { deviceId: "d1", now })).toBe(true);
    expect(tokens.isOwnerCode(code, { deviceId: "d2", now })).toBe(false);
    expect(tokens.isOwnerCode(code, { deviceId: "d1", now: now + 120_001 })).toBe(false);
    expect(tokens.isOwnerCode(code.replace(String(now), String(now + 1)), { deviceId: "d1", now })).toBe(false);
    expect(createDeviceTokens(Buffer.alloc(32, 4)).isOwnerCode(code, { deviceId: "d1", now })).toBe(false);
    for (const bad of ["", "owner", "owner..", `${code}x`]) {
      expect(tokens.isOwnerCode(bad, { deviceId: "d1", now }), bad).toBe(false);
    }
  });
});
