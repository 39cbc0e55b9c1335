import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Frame } from "../e2e/sockets.ts";
import { type Device, makeDevice } from "./device.ts";
import {
  type Attempt,
  FROM_AFAR,
  attempt,
  call,
  deviceTokenOf,
  paired,
  params,
  requestIdOf,
  startHouse,
  tryConnect,
  verdictOf,
  withToken,
} from "./house.ts";
import { sharedHouse } from "./shared-house.ts";

const house = sharedHouse();

const admin = () => paired(house.url, { scopes: ["operator.admin"] });

/** Sends all requests at once, so that the later ones are on their way before the first is carried out. */
async function atOnce(of: Attempt, requests: readonly (readonly [string, object])[]): Promise<readonly Frame[]> {
  for (const [at, [method, given]] of requests.entries()) {
    of.socket.send({ type: "req", id: `at-once-${at}`, method, params: given });
  }
  const gone = of.socket.closed.then((): Frame => ({ closed: true }));
  return Promise.all(requests.map((_, at) => Promise.race([of.socket.response(`at-once-${at}`), gone])));
}

const own = ({ device }: { readonly device: Device }) => ({ deviceId: device.id, role: "operator" });

describe("a device whose rights are withdrawn while its requests are on their way", () => {
  it("leaves no link behind", async () => {
    const thief = await admin();
    const [revoked, link] = await atOnce(thief, [
      ["device.token.revoke", own(thief)],
      ["devices.link.create", { scopes: ["operator.admin"] }],
    ]);
    expect(verdictOf(revoked ?? {})).toBe("ok");
    const code = (link?.["payload"] as { code?: string } | undefined)?.code;
    expect(code).toBeUndefined();
  });

  it("approves nothing beyond what it kept", async () => {
    const thief = await admin();
    const asked = await tryConnect(house.url, withToken({ scopes: ["operator.admin"] }), {
      device: makeDevice(),
      headers: FROM_AFAR,
    });
    const requestId = requestIdOf(asked);
    const [rotated, approved] = await atOnce(thief, [
      ["device.token.rotate", { ...own(thief), scopes: ["operator.pairing"] }],
      ["device.pair.approve", { requestId }],
    ]);
    expect(verdictOf(rotated ?? {})).toBe("ok");
    expect(approved?.["ok"]).not.toBe(true);
    const owner = await attempt(house.url, withToken({ scopes: ["operator.pairing"] }));
    const listed = await call(owner.socket, "device.pair.list");
    expect(JSON.stringify((listed["payload"] as { pending: unknown }).pending)).toContain(requestId);
    await owner.socket[Symbol.asyncDispose]();
  });
});

describe("the owner's code", () => {
  it("works while others on the same address are locked out for wrong codes", async () => {
    await using tunnelled = await startHouse({ config: { gateway: { auth: { localTrust: "off" } } } });
    const device = makeDevice();
    const withCode = (bootstrapToken: string, as: Device) =>
      tryConnect(tunnelled.url, params({ auth: { bootstrapToken } }), { device: as });
    for (let guesses = 0; guesses < 11; guesses += 1) await withCode("a-wrong-code", makeDevice());
    expect(verdictOf(await withCode("a-wrong-code", makeDevice()))).toContain("AUTH_RATE_LIMITED");
    const key = await readFile(join(tunnelled.stateDir, "server.key"));
    const at = Date.now();
    const proof = createHmac("sha256", key).update(`owner|${device.id}|${at}`).digest("base64url");
    const answer = await withCode(`owner.${at}.${proof}`, device);
    expect(verdictOf(answer)).toBe("ok");
    expect(deviceTokenOf(answer)).not.toBe("");
  });
});
