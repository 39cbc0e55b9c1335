import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Inbound, PendingMedia } from "openclaw-host-sdk";
import { isConnectError, isExtensionDef } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestHost, call, createTestHost } from "../test/host.ts";
import { telegram as channel } from "./channel.ts";
import { type FakeTelegram, ann, startFakeTelegram } from "./fake/index.ts";
import extension from "./index.ts";

let telegram: FakeTelegram;
let host: TestHost;

beforeEach(async () => {
  telegram = await startFakeTelegram();
  host = createTestHost({ botToken: telegram.token, apiRoot: `${telegram.url}/`, pollTimeoutSeconds: 1 });
});

afterEach(async () => {
  await host.stop();
  await telegram.close();
});

const firstMedia = (event: Inbound | undefined): PendingMedia => {
  const media = event?.type === "message" ? event.body.media?.[0] : undefined;
  if (media === undefined || !("pending" in media)) throw new Error("no pending media");
  return media;
};

describe("the extension", () => {
  it("is frozen data with one channel", () => {
    expect(isExtensionDef(extension)).toBe(true);
    expect(extension.channels.map(({ id }) => id)).toEqual(["telegram"]);
  });
});

describe("probe", () => {
  it("names the bot, and its id as the lease", async () => {
    const result = await channel.probe(host.ctx, call());
    expect(result).toEqual({
      ok: true,
      self: { id: "4242", name: "Fake Bot", handle: "fake_bot", bot: true },
      lease: "4242",
    });
  });

  it("says what to do without a token", async () => {
    const result = await channel.probe(createTestHost({}).ctx, call());
    expect(result).toMatchObject({ ok: false, fix: expect.stringContaining("botToken") });
  });

  it("says what to do about a wrong token", async () => {
    telegram.fail("unauthorized");
    const result = await channel.probe(host.ctx, call());
    expect(result).toMatchObject({
      ok: false,
      detail: expect.stringContaining("401"),
      fix: expect.stringContaining("@BotFather"),
    });
  });

  it("tells a server that is no Bot API from one that refuses", async () => {
    const web = createServer((_request, response) => void response.end("<h1>hello</h1>"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as AddressInfo;
    const { ctx } = createTestHost({ botToken: "1:x", apiRoot: `http://127.0.0.1:${port}` });
    expect(await channel.probe(ctx, call())).toMatchObject({
      ok: false,
      detail: expect.stringContaining("not as a Bot API"),
    });
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
  });

  it("ends with its call when the server never answers", async () => {
    telegram.fail("hang");
    const deadline = new AbortController();
    const probing = channel.probe(host.ctx, call(deadline.signal));
    await expect.poll(() => telegram.calls("getMe").length, { interval: 5 }).toBe(1);
    deadline.abort();
    expect(await probing).toMatchObject({ ok: false });
  });
});

describe("a connection", () => {
  it("refuses to connect without a token", async () => {
    const error: unknown = await channel.connect(createTestHost({}).ctx, call()).catch((thrown: unknown) => thrown);
    expect(isConnectError(error) && error.data.closed).toMatchObject({ retry: "never", code: "no-token" });
  });

  it("takes a message in and sends an answer out", async () => {
    const connection = await channel.connect(host.ctx, call());
    const { messageId } = telegram.say("hello");
    await expect.poll(() => host.received.length, { interval: 5 }).toBe(1);
    const [event] = host.received;
    if (event?.type !== "message") throw new Error("no message");
    const outbound = {
      type: "message",
      to: event.peer,
      replyTo: event.messageId,
      body: { text: "echo: hello" },
    } as const;
    const part = { index: 0, of: 1, text: "echo: hello" };
    await connection.send(outbound, { key: "k", part, attempt: 1, call: call() });
    const sent = await telegram.waitFor(({ method }) => method === "sendMessage");
    expect(sent.args).toMatchObject({
      chat_id: ann.id,
      text: "echo: hello",
      reply_parameters: { message_id: messageId },
    });
  });

  it("drains: takes nothing more in, settles closed and leaves no timer", async () => {
    const connection = await channel.connect(host.ctx, call());
    await expect.poll(() => host.health.map(({ state }) => state), { interval: 5 }).toEqual(["starting", "ready"]);
    await connection.typing?.({ kind: "dm", id: "7" }, true, call());
    await connection.drain(call());
    expect(await connection.closed).toMatchObject({ code: "drained" });
    expect(host.clock.sleeping()).toEqual([]);
    telegram.say("too late");
    expect(host.received).toEqual([]);
    expect(telegram.pending().length).toBe(1);
  });

  it("fetches announced media into the host's store, keeping what it is", async () => {
    const connection = await channel.connect(host.ctx, call());
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
    const fileId = telegram.files.add(bytes, { name: "my report.pdf" });
    telegram.say("", {
      message: {
        document: { file_id: fileId, file_unique_id: "u", mime_type: "application/pdf", file_name: "my report.pdf" },
      },
    });
    await expect.poll(() => host.received.length, { interval: 5 }).toBe(1);
    const media = await connection.fetchMedia?.(firstMedia(host.received[0]).pending, call());
    expect(media).toMatchObject({ kind: "file", mime: "application/pdf", name: "my report.pdf", bytes: 300_000 });
    expect(host.blobs.get(media?.ref ?? "")).toEqual(bytes);
  });

  it.each([
    ["reject", { method: "getFile", description: "Bad Request: file is too big" }, "file is too big"],
    ["disconnect", { method: "file" }, "cannot be downloaded"],
    ["server-error", { method: "file" }, "502"],
  ] as const)("says why a file cannot be fetched after %s", async (fault, options, reason) => {
    const connection = await channel.connect(host.ctx, call());
    const fileId = telegram.files.add(new Uint8Array(3));
    telegram.fail(fault, options);
    const fetching = connection.fetchMedia?.(JSON.stringify({ fileId, kind: "file" }), call());
    await expect(fetching).rejects.toThrow(reason);
  });

  it("shows typing until told otherwise, and lets failures of it pass", async () => {
    const connection = await channel.connect(host.ctx, call());
    const to = { kind: "dm", id: "7" } as const;
    telegram.fail("server-error", { method: "sendChatAction" });
    await connection.typing?.(to, true, call());
    await connection.typing?.(to, true, call());
    await expect.poll(() => host.clock.sleeping(), { interval: 5 }).toContain(4_500);
    host.clock.advance(4_500);
    await expect.poll(() => telegram.sent("sendChatAction").length, { interval: 5 }).toBe(1);
    expect(telegram.calls("sendChatAction").length).toBe(2);
    await connection.typing?.(to, false, call());
    host.clock.advance(60_000);
    expect(telegram.calls("sendChatAction").length).toBe(2);
  });
});

describe("targets", () => {
  const parse = (raw: string) => channel.targets?.parse(raw, call());

  it.each([
    ["123", { kind: "dm", id: "123" }],
    [" telegram:123 ", { kind: "dm", id: "123" }],
    ["tg:-1001234567890", { kind: "group", id: "-1001234567890" }],
    ["-1001234567890/42", { kind: "group", id: "-1001234567890", threadId: "42" }],
    ["@some_name", { kind: "channel", id: "@some_name" }],
    ["telegram:@some_name/7", { kind: "channel", id: "@some_name", threadId: "7" }],
  ])("reads %s", async (raw, peer) => {
    expect(await parse(raw)).toEqual(peer);
  });

  it.each(["", "ann", "@x", "0", "-", "12a", "slack:C1", "99999999999999999999"])("does not take %j", async (raw) => {
    expect(await parse(raw)).toBeUndefined();
  });
});
