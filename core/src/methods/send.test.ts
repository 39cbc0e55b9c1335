import type { ParamsOf } from "openclaw-host-schemas";
import { SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { connId } from "../base/brand.ts";
import { isWireError } from "../base/wire-error.ts";
import { createTestPort, openTestChannels, type TestChannels, type TestPort } from "../channels/test-port.ts";
import { channelMethods } from "./channels.ts";
import { sendMethods } from "./send.ts";

const context = (identity = "device-1"): RequestContext => ({
  caller: {
    connId: connId("c1"),
    role: "operator",
    scopes: ["operator.write"],
    identity,
    client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
    caps: [],
    protocol: 3,
  },
  accepted: () => {},
  signal: new AbortController().signal,
});

const PARAMS = { to: "42", idempotencyKey: "k1", message: "hello" } as const;

describe("send", () => {
  let channels: TestChannels;
  let port: TestPort;
  let imported: string[] = [];

  beforeEach(async () => {
    channels = await openTestChannels({ test: {} });
    port = createTestPort();
    imported = [];
  });
  afterEach(() => channels.dispose());

  const send = (over: Partial<ParamsOf<"send">> = {}, identity?: string) =>
    Promise.resolve(
      sendMethods({
        channels,
        importMedia: async (url) => {
          imported.push(url);
          return { ref: url, kind: "image", mime: "image/png", bytes: 1 };
        },
      }).send({ ...PARAMS, ...over }, context(identity)),
    );
  const connect = async () => {
    channels.register(port);
    await channels.until(() => port.links.length > 0);
  };
  const errorOf = async (answer: Promise<unknown>) => {
    const error: unknown = await answer.catch((reason: unknown) => reason);
    if (!isWireError(error)) throw new Error(`not refused: ${String(error)}`);
    return { code: error.code, message: error.message, ...error.options };
  };

  it("answers with the platform's receipt", async () => {
    await connect();
    expect(await send()).toEqual({ runId: "k1", messageId: "sent-1", channel: "test", chatId: "42" });
    expect(port.sent[0]).toMatchObject({
      account: "default",
      outbound: { to: { kind: "dm", id: "42" }, body: { text: "hello" } },
    });
  });

  it.each<[string, Partial<ParamsOf<"send">>, string]>([
    ["nothing to send", { message: " " }, "invalid send params: text or media is required"],
    ["an unknown channel", { channel: "bogus" }, "unsupported channel: bogus"],
    ["an unknown account", { accountId: "nope" }, "unknown account nope of channel test; it has: default"],
    ["an empty target", { to: "  " }, "target is empty or not readable: pass an id or name of channel test"],
  ])("refuses %s", async (_name, over, message) => {
    await connect();
    expect(await errorOf(send(over))).toMatchObject({ code: "INVALID_REQUEST", message });
  });

  it("sends nothing to the client's own chat", async () => {
    expect((await errorOf(send({ channel: "webchat" }))).message).toContain(
      "unsupported channel: webchat (internal-only). Use `chat.send`",
    );
  });

  it("wants to know the channel unless there is exactly one", async () => {
    await channels.dispose();
    channels = await openTestChannels({});
    expect((await errorOf(send())).message).toBe("Error: Channel is required (no configured channels detected).");
    await channels.dispose();
    channels = await openTestChannels({ test: {}, other: {} });
    expect((await errorOf(send())).message).toBe(
      "Error: Channel is required when multiple channels are configured: test, other",
    );
  });

  it("says which extension is missing", async () => {
    expect(await errorOf(send())).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("openclaw extension list"),
    });
  });

  it("reads targets by kind when the channel has no way of its own", async () => {
    await connect();
    await send({ to: "group:-100", threadId: "5" });
    expect(port.sent[0]?.outbound.to).toEqual({ kind: "group", id: "-100", threadId: "5" });
  });

  it("lets the channel read targets when it can", async () => {
    await channels.dispose();
    channels = await openTestChannels({ test: {} });
    const parseTarget = async (raw: string) => (raw === "@ada" ? ({ kind: "dm", id: "7" } as const) : undefined);
    channels.register({ ...port, parseTarget });
    expect(await send({ to: "@ada" })).toMatchObject({ chatId: "7" });
    expect((await errorOf(send({ to: "@bob", idempotencyKey: "k2" }))).message).toBe(
      'channel test does not understand the target "@bob"',
    );
  });

  it("does not send over a channel that is loaded but not configured", async () => {
    channels.register(createTestPort("other"));
    expect((await errorOf(send({ channel: "other" }))).message).toContain("channel other is not configured");
  });

  it("sends media with its text as caption", async () => {
    await connect();
    await send({ mediaUrl: "https://example.com/a.png", mediaUrls: ["https://example.com/a.png"] });
    expect(imported).toEqual(["https://example.com/a.png"]);
    expect(port.sent.map(({ part }) => part)).toMatchObject([
      { text: "hello", media: [{ ref: "https://example.com/a.png" }] },
    ]);
  });

  it("tells that the platform rejected the message", async () => {
    port.behaviour.send = async () =>
      Promise.reject(new SendError("blocked by user", { fate: "rejected", scope: "peer" }));
    await connect();
    expect(await errorOf(send())).toMatchObject({
      code: "UNAVAILABLE",
      message: "the message was not sent: blocked by user",
      retryable: false,
      details: { state: "dead", deliveryId: expect.any(String) },
    });
  });

  it("tells how to send again what may or may not have arrived", async () => {
    port.behaviour.send = async () => Promise.reject(new SendError("reset", { fate: "unknown", scope: "message" }));
    await connect();
    const refused = await errorOf(send());
    const { deliveryId } = refused.details as { deliveryId: string };
    expect(refused).toMatchObject({ retryable: false, details: { state: "unknown" } });
    expect(refused.message).toContain(`openclaw delivery retry ${deliveryId}`);
  });

  it("answers after 15 s what is known, and a repeat waits for the same delivery", async () => {
    const late = Promise.withResolvers<void>();
    const receipt = port.behaviour.send;
    port.behaviour.send = async (part, call) => late.promise.then(() => receipt(part, call));
    await connect();
    const first = errorOf(send());
    await channels.until(() => port.sent.length === 1);
    await channels.clock.advance(15_000);
    expect(await first).toMatchObject({ code: "UNAVAILABLE", retryable: true, details: { state: "sending" } });
    const again = send();
    late.resolve();
    expect(await again).toMatchObject({ messageId: "sent-1" });
    expect(port.sent).toHaveLength(1);
    await send({}, "device-2");
    expect(port.sent).toHaveLength(2);
  });
});

describe("channels.status", () => {
  let channels: TestChannels;
  afterEach(() => channels.dispose());

  const status = (params: ParamsOf<"channels.status"> = {}) =>
    Promise.resolve(
      channelMethods({ channels, clock: channels.clock, echo: { silenced: () => ["42"] } })["channels.status"](
        params,
        context(),
      ),
    );

  it("is empty without channels", async () => {
    channels = await openTestChannels({});
    expect(await status()).toEqual({
      ts: channels.clock.now(),
      channelOrder: [],
      channelLabels: {},
      channelDetailLabels: {},
      channelSystemImages: {},
      channelMeta: [],
      channels: {},
      channelAccounts: {},
      channelDefaultAccountId: {},
    });
  });

  it("shows every account as it is, with counts and what to do", async () => {
    channels = await openTestChannels({
      test: { allowFrom: ["42"], accounts: { a: {}, b: { enabled: false } } },
      ghost: {},
    });
    const port = createTestPort();
    channels.register(port);
    await channels.until(() => port.links.length > 0 && channels.accounts.reachable().length > 0);
    const target = { channel: "test", account: "a", peer: { kind: "dm", id: "42" } } as const;
    await channels.outbox.enqueue(await channels.plan(target, { text: "hi" }, { deliveryId: "d" as never }));
    await channels.outbox.settled("d", 1_000);
    const answer = await status();
    expect(answer).toMatchObject({
      channelOrder: ["test", "ghost"],
      channelLabels: { test: "Test", ghost: "ghost" },
      channelMeta: [{ id: "test", label: "Test", detailLabel: "Test" }, { id: "ghost" }],
      channels: { test: { configured: true, connected: true }, ghost: { configured: true, running: false } },
      channelDefaultAccountId: { test: "a", ghost: "default" },
    });
    expect(answer.channelAccounts["test"]).toMatchObject([
      {
        accountId: "a",
        state: "ready",
        connected: true,
        lastOutboundAt: channels.clock.now(),
        lastInboundAt: null,
        dmPolicy: "pairing",
        echoLoops: ["42"],
        allowFrom: ["42"],
        counts: { outbox: { sent: 1 } },
      },
      { accountId: "b", enabled: false, state: "disabled" },
    ]);
    expect(answer.channelAccounts["ghost"]).toMatchObject([
      { state: "unavailable", fix: "see: openclaw extension list" },
    ]);
  });

  it("probes when asked to, and does not wait for a platform that hangs", async () => {
    channels = await openTestChannels({ test: {} });
    const port = createTestPort();
    channels.register(port);
    await channels.until(() => channels.accounts.reachable().length > 0);
    expect((await status({ probe: true })).channelAccounts["test"]).toMatchObject([
      { probe: { ok: true, self: { id: "self-default" } } },
    ]);
    port.behaviour.probe = () => new Promise(() => {});
    const slow = status({ probe: true, timeoutMs: 0 });
    await channels.clock.advance(1_000);
    expect((await slow).channelAccounts["test"]).toMatchObject([
      { connected: true, probe: { ok: false, error: "probe of test/default did not answer within 1000 ms" } },
    ]);
  });
});
