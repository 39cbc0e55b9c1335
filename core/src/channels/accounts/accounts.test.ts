import { ConnectError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isWireError } from "../../base/wire-error.ts";
import { accountsOf } from "./account-config.ts";
import { accountState } from "../snapshot.ts";
import { createTestPort, openTestChannels, type TestChannels, type TestPort } from "../test-port.ts";

const NAME = { channel: "test", account: "default" };

describe("accounts of the configuration", () => {
  it("are one, called default, without an accounts section", () => {
    expect(accountsOf("x", { token: "t", enabled: true })).toMatchObject([
      { channel: "x", account: "default", enabled: true, config: { token: "t", enabled: true } },
    ]);
    expect(accountsOf("x", undefined)).toEqual([]);
  });

  it("inherit the channel's keys and override them", () => {
    const [a, b] = accountsOf("x", {
      dmPolicy: "open",
      allowFrom: ["1"],
      accounts: { a: { allowFrom: ["2"] }, b: null },
    });
    expect(a).toMatchObject({ account: "a", config: { dmPolicy: "open", allowFrom: ["2"] } });
    expect(a?.policy).toMatchObject({
      dmPolicy: "open",
      allowFrom: ["2"],
      allowFromPath: "channels.x.accounts.a.allowFrom",
    });
    expect(b?.policy).toMatchObject({ allowFrom: ["1"], allowFromPath: "channels.x.allowFrom" });
    expect(a?.config).not.toHaveProperty("accounts");
  });

  it("are off when the channel or they themselves are off", () => {
    const enabled = (section: unknown) => accountsOf("x", section).map((account) => account.enabled);
    expect(enabled({ enabled: false, accounts: { a: { enabled: true } } })).toEqual([false]);
    expect(enabled({ accounts: { a: { enabled: false }, b: {} } })).toEqual([false, true]);
  });
});

describe("supervised accounts", () => {
  let channels: TestChannels;
  let port: TestPort;

  beforeEach(async () => {
    channels = await openTestChannels({ test: {} });
    port = createTestPort();
  });
  afterEach(() => channels.dispose());

  const factsOf = (account = "default") => channels.accounts.require({ ...NAME, account }).facts;
  const phase = (account?: string) => factsOf(account)?.state.phase;
  const health = () => factsOf()?.health;

  it("connect: probe, then connect, then ready", async () => {
    const undo = channels.register(port);
    expect(phase()).toBe("probing");
    await channels.until(() => phase() === "connected");
    expect(factsOf()).toMatchObject({
      identity: { lease: "self-default", self: { id: "self-default" } },
      health: { state: "ready", lastRoundTripAt: channels.clock.now() },
      reconnectAttempts: 0,
    });
    expect(channels.accounts.reachable()).toEqual([NAME]);
    undo();
    await channels.until(() => factsOf() === undefined);
    expect(port.links[0]?.drained).toBe(true);
    expect(channels.registry.get("test")).toBeUndefined();
  });

  it("tell why a probe failed and try again with growing waits", async () => {
    let probes = 0;
    port.behaviour.probe = async () => {
      probes += 1;
      return { ok: false, detail: "token refused", fix: "set botToken" };
    };
    channels.register(port);
    await channels.until(() => phase() === "waiting");
    expect(health()).toMatchObject({ state: "degraded", detail: "token refused", fix: "set botToken" });
    const since = health()?.since;
    await channels.advanceUntil(() => probes >= 4, 500);
    port.behaviour.probe = () => new Promise(() => {});
    await channels.advanceUntil(() => phase() === "probing", 500);
    expect(health()).toMatchObject({ state: "degraded", detail: "token refused", fix: "set botToken" });
    expect(factsOf()?.reconnectAttempts).toBeGreaterThanOrEqual(3);
    expect(health()?.since).toBe(since);
    expect(factsOf()?.lastError).toBe("token refused");
  });

  it("reconnect at once when told so, but only once in a row", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    port.links[0]!.close({ retry: "now", code: "refresh", detail: "refresh" });
    await channels.advanceUntil(() => port.links.length === 2, 1);
    expect(factsOf()?.lastConnectedAt).toBeLessThan(1_700_000_000_400);
    port.links[1]!.close({ retry: "now", code: "refresh", detail: "refresh" });
    await channels.until(() => phase() === "waiting");
    const { state } = factsOf()!;
    expect(state.phase === "waiting" && state.until - state.since).toBeGreaterThanOrEqual(1_000);
  });

  it("wait as long as the platform asks for", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    port.links[0]!.close({ retry: "backoff", code: "flood", detail: "flood", retryAfterMs: 90_000 });
    await channels.until(() => phase() === "waiting");
    await channels.clock.advance(89_000);
    expect(port.links).toHaveLength(1);
    await channels.advanceUntil(() => port.links.length === 2, 500);
  });

  it("end for good when the platform says never, and say what to do", async () => {
    port.behaviour.connect = async () => {
      throw new ConnectError({
        retry: "never",
        code: "401",
        detail: "token revoked",
        fix: "new token",
        loggedOut: true,
      });
    };
    channels.register(port);
    await channels.until(() => phase() === "failed");
    expect(health()).toMatchObject({ state: "logged-out", detail: "token revoked", fix: "new token" });
    await channels.clock.advance(3_600_000);
    expect(phase()).toBe("failed");
  });

  it("take a broken reason for an ordinary failure", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    port.links[0]!.close({ retry: "sometimes" } as never);
    await channels.until(() => phase() === "waiting");
    expect(health()).toMatchObject({ detail: "the channel closed without a readable reason" });
  });

  it("refuse two accounts of one identity by name", async () => {
    await channels.dispose();
    channels = await openTestChannels({ test: { accounts: { a: {}, b: {} } } });
    port.behaviour.probe = async () => ({ ok: true, self: { id: "same", handle: "bot" } });
    channels.register(port);
    await channels.until(() => phase("a") === "connected" && phase("b") === "failed");
    expect(factsOf("b")?.health.detail).toBe("accounts a and b are the same Test identity (bot); only a is connected");
    expect(port.links).toHaveLength(1);
  });

  it("wait for the earlier connection of the same account when an extension is loaded again", async () => {
    const undo = channels.register(port);
    await channels.until(() => phase() === "connected");
    const release = Promise.withResolvers<void>();
    port.behaviour.drain = () => release.promise;
    undo();
    const reloaded = createTestPort();
    channels.register(reloaded);
    await channels.until(() => phase() === "probing");
    expect(reloaded.links).toHaveLength(0);
    release.resolve();
    await channels.until(() => reloaded.links.length === 1);
    expect(port.links[0]?.drained).toBe(true);
  });

  it.each<[string, (hang: TestPort) => void]>([
    ["probe", (hang) => (hang.behaviour.probe = () => new Promise(() => {}))],
    ["connect", (hang) => (hang.behaviour.connect = () => new Promise(() => {}))],
  ])("give up a %s that hangs, and stop at once all the same", async (_name, hang) => {
    hang(port);
    const undo = channels.register(port);
    await channels.advanceUntil(() => phase() === "waiting", 5_000);
    expect(health()?.detail).toContain("did not answer within");
    await channels.advanceUntil(() => phase() !== "waiting", 500);
    undo();
    await channels.until(() => factsOf() === undefined);
  });

  it("end a connection that came after its deadline", async () => {
    const late = Promise.withResolvers<void>();
    port.behaviour.connect = () => late.promise;
    channels.register(port);
    await channels.advanceUntil(() => phase() === "waiting", 5_000);
    port.behaviour.connect = async () => {};
    late.resolve();
    await channels.until(() => port.links[0]?.drained === true);
  });

  it("stop within the deadline when a connection does not drain", async () => {
    port.behaviour.drain = () => new Promise(() => {});
    channels.register(port);
    await channels.until(() => phase() === "connected");
    let closed = false;
    void channels.accounts.close().then(() => (closed = true));
    await channels.clock.advance(2_000);
    expect(closed).toBe(false);
    await channels.advanceUntil(() => closed, 500);
    expect(channels.clock.now()).toBeLessThan(1_700_000_005_000);
  });

  it("close the doors of a connection that ended", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    const { doors } = port.links[0]!;
    port.links[0]!.close({ retry: "backoff", code: "x", detail: "x" });
    await channels.until(() => phase() === "waiting");
    await expect(doors.receive([], { cursor: "1" })).rejects.toThrow("this connection has ended");
    doors.health({ state: "ready" });
    expect(health()?.state).toBe("degraded");
  });

  it("believe the health a connected channel reports, and when it began", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    const { doors } = port.links[0]!;
    await channels.clock.advance(1_000);
    doors.health({ state: "degraded", detail: "polling fails" });
    const since = channels.clock.now();
    await channels.clock.advance(1_000);
    doors.health({ state: "degraded", detail: "polling still fails" });
    expect(health()).toMatchObject({ state: "degraded", detail: "polling still fails", since });
    doors.health({ state: "ready", lastRoundTripAt: channels.clock.now() });
    expect(health()).toMatchObject({ state: "ready", lastRoundTripAt: channels.clock.now() });
    expect(factsOf()?.lastError).toBeUndefined();
    doors.health({ state: "degraded", detail: "polling fails again" });
    expect(factsOf()?.lastError).toBe("polling fails again");
  });

  it("believe no round trip that has not happened yet", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    const { doors } = port.links[0]!;
    doors.health({ state: "ready", lastRoundTripAt: channels.clock.now() + 1_000_000 });
    expect(health()?.lastRoundTripAt).toBe(channels.clock.now());
    doors.health({ state: "ready", lastRoundTripAt: 5 });
    expect(health()?.lastRoundTripAt).toBe(channels.clock.now());
  });

  it("store what a connection receives under the identity of the account", async () => {
    channels.register(port);
    await channels.until(() => phase() === "connected");
    const { doors } = port.links[0]!;
    const peer = { kind: "dm", id: "42" } as const;
    const event = {
      type: "message",
      eventId: "1",
      at: 1,
      peer,
      from: { id: "42" },
      messageId: "m",
      body: { text: "hi" },
    } as const;
    expect(await doors.receive([event], { cursor: "7" })).toEqual([{ outcome: "stored" }]);
    expect(await doors.cursor()).toBe("7");
    expect(await channels.inbox.cursor({ channel: "test", lease: "self-default" })).toBe("7");
    expect(factsOf()?.lastInboundAt).toBe(channels.clock.now());
    expect(await channels.inbox.claim()).toMatchObject([{ channel: "test", account: "default", events: [event] }]);
  });

  it("show typing and fetch media over the live connection", async () => {
    port.behaviour.fetchMedia = async (pending) => ({
      ref: `ref-${pending}`,
      kind: "image",
      mime: "image/png",
      bytes: 1,
    });
    const pending = { pending: "p1", kind: "image" } as const;
    const early = await channels.accounts.fetchMedia(NAME, pending).catch((error: unknown) => error);
    expect(isWireError(early) && early.code).toBe("UNAVAILABLE");
    channels.register(port);
    await channels.until(() => phase() === "connected");
    expect(await channels.accounts.fetchMedia(NAME, pending)).toMatchObject({ ref: "ref-p1" });
    await channels.accounts.typing({ ...NAME, peer: { kind: "dm", id: "42" } }, true);
    expect(port.typed).toEqual([true]);
    expect(() => channels.accounts.require({ ...NAME, account: "other" })).toThrow(
      "unknown account other of channel test; it has: default",
    );
  });

  it("give the owner's rules as they are configured, with the named senders as owners", async () => {
    await channels.dispose();
    channels = await openTestChannels({ test: { allowFrom: ["42"] } });
    const routing = { agentId: "main", mainKey: "main", scope: "per-sender", mainFor: [], bindings: [] } as const;
    expect(channels.accounts.rules(NAME, routing)).toMatchObject({
      policy: { allowFrom: ["42"], dmPolicy: "pairing" },
      routing,
    });
    expect(channels.accounts.rules({ ...NAME, account: "gone" }, routing)).toBeUndefined();
  });

  it("say so when they are configured but off, or nobody provides their channel", async () => {
    await channels.dispose();
    channels = await openTestChannels({ test: { enabled: false }, ghost: {} });
    channels.register(port);
    const states = channels.accounts.list().map((view) => accountState(view));
    expect(states).toMatchObject([
      { state: "disabled", running: false },
      {
        state: "unavailable",
        detail: "no loaded extension provides channel ghost",
        fix: "see: openclaw extension list",
      },
    ]);
    expect(port.links).toEqual([]);
  });

  it("refuse a second extension with the same channel", () => {
    channels.register(port);
    expect(() => channels.register(createTestPort())).toThrow("already provided by extension extension-test");
  });
});
