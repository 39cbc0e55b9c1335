import { expect, it } from "vitest";
import { makeDevice } from "./device.ts";
import { attempt, call, startHouse, verdictOf, withToken } from "./house.ts";

it("takes no more than a name's worth of what a client says of itself into what everybody is told", async () => {
  await using house = await startHouse();
  const long = "x".repeat(15_000);
  const client = { id: "gateway-client", mode: "backend", version: long, platform: long, displayName: long };
  const loud = await attempt(house.url, withToken({ client, role: "node", scopes: [] }), { device: makeDevice() });
  expect(verdictOf(loud.answer)).toBe("ok");
  const other = await attempt(house.url, withToken());
  const { snapshot } = other.answer["payload"] as { snapshot: { presence: readonly unknown[] } };
  expect(snapshot.presence).toHaveLength(2);
  expect(JSON.stringify(snapshot.presence).length).toBeLessThan(3_000);
  await Promise.all([loud, other].map(({ socket }) => socket[Symbol.asyncDispose]()));
});

it("tells clients without operator.read neither who talks nor where things are kept", async () => {
  await using house = await startHouse();
  const owner = await attempt(house.url, withToken({ scopes: ["operator.admin"] }));
  expect(await call(owner.socket, "sessions.patch", { key: "agent:main:private-chat" })).toMatchObject({ ok: true });
  const roles = [
    { role: "node", scopes: [] },
    { role: "operator", scopes: [] },
  ];
  for (const wanted of roles) {
    const { socket, answer } = await attempt(house.url, withToken(wanted), { device: makeDevice() });
    expect(verdictOf(answer)).toBe("ok");
    const health = await call(socket, "health", { probe: true });
    expect(health["payload"]).toMatchObject({ ok: true, sessions: { count: 1 } });
    const heard = JSON.stringify(socket.frames);
    expect(heard, wanted.role).not.toContain("private-chat");
    expect(heard, wanted.role).not.toContain(house.stateDir);
    await socket[Symbol.asyncDispose]();
  }
  await owner.socket[Symbol.asyncDispose]();
});
