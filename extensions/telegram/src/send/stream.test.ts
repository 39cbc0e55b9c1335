import { type OutboundStream, type SendError, type StreamMeta, isSendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, createTestHost } from "../../test/host.ts";
import { createApi } from "../api.ts";
import { settingsOf } from "../config.ts";
import { type FakeTelegram, ann, startFakeTelegram } from "../fake/index.ts";
import { renderOutbound } from "../render/render.ts";
import type { Sender } from "./send.ts";
import { openStream } from "./stream.ts";

let telegram: FakeTelegram;
let sender: Sender;
const to = { kind: "dm", id: String(ann.id) } as const;

beforeEach(async () => {
  telegram = await startFakeTelegram();
  const host = createTestHost({ botToken: telegram.token, apiRoot: telegram.url });
  sender = { api: createApi(settingsOf(host.ctx.config)), ctx: host.ctx };
});

afterEach(() => telegram.close());

const open = (text: string, more: Partial<StreamMeta> = {}): Promise<OutboundStream> =>
  openStream(sender, to, { key: "d/0", text, call: call(), ...more });

const finish = (stream: OutboundStream, text: string) => {
  const body = { text, format: "markdown" } as const;
  const [part = {}] = renderOutbound({ type: "message", to, body });
  return stream.finish(body, { part: { ...part, index: 0, of: 3 }, call: call() });
};

const texts = () => telegram.posted().map((message) => message.text);

async function failureOf(work: Promise<unknown>): Promise<SendError["data"]> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!isSendError(error)) throw new Error(`not a SendError: ${String(error)}`);
  return error.data;
}

describe("a draft on Telegram", () => {
  it("is one message that is edited until it is the answer", async () => {
    const stream = await open("It is **rai", { replyTo: "7" });
    await stream.push("It is **raining", call());
    expect(texts()).toEqual(["It is **raining"]);
    const receipt = await finish(stream, "It is **raining** today.");
    expect(texts()).toEqual(["It is raining today."]);
    expect(receipt).toMatchObject({ ids: stream.ids, peer: to });
    expect(telegram.posted()[0]?.entities).toEqual([{ type: "bold", offset: 6, length: 7 }]);
    expect(telegram.calls("sendMessage")[0]?.args["reply_parameters"]).toMatchObject({ message_id: 7 });
    expect(telegram.calls("sendMessage")).toHaveLength(1);
  });

  it("is as good as finished when it reads so already, or when the answer to the edit is lost", async () => {
    const stream = await open("Nothing more to say.");
    expect(await finish(stream, "Nothing more to say.")).toMatchObject({ ids: stream.ids });
    telegram.fail("drop-response", { method: "editMessageText" });
    expect(await failureOf(finish(stream, "One more thing."))).toMatchObject({ fate: "not-sent" });
    expect(await finish(stream, "One more thing.")).toMatchObject({ ids: stream.ids });
    expect(texts()).toEqual(["One more thing."]);
  });

  it("of another process is taken up by its ids, without a call", async () => {
    const before = await open("The first words of");
    const stream = await open("The first words of it", { resume: { ids: before.ids } });
    expect(telegram.sent("sendMessage")).toHaveLength(1);
    await finish(stream, "The first words of it all.");
    expect(texts()).toEqual(["The first words of it all."]);
  });

  it("tells its fate when it was opened, refused, or lost on the way", async () => {
    telegram.fail("drop-response", { method: "sendMessage" });
    expect(await failureOf(open("Perhaps this was posted"))).toMatchObject({ fate: "unknown", scope: "message" });
    telegram.fail("rate-limit", { method: "sendMessage", retryAfter: 3 });
    expect(await failureOf(open("Too many of these"))).toMatchObject({ fate: "not-sent", retryAfterMs: 3_000 });
    const stream = await open("The one that stays");
    telegram.fail("rate-limit", { method: "editMessageText", retryAfter: 9 });
    expect(await failureOf(stream.push("more", call()))).toMatchObject({ fate: "not-sent", retryAfterMs: 9_000 });
  });

  it("that somebody deleted cannot become the answer, and is deleted already", async () => {
    const stream = await open("Nobody wanted to read this");
    await stream.abort(call());
    expect(texts()).toEqual([]);
    expect(await failureOf(finish(stream, "Not even this."))).toMatchObject({ fate: "rejected", scope: "message" });
    await stream.abort(call());
  });

  it("shows formatting alone as it is written, and no more than one message of a long text", async () => {
    const stream = await open("**", { text: "**" });
    expect(texts()).toEqual(["**"]);
    await stream.push("word ".repeat(2_000), call());
    expect(texts()[0]?.length).toBeLessThanOrEqual(4_096);
  });
});
