import { describe, expect } from "vitest";
import { attack } from "./attack.ts";
import { createTestClock } from "./clock.ts";
import { makeDevice } from "./device.ts";
import { FROM_AFAR, type House, attempt, call, params, startHouse, tryConnect, verdictOf, withToken } from "./house.ts";
import { sharedHouse } from "./shared-house.ts";

const house = sharedHouse();

const WRITER = ["operator.read", "operator.write"];

describe("meaning", () => {
  attack("T60", async () => {
    let open = await startHouse();
    const { stateDir } = await keepState(open);
    open = await startHouse({ stateDir });
    const device = makeDevice();
    const other = makeDevice();
    const first = await attempt(open.url, withToken({ scopes: WRITER }), { device });
    const second = await attempt(open.url, withToken({ scopes: WRITER }), { device: other });
    const message = { sessionKey: "agent:main:idem", message: "once", idempotencyKey: "one-key" };
    expect(verdictOf(await call(first.socket, "chat.send", message))).toBe("ok");
    expect(verdictOf(await call(first.socket, "chat.send", message))).toBe("ok");
    const changed = await call(first.socket, "chat.send", { ...message, message: "twice" });
    expect(verdictOf(changed)).toContain("INVALID_REQUEST");
    expect(verdictOf(await call(second.socket, "chat.send", message))).not.toBe("ok");
    const asAgent = { message: "once", idempotencyKey: "one-key", sessionKey: "agent:main:idem" };
    expect(verdictOf(await call(first.socket, "agent", asAgent))).not.toBe("ok");
    const said = async (url: string) => {
      const { socket } = await attempt(url, withToken());
      const answer = await call(socket, "chat.history", { sessionKey: "agent:main:idem" });
      await socket[Symbol.asyncDispose]();
      const { messages } = answer["payload"] as { messages: { role: string }[] };
      return messages.filter(({ role }) => role === "user").length;
    };
    await expect.poll(() => said(open.url), { timeout: 10_000 }).toBe(1);
    for (const { socket } of [first, second]) await socket[Symbol.asyncDispose]();
    await open.gateway.close({ reason: "restart", drainMs: 0 });
    await using again = await startHouse({ stateDir, last: true });
    const third = await attempt(again.url, withToken({ scopes: WRITER }), { device });
    expect(verdictOf(await call(third.socket, "chat.send", message))).toBe("ok");
    expect(verdictOf(await call(third.socket, "chat.send", { ...message, message: "twice" }))).toContain(
      "INVALID_REQUEST",
    );
    await third.socket[Symbol.asyncDispose]();
    expect(await said(again.url)).toBe(1);
  });

  attack("T63", async () => {
    const owner = await attempt(house.url, withToken({ scopes: ["operator.admin"] }));
    const node = await attempt(
      house.url,
      withToken({
        role: "node",
        scopes: [],
        client: { id: "node-host", version: "1", platform: "linux", mode: "node" },
      }),
      { device: makeDevice() },
    );
    const nobody = await attempt(house.url, withToken({ scopes: [] }), { device: makeDevice() });
    const reader = await attempt(house.url, withToken({ scopes: ["operator.read"] }), { device: makeDevice() });
    for (const { answer } of [owner, node, nobody, reader]) expect(verdictOf(answer)).toBe("ok");
    // A stranger asks to be paired, and somebody talks with the agent.
    await tryConnect(house.url, withToken(), { device: makeDevice(), headers: FROM_AFAR });
    const talk = { sessionKey: "agent:main:scoped", message: "a secret word", idempotencyKey: "scoped-1" };
    expect(verdictOf(await call(owner.socket, "chat.send", talk))).toBe("ok");
    await reader.socket.frame(({ event, payload }) => event === "chat" && JSON.stringify(payload).includes("final"));
    await owner.socket.frame(({ event }) => event === "device.pair.requested");
    const heard = (of: typeof owner) =>
      new Set(of.socket.frames.flatMap(({ event }) => (event === undefined ? [] : [event])));
    const restricted = /^(?:device|node|channel)\.pair|^exec\.|^delivery$|^pairing/u;
    expect([...heard(node)].filter((event) => restricted.test(event) || event === "chat" || event === "agent")).toEqual(
      [],
    );
    expect(
      [...heard(nobody)].filter((event) => restricted.test(event) || event === "chat" || event === "agent"),
    ).toEqual([]);
    expect([...heard(reader)].filter((event) => /^(?:device|node)\.pair|^exec\./u.test(event))).toEqual([]);
    expect(JSON.stringify(node.socket.frames) + JSON.stringify(nobody.socket.frames)).not.toContain("a secret word");
    for (const { socket } of [owner, node, nobody, reader]) await socket[Symbol.asyncDispose]();
  });

  attack("T64", async () => {
    const clock = createTestClock();
    await using shifted = await startHouse({ systems: { clock } });
    const device = makeDevice();
    const client = await attempt(shifted.url, withToken({ scopes: WRITER }), { device });
    const YEAR_MS = 365 * 24 * 3_600_000;
    for (const jump of [YEAR_MS, -2 * YEAR_MS, YEAR_MS]) {
      const before = client.socket.frames.length;
      clock.shift(jump);
      expect(verdictOf(await call(client.socket, "health"))).toBe("ok");
      const at = Date.now();
      const newcomer = await attempt(shifted.url, params({ auth: { token: "" } }));
      expect(verdictOf(newcomer.answer)).not.toBe("ok");
      // The same device again, by the gateway's time of now: it is still paired and its connection still stands.
      const again = await attempt(shifted.url, withToken({ scopes: WRITER }), { device });
      expect(verdictOf(again.answer)).toBe("ok");
      await again.socket[Symbol.asyncDispose]();
      await newcomer.socket[Symbol.asyncDispose]();
      await new Promise((resolve) => setImmediate(resolve));
      // Ticks and presence, and no storm.
      expect(client.socket.frames.length - before).toBeLessThan(20 + (Date.now() - at) / 100);
    }
    await client.socket[Symbol.asyncDispose]();
  });
});

/** Closes a gateway and keeps its folder for the next; the caller's next one removes it. */
async function keepState(open: House): Promise<{ stateDir: string }> {
  const { stateDir } = open;
  await open.gateway.close({ reason: "restart", drainMs: 0 });
  return { stateDir };
}
