import type { Capabilities, MediaRef } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deliveryId, runId } from "../../base/brand.ts";
import { splitBody } from "./outbound.ts";
import { CAPABILITIES, createTestPort, openTestChannels, type TestChannels } from "../test-port.ts";

const image = (over: Partial<MediaRef> = {}): MediaRef => ({
  ref: "r",
  kind: "image",
  mime: "image/png",
  bytes: 10,
  ...over,
});
const { media: _none, ...TEXT_ONLY } = CAPABILITIES;

describe("splitting a message by what a channel declared", () => {
  it.each<[string, Parameters<typeof splitBody>[0], Capabilities, unknown]>([
    [
      "puts a short text under the first file",
      { text: "short", media: [image(), image({ ref: "s" })] },
      CAPABILITIES,
      [{ media: [image()], text: "short" }, { media: [image({ ref: "s" })] }],
    ],
    [
      "sends a text that is no caption after the files",
      { text: "longer than ten", media: [image()] },
      CAPABILITIES,
      [{ media: [image()] }, { text: "longer than ten" }],
    ],
    ["sends files without a text alone", { media: [image()] }, CAPABILITIES, [{ media: [image()] }]],
    [
      "names a file that is too large",
      { media: [image({ bytes: 2_000, name: "a.png" })] },
      { ...CAPABILITIES, text: { ...CAPABILITIES.text, limit: 100 } },
      [{ text: "[a.png was not sent: it is larger than 1000 bytes]" }],
    ],
    [
      "names a file of a kind the channel does not take",
      { text: "see", media: [image({ kind: "voice" })] },
      { ...TEXT_ONLY, text: { ...CAPABILITIES.text, limit: 100 } },
      [{ text: "see\n\n[voice was not sent: this channel takes no voice]" }],
    ],
    [
      "splits a long text",
      { text: "one two three four five six" },
      CAPABILITIES,
      [{ text: "one two three four" }, { text: "five six" }],
    ],
  ])("%s", (...[_name, body, capabilities, expected]) => {
    expect(splitBody(body, capabilities)).toEqual(expected);
  });
});

describe("planning a message", () => {
  let channels: TestChannels;
  const target = {
    channel: "test",
    account: "default",
    peer: { kind: "group", id: "-100", threadId: "5" },
    replyTo: "m1",
  } as const;
  const ids = { deliveryId: deliveryId("d") };

  beforeEach(async () => {
    channels = await openTestChannels({ test: {} });
  });
  afterEach(() => channels.dispose());

  it("makes one intent per part, all with the whole message", async () => {
    channels.register(createTestPort());
    const body = { text: "one two three four five six" };
    const intents = await channels.plan(target, body, { ...ids, runId: runId("r1") });
    expect(intents).toMatchObject([
      {
        deliveryId: "d",
        runId: "r1",
        lane: "test/default/-100/5",
        part: { index: 0, of: 2, text: "one two three four" },
      },
      {
        deliveryId: "d",
        part: { index: 1, of: 2, text: "five six" },
        outbound: { type: "message", to: target.peer, replyTo: "m1", body },
      },
    ]);
  });

  it("lets the channel split when it can", async () => {
    channels.register({
      ...createTestPort(),
      render: async () => [{ text: "a", native: { bold: true } }, { text: "b" }],
    });
    const intents = await channels.plan(target, { text: "ab" }, ids);
    expect(intents.map((intent) => intent.part)).toEqual([
      { index: 0, of: 2, text: "a", native: { bold: true } },
      { index: 1, of: 2, text: "b" },
    ]);
  });

  it.each([
    ["throws", async () => Promise.reject(new Error("bug"))],
    ["answers nothing", async () => []],
    ["answers nonsense", async () => [{ text: 5 }] as never],
  ])("splits itself when the channel's own way %s", async (_name, render) => {
    channels.register({ ...createTestPort(), render });
    expect((await channels.plan(target, { text: "hi" }, ids)).map((intent) => intent.part.text)).toEqual(["hi"]);
  });

  it("refuses a message that would be sent in thousands of parts", async () => {
    channels.register(createTestPort());
    await expect(channels.plan(target, { text: "word ".repeat(20_000) }, ids)).rejects.toThrow(
      /in \d{4} parts, and 1000 are the most: send a shorter one/,
    );
  });

  it("makes nothing of a message that says nothing", async () => {
    expect(await channels.plan(target, { text: " \n" }, ids)).toEqual([]);
  });

  it("says what to do when nobody provides the channel", async () => {
    await expect(channels.plan(target, { text: "hi" }, ids)).rejects.toThrow("see: openclaw extension list");
  });
});
