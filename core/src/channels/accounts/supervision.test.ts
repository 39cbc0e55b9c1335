import { ConnectError, type ProbeResult } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountState } from "../snapshot.ts";
import { CAPABILITIES, type TestChannels, type TestPort, createTestPort, openTestChannels } from "../test-port.ts";
import { outages } from "./readiness.ts";

const NAME = { channel: "test", account: "default" };
const MINUTE_MS = 60_000;

let channels: TestChannels;
let port: TestPort;

beforeEach(async () => {
  channels = await openTestChannels({ test: {} });
  port = createTestPort();
});
afterEach(() => channels.dispose());

const view = () => channels.accounts.require(NAME);
const state = () => accountState(view());
const phase = () => view().facts?.state.phase;
const troubles = () => outages(channels.accounts.list(), channels.clock.now());
const connected = () => channels.until(() => phase() === "connected");

/** A channel that promises round trips and does not deliver any. */
function promising(): TestPort {
  return { ...port, capabilities: async () => ({ ...CAPABILITIES, livenessMs: 40_000 }) };
}

describe("an account whose link falls silent", () => {
  it("is degraded with reason and fix within 60 s, and then connected anew", async () => {
    channels.register(promising());
    await connected();
    const deadAt = channels.clock.now();
    // The platform still takes messages and answers probes: the way in is dead all the same.
    for (let second = 0; second < 39; second += 1) {
      await channels.clock.advance(1_000);
      channels.accounts.noteSent(NAME);
      await channels.accounts.probe(NAME, 1_000);
    }
    expect(state().state).toBe("ready");
    port.behaviour.drain = () => new Promise(() => {});
    await channels.advanceUntil(() => state().state === "degraded", 100);
    expect(channels.clock.now() - deadAt).toBeLessThanOrEqual(60_000);
    expect(state()).toMatchObject({
      detail: "nothing has come back from Test for 40 s",
      fix: expect.stringContaining("network"),
    });
    await channels.advanceUntil(() => port.links.length === 2, 500);
    await connected();
    expect(state().state).toBe("ready");
  });

  it("is out of service in the same moment when the platform does not answer anything", async () => {
    channels.register(port);
    await connected();
    const deadAt = channels.clock.now();
    port.behaviour.probe = () => new Promise(() => {});
    await channels.advanceUntil(() => troubles().length === 1, 1_000);
    expect(channels.clock.now() - deadAt).toBeLessThanOrEqual(60_000);
    expect(troubles()[0]).toMatchObject({
      part: "test/default",
      reason: expect.stringMatching(
        /^account test\/default is degraded: probe of test\/default did not answer .*; Check/,
      ),
    });
    await channels.advanceUntil(() => phase() !== "connected", 1_000);
    expect(channels.clock.now() - deadAt).toBeLessThanOrEqual(60_000);
  });

  it("stays ready for hours without a message while its platform answers", async () => {
    channels.register(port);
    await connected();
    await channels.clock.advance(60 * MINUTE_MS);
    expect(state()).toMatchObject({ state: "ready", reconnectAttempts: 0, circuit: "closed" });
    expect(port.links).toHaveLength(1);
    expect(channels.clock.now() - (state().lastRoundTripAt ?? 0)).toBeLessThanOrEqual(20_000);
    expect(view().facts?.lastProbeAt).toBe(state().lastRoundTripAt);
  });
});

describe("the circuit breaker of an account", () => {
  const flapping = () => {
    let connects = 0;
    port.behaviour.connect = async () => {
      connects += 1;
      throw new ConnectError({ retry: "now", code: "440", detail: "replaced by another connection" });
    };
    return () => connects;
  };

  it("bounds the attempts of a platform that closes every connection at once, and says until when it rests", async () => {
    const connects = flapping();
    channels.register(port);
    await channels.advanceUntil(() => state().circuit === "open", 1_000);
    expect(connects()).toBe(8);
    expect(state()).toMatchObject({
      state: "degraded",
      detail: expect.stringMatching(/^replaced by another connection; it failed 8 times in a row, so .* until 2023-/),
      fix: "to try sooner: openclaw channels status --probe",
      nextAttemptAt: expect.any(Number),
    });
    await channels.clock.advance(24 * 60 * MINUTE_MS);
    expect(connects()).toBeLessThan(120);
  });

  it("lets one attempt through after the rest and closes once a connection has lasted a minute", async () => {
    flapping();
    channels.register(port);
    await channels.advanceUntil(() => state().circuit === "open", 1_000);
    port.behaviour.connect = async () => {};
    await channels.advanceUntil(() => phase() === "connected", 10_000);
    expect(state().circuit).toBe("half-open");
    await channels.clock.advance(MINUTE_MS);
    expect(state().circuit).toBe("closed");
  });

  it("waits as long as the platform asks, however short its own rest is", async () => {
    port.behaviour.connect = async () => {
      throw new ConnectError({ retry: "backoff", code: "429", detail: "slow down", retryAfterMs: 120 * MINUTE_MS });
    };
    channels.register(port);
    await channels.until(() => phase() === "waiting");
    expect((state().nextAttemptAt ?? 0) - channels.clock.now()).toBe(120 * MINUTE_MS);
    await channels.clock.advance(MINUTE_MS);
    await channels.accounts.probe(NAME, 1_000);
    expect(phase()).toBe("waiting");
  });

  it("tries at once when its owner finds that the platform answers, but not every second", async () => {
    const connects = flapping();
    channels.register(port);
    await channels.advanceUntil(() => state().circuit === "open", 1_000);
    const before = connects();
    await channels.accounts.probe(NAME, 1_000);
    await channels.clock.advance(1_000);
    expect(connects()).toBe(before);
    await channels.clock.advance(30_000);
    await channels.accounts.probe(NAME, 1_000);
    await channels.until(() => connects() === before + 1);
  });
});

describe("readiness", () => {
  it("is patient with a reconnect and not with an account that is down for good", async () => {
    channels.register(port);
    expect(troubles()).toEqual([]);
    await connected();
    port.behaviour.probe = () => new Promise(() => {});
    port.links[0]!.close({ retry: "backoff", code: "x", detail: "went away" });
    await channels.until(() => phase() === "waiting");
    expect(troubles()).toEqual([]);
    await channels.clock.advance(30_000);
    expect(troubles()).toHaveLength(1);
  });

  it("tells at once of a login that is over, and never of an account that is switched off", async () => {
    port.behaviour.connect = async () => {
      throw new ConnectError({ retry: "never", code: "401", detail: "revoked", fix: "new token", loggedOut: true });
    };
    channels.register(port);
    await channels.until(() => phase() === "failed");
    expect(troubles()).toMatchObject([{ reason: "account test/default is logged-out: revoked; new token" }]);
    await channels.dispose();
    channels = await openTestChannels({ test: { enabled: false } });
    await channels.clock.advance(60 * MINUTE_MS);
    expect(troubles()).toEqual([]);
  });

  it("tells of an account whose channel nobody provides or that never gets connected", async () => {
    await channels.clock.advance(29_000);
    expect(troubles()).toEqual([]);
    await channels.clock.advance(1_000);
    expect(troubles()[0]?.reason).toContain("no loaded extension provides channel test; see: openclaw extension list");
    port.behaviour.connect = () => new Promise(() => {});
    port.behaviour.probe = () => new Promise(() => {});
    channels.register(port);
    expect(troubles()).toEqual([]);
    await channels.clock.advance(30_000);
    expect(troubles()).toHaveLength(1);
  });
});

describe("an extension that misbehaves", () => {
  it.each<[string, unknown, string]>([
    ["no object", "yes", "did not accept the account"],
    ["nobody", { ok: true }, "did not say who the account is"],
    ["an empty id", { ok: true, self: { id: "" } }, "did not say who the account is"],
    ["nothing", null, ""],
  ])(
    "and answers probe with %s is an account that cannot connect, and nothing worse",
    async (_what, answer, detail) => {
      port.behaviour.probe = async () => answer as ProbeResult;
      channels.register(port);
      await channels.until(() => phase() === "waiting");
      expect(state().detail).toContain(detail);
      port.behaviour.probe = async () => ({ ok: true, self: { id: "me" } });
      await channels.advanceUntil(() => phase() === "connected", 500);
    },
  );

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["an object without an end", {}],
    ["text", "connected"],
  ])("and connects with %s is an account that failed, and nothing worse", async (_what, connection) => {
    const broken = { ...port, connect: async () => connection } as unknown as TestPort;
    channels.register(broken);
    await channels.until(() => phase() === "waiting");
    expect(state()).toMatchObject({ state: "degraded", connected: false });
  });

  it("and connects with a link that has ended already is a connection that broke young", async () => {
    const over: TestPort = {
      ...port,
      async connect(spec, doors, call) {
        const connection = await port.connect(spec, doors, call);
        return { ...connection, closed: Promise.resolve({ retry: "now", code: "gone", detail: "gone already" }) };
      },
    };
    channels.register(over);
    await channels.until(() => phase() === "waiting");
    expect(state()).toMatchObject({ detail: "gone already", connected: false });
    await channels.advanceUntil(() => state().circuit === "open", 1_000);
    expect(port.links).toHaveLength(8);
  });

  it("and says twice that it ended is believed the first time", async () => {
    channels.register(port);
    await connected();
    port.links[0]!.close({ retry: "backoff", code: "first", detail: "first" });
    port.links[0]!.close({ retry: "never", code: "second", detail: "second" });
    await channels.until(() => phase() === "waiting");
    expect(state().detail).toBe("first");
  });
});
