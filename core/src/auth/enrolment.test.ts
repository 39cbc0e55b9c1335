import { OWNER_SCOPES } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { PairingHouse, SECRET } from "./pairing-house.ts";
import { makeDevice } from "./test-device.ts";

const owner = { identity: "local-owner", scopes: OWNER_SCOPES };
const device = makeDevice();
const desk = { device, role: "operator", scopes: ["operator.admin"], platform: "linux", local: true } as const;
const token = { deviceId: device.id, role: "operator" } as const;
let house: PairingHouse;
beforeEach(async () => {
  house = new PairingHouse(createFakeClock());
  await house.reset({ localTrust: "on", localOwner: true });
});
afterEach(() => house.close());

describe("a device that connects while its grant is narrowed", () => {
  it("gets no scope that was withdrawn before it was let in", async () => {
    expect(await house.connect({ ...desk, auth: { token: SECRET } })).toMatchObject({ ok: true });
    await house.devices.rotate({ ...token, now: false }, owner);
    const deviceToken = house.tokens.tokenFor({ ...token, generation: 2 });
    const narrowing = house.devices.rotate({ ...token, scopes: ["operator.pairing"], now: false }, owner);
    const verdict = await house.connect({ ...desk, auth: { deviceToken } });
    expect(verdict).toMatchObject({ ok: true, session: { scopes: [], grant: { scopes: ["operator.pairing"] } } });
    await narrowing;
  });
});
