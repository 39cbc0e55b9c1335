import type { ResultOf } from "openclaw-host-schemas";
import { beforeEach, describe, expect, it } from "vitest";
import type { Caller, RequestContext } from "../auth/caller.ts";
import { connId } from "../base/brand.ts";
import type { EventSink, PublishOptions } from "../base/event-sink.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemMethods } from "../methods/system.ts";
import { silentLog } from "../store/test-store.ts";
import { createHealth, type HealthFacts } from "./health.ts";
import { formatNodeLine, parseNodeLine } from "./node-line.ts";
import { createPresence, type Presence } from "./presence.ts";
import { createStateVersions, type StateVersions } from "./state-versions.ts";
import { createSystemEvents } from "./system-events.ts";
import { startTick } from "./tick.ts";

interface Published {
  readonly event: string;
  readonly payload: unknown;
  readonly options: PublishOptions | undefined;
}

let clock: FakeClock;
let versions: StateVersions;
let published: Published[];
const sink: EventSink = { publish: (event, payload, options) => void published.push({ event, payload, options }) };
const self = { host: "vm", mode: "gateway", reason: "self", text: "Gateway: vm" };
let presence: Presence;

beforeEach(() => {
  clock = createFakeClock();
  versions = createStateVersions();
  published = [];
  presence = createPresence({ clock, sink, versions, self });
});

const caller = (over: Partial<Caller> & { mode?: string } = {}): Caller => ({
  connId: connId("c1"),
  role: "operator",
  scopes: ["operator.read", "operator.write"],
  identity: "D1",
  client: {
    id: "gateway-client",
    mode: over.mode ?? "backend",
    version: "1.0.0",
    platform: " Linux ",
    displayName: "probe",
  },
  caps: [],
  protocol: 3,
  ...over,
});
const others = () => presence.list().slice(1);

describe("presence", () => {
  it("shows the gateway first and a client as it connected", () => {
    presence.connected(caller());
    expect(presence.list()).toEqual([
      { ...self, ts: clock.now() },
      {
        host: "probe",
        version: "1.0.0",
        platform: " Linux ",
        mode: "backend",
        deviceId: "D1",
        roles: ["operator"],
        scopes: ["operator.read", "operator.write"],
        instanceId: "D1",
        reason: "connect",
        ts: clock.now(),
        text: "Node: probe · mode backend",
      },
    ]);
    expect(versions.current.presence).toBe(2);
    expect(published).toEqual([]);
  });

  it("does not show the command line client", () => {
    presence.connected(caller({ mode: "cli" }));
    presence.disconnected(caller({ mode: "cli" }));
    expect(others()).toEqual([]);
  });

  it("tells people on this host apart although they share an identity", () => {
    presence.connected(caller({ identity: "local-owner", connId: connId("a") }));
    presence.connected(caller({ identity: "local-owner", connId: connId("b") }));
    expect(others()).toHaveLength(2);
    expect(others()[0]).not.toHaveProperty("deviceId");
  });

  it("announces who left, together with the others, when the last connection of a device is gone", async () => {
    presence.connected(caller());
    presence.connected(caller());
    presence.connected(caller({ identity: "D2" }));
    presence.disconnected(caller());
    await clock.advance(1_000);
    expect(published).toEqual([]);
    presence.disconnected(caller());
    presence.disconnected(caller({ identity: "D2" }));
    await clock.advance(1_000);
    expect(published).toHaveLength(1);
    expect(published[0]).toMatchObject({ event: "presence", options: { stateVersion: versions.current } });
    const left = others().map(({ deviceId, reason }) => `${deviceId} ${reason}`);
    expect(new Set(left)).toEqual(new Set(["D1 disconnect", "D2 disconnect"]));
  });

  it("forgets who left five minutes ago and nobody who is there", async () => {
    presence.connected(caller());
    presence.connected(caller({ identity: "D2" }));
    presence.disconnected(caller());
    await clock.advance(5 * 60_000 + 1);
    expect(others().map(({ deviceId }) => deviceId)).toEqual(["D2"]);
  });

  it("shows 200 entries, the newest", async () => {
    for (let n = 0; n < 250; n += 1) {
      presence.connected(caller({ identity: `D${n}` }));
      await clock.advance(1);
    }
    expect(presence.list()).toHaveLength(200);
    expect(others()[0]?.deviceId).toBe("D249");
  });

  it("is the same frozen list until something changes", () => {
    const list = presence.list();
    expect(presence.list()).toBe(list);
    expect(Object.isFrozen(list)).toBe(true);
    presence.connected(caller());
    expect(presence.list()).not.toBe(list);
  });

  it("takes what a host reports, keeps its own keys only and cuts what is too long", () => {
    const text = "Node: h1 (1.2.3.4) · app 1.0 · last input 5s ago · mode local · reason launch";
    expect(presence.report({ text })).toBe(true);
    expect(others()).toEqual([
      {
        host: "h1",
        ip: "1.2.3.4",
        version: "1.0",
        lastInputSeconds: 5,
        mode: "local",
        reason: "launch",
        text,
        ts: clock.now(),
      },
    ]);
    expect(published[0]?.payload).toEqual({ presence: presence.list() });
    expect(presence.report({ text: text.replace("5s", "9s") })).toBe(false);
    expect(presence.report({ text: text.replace("app 1.0", "app 1.1") })).toBe(true);
    const open = { text: "hello", unknown: 1, host: "x".repeat(999), instanceId: "I" };
    expect(presence.report(open)).toBe(true);
    expect(others().find(({ instanceId }) => instanceId === "I")).toEqual({
      text: "hello",
      host: "x".repeat(256),
      instanceId: "I",
      ts: clock.now(),
    });
  });
});

describe("a node line", () => {
  it("is read with any of its parts and written the same way", () => {
    for (const text of [
      "Node: h1",
      "Node: h1 (1.2.3.4) · mode local",
      "Node: h1 (1.2.3.4) · app 1.0 · last input 5s ago · mode local · reason launch",
    ]) {
      expect(formatNodeLine(parseNodeLine(text)!)).toBe(text);
    }
    expect(parseNodeLine("hello")).toBeUndefined();
    expect(parseNodeLine("Node: h1 · nonsense · mode x")).toEqual({ host: "h1", mode: "x" });
  });
});

const facts = (): HealthFacts => ({
  channels: {},
  channelOrder: [],
  channelLabels: {},
  heartbeatSeconds: 0,
  defaultAgentId: "main",
  agents: [],
  sessions: { path: "db", count: 0, recent: [] },
});

describe("health", () => {
  it("is served as it is for a second, and shows what has changed after that", async () => {
    let collected = 0;
    const counted = () => {
      collected += 1;
      return { ...facts(), sessions: { path: "db", count: collected, recent: [] } };
    };
    const health = createHealth({ clock, sink, versions, log: silentLog, facts: counted });
    expect(health.current).toEqual({});
    const first = await health.get({ probe: false });
    expect(first).toMatchObject({ ok: true, ts: clock.now(), durationMs: 0, defaultAgentId: "main" });
    for (let time = 0; time < 1000; time += 1) expect(health.get({ probe: false })).toBe(first);
    expect(collected).toBe(1);
    await clock.advance(1_000);
    expect(await health.get({ probe: false })).toMatchObject({ sessions: { count: 2 } });
    expect(collected).toBe(2);
    await clock.advance(60_001);
    expect(await health.get({ probe: false })).toMatchObject({ ts: clock.now() });
    expect(published.map(({ event, options }) => [event, options?.stateVersion?.health])).toEqual([
      ["health", 2],
      ["health", 3],
      ["health", 4],
    ]);
  });

  it("asks the platforms when told to, and takes as long as they do", async () => {
    const asked: boolean[] = [];
    const slow = async ({ probe }: { readonly probe: boolean }) => {
      asked.push(probe);
      await clock.sleep(250);
      return facts();
    };
    const health = createHealth({ clock, sink, versions, log: silentLog, facts: slow });
    const answer = health.get({ probe: true });
    await clock.advance(250);
    expect(await answer).toMatchObject({ durationMs: 250 });
    expect(asked).toEqual([true]);
  });

  it("greets one newcomer, and renews itself every minute until it is stopped", async () => {
    const health = createHealth({ clock, sink, versions, log: silentLog, facts });
    const stop = health.start();
    await clock.advance(0);
    health.greet("c1");
    expect(published.at(-1)).toMatchObject({ event: "health", options: { onlyTo: new Set(["c1"]) } });
    const before = published.length;
    await clock.advance(120_000);
    expect(published).toHaveLength(before + 2);
    stop();
    await clock.advance(120_000);
    expect(published).toHaveLength(before + 2);
  });

  it("tells everybody within a second what has changed, and nobody after its stop", async () => {
    const health = createHealth({ clock, sink, versions, log: silentLog, facts });
    const stop = health.start();
    await clock.advance(0);
    const before = published.length;
    for (let change = 0; change < 100; change += 1) health.renew();
    await clock.advance(1_000);
    expect(published).toHaveLength(before + 1);
    health.renew();
    stop();
    health.renew();
    await clock.advance(10_000);
    expect(published).toHaveLength(before + 1);
    expect(clock.pending).toBe(0);
  });

  it("serves the last snapshot for a minute when no new one can be had", async () => {
    let broken = false;
    const brittle = () => (broken ? Promise.reject(new Error("gone")) : facts());
    const health = createHealth({ clock, sink, versions, log: silentLog, facts: brittle });
    const first = await health.get({ probe: false });
    broken = true;
    await clock.advance(60_000);
    expect(await health.get({ probe: false })).toBe(first);
    await clock.advance(1);
    await expect(health.get({ probe: false })).rejects.toThrow("gone");
  });

  it("survives facts that cannot be had", async () => {
    const errors: string[] = [];
    const log = { ...silentLog, error: (message: string) => void errors.push(message) };
    const health = createHealth({ clock, sink, versions, log, facts: () => Promise.reject(new Error("gone")) });
    health.start();
    await clock.advance(0);
    expect(errors).toEqual(["could not collect the gateway's health"]);
    await expect(health.get({ probe: false })).rejects.toThrow("gone");
  });
});

describe("tick", () => {
  it("is published every interval until it is stopped", async () => {
    const stop = startTick({ clock, sink, intervalMs: 15_000 });
    await clock.advance(30_000);
    stop();
    await clock.advance(30_000);
    expect(published.map(({ event }) => event)).toEqual(["tick", "tick"]);
    expect(published[1]?.payload).toEqual({ ts: clock.now() - 30_000 });
  });
});

describe("the system methods", () => {
  const rows = [
    {
      key: "k",
      kind: "direct",
      updatedAt: 1,
      age: 1,
      remainingTokens: null,
      percentUsed: null,
      model: "m",
      contextTokens: 1,
      flags: [],
    },
  ];
  const status = (): Omit<ResultOf<"status">, "queuedSystemEvents"> => ({
    heartbeat: { defaultAgentId: "main", agents: [] },
    channelSummary: [],
    sessions: {
      paths: ["/x"],
      count: 1,
      defaults: { model: "m", contextTokens: 1 },
      recent: rows,
      byAgent: [{ agentId: "main", path: "/x", count: 1, recent: rows }],
    },
  });
  const context = (scopes: string[]): RequestContext => ({
    caller: caller({ scopes }),
    accepted: () => undefined,
    signal: new AbortController().signal,
  });
  const handlers = () => {
    const systemEvents = createSystemEvents();
    const health = createHealth({ clock, sink, versions, log: silentLog, facts });
    return systemMethods({ health, presence, systemEvents, status });
  };

  it("keep paths and rows from everybody but admins", async () => {
    const methods = handlers();
    const reader = await methods.status({}, context(["operator.read"]));
    expect(reader.sessions).toEqual({
      paths: [],
      count: 1,
      defaults: { model: null, contextTokens: null },
      recent: [],
      byAgent: [{ agentId: "main", path: "[redacted]", count: 1, recent: [] }],
    });
    expect((await methods.status({}, context(["operator.admin"]))).sessions.paths).toEqual(["/x"]);
  });

  it("queue what is news for the agent", async () => {
    const methods = handlers();
    const admin = context(["operator.admin"]);
    for (const text of [" hello ", "hello", "Node: h1", "Node: h1"])
      expect(methods["system-event"]({ text }, admin)).toEqual({ ok: true });
    expect((await methods.status({}, admin)).queuedSystemEvents).toEqual(["hello", "Node: h1"]);
    expect(() => methods["system-event"]({ text: " " }, admin)).toThrow("text required");
    expect(await methods["system-presence"]({}, admin)).toBe(presence.list());
    expect(methods["last-heartbeat"]({}, admin)).toBeNull();
  });

  it("probe only when asked to", async () => {
    const methods = handlers();
    const first = await methods.health({}, context([]));
    expect(await methods.health({ probe: "yes" }, context([]))).toBe(first);
    expect(await methods.health({ probe: true }, context([]))).not.toBe(first);
  });
});
