import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { makeDevice } from "./device.ts";
import {
  FROM_AFAR,
  attempt,
  call,
  deviceTokenOf,
  params,
  startHouse,
  tryConnect,
  verdictOf,
  withToken,
} from "./house.ts";

const ADMIN = { scopes: ["operator.admin"] };

interface Event {
  readonly action: string;
  readonly actor: string;
  readonly subject?: string;
  readonly address?: string;
  readonly reason?: string;
}

async function trailOf(url: string): Promise<{ events: readonly Event[]; whole: boolean }> {
  const { socket } = await attempt(url, withToken(ADMIN));
  const list = await call(socket, "audit.list", { limit: 1000 });
  const report = await call(socket, "audit.verify");
  await socket[Symbol.asyncDispose]();
  const { events } = list["payload"] as { events: Event[] };
  return { events, whole: (report["payload"] as { ok: boolean }).ok };
}

it("the trail tells who was paired, came in, was revoked and was refused, over a restart, and that somebody changed it", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "openclaw-attack-"));
  const device = makeDevice();
  const first = await startHouse({ stateDir });
  const { socket, answer } = await attempt(first.url, withToken(), { device });
  const deviceToken = deviceTokenOf(answer);
  for (let n = 0; n < 20; n += 1) await tryConnect(first.url, withToken(), { device });
  const owner = await attempt(first.url, withToken(ADMIN));
  const revoked = await call(owner.socket, "device.token.revoke", { deviceId: device.id, role: "operator" });
  expect(verdictOf(revoked)).toBe("ok");
  await owner.socket[Symbol.asyncDispose]();
  await socket.closed;
  for (let n = 0; n < 3; n += 1) {
    await tryConnect(first.url, params({ auth: { deviceToken } }), { device, headers: FROM_AFAR });
    await tryConnect(first.url, params({ auth: { token: "guess" } }), { device: makeDevice(), headers: FROM_AFAR });
  }
  await first.gateway.close({ reason: "restart", drainMs: 0 });
  const second = await startHouse({ stateDir });
  const { events, whole } = await trailOf(second.url);
  expect(whole).toBe(true);
  const of = (action: string, actor: string) =>
    events.filter((event) => event.action === action && event.actor === actor);
  expect(events.filter((event) => event.action === "paired" && event.subject === device.id)).toHaveLength(1);
  expect(of("connected", device.id)).toHaveLength(1);
  expect(of("revoked", "local-owner")).toMatchObject([{ subject: device.id }]);
  expect(of("refused", device.id)).toMatchObject([{ count: 3 }]);
  expect(of("refused", "unknown")).toMatchObject([{ count: 3 }]);
  await second.gateway.close({ reason: "restart", drainMs: 0 });
  const db = new DatabaseSync(join(stateDir, "host.db"));
  db.exec("DELETE FROM audit WHERE action = 'revoked'");
  db.close();
  const third = await startHouse({ stateDir });
  expect((await trailOf(third.url)).whole).toBe(false);
  await third.gateway.close({ reason: "done", drainMs: 0 });
  await rm(stateDir, { recursive: true, force: true });
});
