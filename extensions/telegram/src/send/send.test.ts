import { type MediaRef, type Outbound, type Part, type SendError, type SendMeta, isSendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestHost, call, createTestHost } from "../../test/host.ts";
import { createApi } from "../api.ts";
import { settingsOf } from "../config.ts";
import { type FakeTelegram, ann, startFakeTelegram } from "../fake/index.ts";
import type { FaultKind, FaultOptions } from "../fake/index.ts";
import { renderOutbound } from "../render/render.ts";
import { type Sender, send } from "./send.ts";

let telegram: FakeTelegram;
let host: TestHost;
let sender: Sender;

const connectTo = (apiRoot: string, botToken = telegram.token) => {
  host = createTestHost({ botToken, apiRoot });
  sender = { api: createApi(settingsOf(host.ctx.config)), ctx: host.ctx };
};

beforeEach(async () => {
  telegram = await startFakeTelegram();
  connectTo(telegram.url);
});

afterEach(() => telegram.close());

const dm = { kind: "dm", id: String(ann.id) } as const;
const text = (value: string, more: object = {}): Outbound => ({
  type: "message",
  to: dm,
  body: { text: value },
  ...more,
});
const meta = (part: Partial<Part> = {}, signal?: AbortSignal): SendMeta => ({
  key: "k",
  attempt: 1,
  part: { index: 0, of: 1, ...part },
  call: call(signal),
});

/** Renders and sends as the host does: part by part, in order. */
async function deliver(outbound: Outbound) {
  const parts = renderOutbound(outbound);
  const receipts = [];
  for (const [index, part] of parts.entries())
    receipts.push(await send(sender, outbound, meta({ ...part, index, of: parts.length })));
  return receipts;
}

async function failure(outbound: Outbound, part?: Partial<Part>): Promise<SendError> {
  const error: unknown = await send(sender, outbound, meta(part ?? renderOutbound(outbound)[0])).catch(
    (thrown: unknown) => thrown,
  );
  if (!isSendError(error)) throw new Error(`not a SendError: ${String(error)}`);
  expect(error.message).not.toContain(telegram.token);
  return error;
}

const args = (method: string) => telegram.sent(method).map((sent) => sent.args);

describe("sending", () => {
  it("sends formatted text and returns the message's id and chat", async () => {
    const outbound = text("**hi** there", { body: { text: "**hi** there", format: "markdown" } });
    const [receipt] = await deliver(outbound);
    const entities = [{ type: "bold", offset: 0, length: 2 }];
    expect(args("sendMessage")).toEqual([{ chat_id: ann.id, text: "hi there", entities }]);
    expect(receipt).toMatchObject({ ids: [expect.stringMatching(/^\d+$/)], peer: dm });
  });

  it("replies with the first part only, and even if that message is gone", async () => {
    await deliver(text("x".repeat(5_000), { replyTo: "77" }));
    expect(args("sendMessage").map((sent) => sent["reply_parameters"])).toEqual([
      { message_id: 77, allow_sending_without_reply: true },
      undefined,
    ]);
  });

  it("writes into a topic, and into General without naming it", async () => {
    const forum = { kind: "group", id: "-1001" } as const;
    await deliver(text("a", { to: { ...forum, threadId: "44" } }));
    await deliver(text("b", { to: { ...forum, threadId: "1" } }));
    expect(args("sendMessage").map((sent) => sent["message_thread_id"])).toEqual([44, undefined]);
  });

  it("sends silently when asked to", async () => {
    await deliver(text("a", { silent: true }));
    expect(args("sendMessage")[0]).toMatchObject({ disable_notification: true });
  });

  it("falls back to plain text when Telegram refuses the formatting", async () => {
    telegram.fail("reject", { description: "Bad Request: can't parse entities: bad offset" });
    await deliver(text("**hi**", { body: { text: "**hi**", format: "markdown" } }));
    expect(args("sendMessage")).toEqual([{ chat_id: ann.id, text: "hi" }]);
    expect(host.logs.join()).toContain("refused the formatting");
  });

  it("edits text, and the caption of a message with media", async () => {
    const [sent] = await deliver(text("old"));
    const id = sent?.ids[0] ?? "";
    await deliver({ type: "edit", to: dm, messageId: id, body: { text: "new" } });
    expect(args("editMessageText")).toEqual([{ chat_id: ann.id, message_id: Number(id), text: "new" }]);
    const photo = host.addMedia(new Uint8Array(3), { kind: "image", mime: "image/png" });
    const [posted] = await deliver({ type: "message", to: dm, body: { text: "old", media: [photo] } });
    await deliver({ type: "edit", to: dm, messageId: posted?.ids[0] ?? "", body: { text: "new" } });
    expect(args("editMessageCaption")[0]).toMatchObject({ caption: "new" });
  });

  it("takes an edit that changes nothing and a delete of what is gone for done", async () => {
    const [sent] = await deliver(text("same"));
    const messageId = sent?.ids[0] ?? "";
    await deliver({ type: "edit", to: dm, messageId, body: { text: "same" } });
    await deliver({ type: "delete", to: dm, messageId });
    await deliver({ type: "delete", to: dm, messageId });
    expect(telegram.sent("deleteMessage").length).toBe(1);
  });

  it("refuses an edit that is longer than one message before changing anything", async () => {
    const outbound: Outbound = { type: "edit", to: dm, messageId: "1", body: { text: "x".repeat(5_000) } };
    const error = await failure(outbound, { ...renderOutbound(outbound)[0], of: 2 });
    expect(error.data).toEqual({ fate: "rejected", scope: "message" });
    expect(telegram.calls()).toEqual([]);
  });

  it("sets and removes a reaction", async () => {
    const { messageId } = telegram.say("hi");
    const reaction = { type: "reaction", to: dm, messageId: String(messageId), emoji: "🔥" } as const;
    await deliver(reaction);
    await deliver({ ...reaction, remove: true });
    expect(args("setMessageReaction").map((sent) => sent["reaction"])).toEqual([[{ type: "emoji", emoji: "🔥" }], []]);
  });

  it("opens a topic and says where it is", async () => {
    const to = { kind: "group", id: "-1001" } as const;
    const [receipt] = await deliver({ type: "thread", to, title: "Plans" });
    expect(receipt?.peer).toEqual({ ...to, threadId: receipt?.ids[0] });
  });

  it("refuses polls, which it does not declare", async () => {
    const error = await failure({ type: "poll", to: dm, question: "?", options: ["a", "b"] });
    expect(error.data.fate).toBe("rejected");
  });
});

const kinds: { kind: MediaRef["kind"]; mime: string; method: string; field: string }[] = [
  { kind: "image", mime: "image/jpeg", method: "sendPhoto", field: "photo" },
  { kind: "image", mime: "image/gif", method: "sendAnimation", field: "animation" },
  { kind: "image", mime: "image/svg+xml", method: "sendDocument", field: "document" },
  { kind: "voice", mime: "audio/ogg", method: "sendVoice", field: "voice" },
  { kind: "audio", mime: "audio/mpeg", method: "sendAudio", field: "audio" },
  { kind: "video", mime: "video/mp4", method: "sendVideo", field: "video" },
  { kind: "file", mime: "application/pdf", method: "sendDocument", field: "document" },
  { kind: "sticker", mime: "image/webp", method: "sendSticker", field: "sticker" },
];

describe("sending media", () => {
  it.each(kinds)("streams $kind of type $mime by $method", async ({ kind, mime, method, field }) => {
    const bytes = crypto.getRandomValues(new Uint8Array(3_000));
    const media = host.addMedia(bytes, { kind, mime, name: 'a "b";\n.bin' });
    await deliver({ type: "message", to: dm, body: { media: [media] } });
    const [sent] = telegram.sent(method);
    const [upload] = [...(sent?.files.values() ?? [])];
    expect(sent?.args[field]).toMatch(/^attach:/);
    expect(upload).toEqual({ name: "a _b___.bin", bytes });
  });

  it("sends an album as one call with its caption under the first item", async () => {
    const media = [1, 2, 3].map((size) => host.addMedia(new Uint8Array(size), { kind: "image", mime: "image/png" }));
    const [receipt] = await deliver({ type: "message", to: dm, body: { text: "three", media } });
    expect(receipt?.ids.length).toBe(3);
    const [album] = telegram.sent("sendMediaGroup");
    const items = album?.args["media"] as { type: string; caption?: string }[];
    expect(items.map(({ type, caption }) => [type, caption])).toEqual([
      ["photo", "three"],
      ["photo", undefined],
      ["photo", undefined],
    ]);
    expect([...(album?.files.values() ?? [])].map(({ bytes }) => bytes.length)).toEqual([1, 2, 3]);
  });

  it("has sent nothing when the attachment cannot be read", async () => {
    const media: MediaRef = { ref: "gone", kind: "file", mime: "text/plain", bytes: 1 };
    const error = await failure({ type: "message", to: dm, body: { media: [media] } });
    expect(error.data).toEqual({ fate: "not-sent", scope: "message" });
    expect(telegram.calls()).toEqual([]);
  });
});

interface Fate {
  readonly name: string;
  readonly fault: FaultKind;
  readonly options?: FaultOptions;
  readonly data: object;
  readonly posted?: number;
}

const fates: Fate[] = [
  {
    name: "a rate limit",
    fault: "rate-limit",
    options: { retryAfter: 9 },
    data: { fate: "not-sent", scope: "peer", retryAfterMs: 9_000 },
  },
  { name: "a bad request", fault: "reject", data: { fate: "rejected", scope: "message" } },
  {
    name: "an unknown chat",
    fault: "reject",
    options: { description: "Bad Request: chat not found" },
    data: { fate: "rejected", scope: "peer" },
  },
  {
    name: "a blocked bot",
    fault: "reject",
    options: { status: 403, description: "Forbidden: bot was blocked by the user" },
    data: { fate: "rejected", scope: "peer" },
  },
  {
    name: "a group that moved",
    fault: "reject",
    options: {
      description: "Bad Request: group chat was upgraded to a supergroup chat",
      parameters: { migrate_to_chat_id: -1009 },
    },
    data: { fate: "not-sent", scope: "peer", movedTo: { ...dm, id: "-1009" } },
  },
  { name: "a refused token", fault: "unauthorized", data: { fate: "not-sent", scope: "account" } },
  { name: "a server error", fault: "server-error", data: { fate: "unknown", scope: "message" } },
  {
    name: "a connection that broke before the answer",
    fault: "drop-response",
    data: { fate: "unknown", scope: "message" },
    posted: 1,
  },
  {
    name: "a connection that broke before the call took effect",
    fault: "disconnect",
    data: { fate: "unknown", scope: "message" },
  },
];

describe("what became of a message that failed", () => {
  it.each(fates)("is told after $name", async ({ fault, options, data, posted }) => {
    telegram.fail(fault, options);
    expect((await failure(text("hi"))).data).toEqual(data);
    expect(telegram.sent("sendMessage").length).toBe(posted ?? 0);
  });

  it("is not-sent when nobody listens there", async () => {
    const other = await startFakeTelegram();
    await other.close();
    connectTo(other.url);
    expect((await failure(text("hi"))).data).toEqual({ fate: "not-sent", scope: "account" });
  });

  it("is unknown when the deadline passes without an answer", async () => {
    telegram.fail("hang");
    const deadline = new AbortController();
    const sending = send(sender, text("hi"), meta({ text: "hi" }, deadline.signal));
    await expect.poll(() => telegram.calls("sendMessage").length, { interval: 5 }).toBe(1);
    deadline.abort();
    await expect(sending).rejects.toMatchObject({ data: { fate: "unknown", scope: "message" } });
  });

  it("is not-sent after a lost answer to an edit, since editing again is harmless", async () => {
    const [sent] = await deliver(text("old"));
    telegram.fail("drop-response");
    const edit: Outbound = { type: "edit", to: dm, messageId: sent?.ids[0] ?? "", body: { text: "new" } };
    expect((await failure(edit)).data).toEqual({ fate: "not-sent", scope: "peer" });
    await deliver(edit);
  });
});
