import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type StoredIdentity, createDeviceIdentity, importDeviceIdentity, loadDeviceIdentity } from "./identity.ts";

describe("device identity", () => {
  it("survives storing: the restored identity has the same id and its signatures verify with the stored key", async () => {
    const created = await createDeviceIdentity(1);
    const restored = await importDeviceIdentity(structuredClone(created.export()));
    expect(restored).toMatchObject({ deviceId: created.deviceId, publicKey: created.publicKey });
    const key = createPublicKey(created.export().publicKeyPem);
    expect(verify(null, Buffer.from("text"), key, Buffer.from(await restored.sign("text"), "base64url"))).toBe(true);
  });

  it("is made and saved once, then loaded", async () => {
    let stored: StoredIdentity | undefined;
    let saves = 0;
    const storage = {
      load: async () => stored,
      save: async (identity: StoredIdentity) => {
        saves++;
        stored = identity;
      },
    };
    const first = await loadDeviceIdentity(storage, 1);
    const second = await loadDeviceIdentity(storage, 2);
    expect(second.deviceId).toBe(first.deviceId);
    expect(first.deviceId).toMatch(/^[0-9a-f]{64}$/);
    expect(saves).toBe(1);
  });

  it("refuses an id that does not belong to the key", async () => {
    const created = await createDeviceIdentity(1);
    await expect(importDeviceIdentity({ ...created.export(), deviceId: "0".repeat(64) })).rejects.toThrow(
      /does not belong/,
    );
  });
});
