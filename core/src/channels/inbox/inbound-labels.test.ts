import { describe, expect, it } from "vitest";
import { parseInbound } from "./inbound-shape.ts";

const message = (over: object) => ({
  type: "message",
  eventId: "1",
  at: 1,
  peer: { kind: "group", id: "-1", label: "Room" },
  from: { id: "7", name: "Mallory", handle: "mallory" },
  messageId: "m1",
  body: { text: "hi" },
  ...over,
});

describe("what a sender can make long", () => {
  it("is cut, so that no message stops the intake of an account", () => {
    const long = "x".repeat(5_000);
    const media = { pending: "file", kind: "file", name: long, mime: long };
    const parsed = parseInbound(
      message({
        peer: { kind: "group", id: "-1", label: long },
        from: { id: "7", name: `${"x".repeat(1_023)}\u{1f600}`, handle: long },
        body: { text: "hi", media: Array.from({ length: 200 }, () => media), mentions: Array(2_000).fill(long) },
      }),
    );
    expect(parsed.peer.label).toHaveLength(1_024);
    expect(parsed.from).toEqual({ id: "7", name: "x".repeat(1_023), handle: "x".repeat(1_024) });
    const { body } = parsed as Extract<typeof parsed, { type: "message" }>;
    expect([body.media?.length, body.mentions?.length]).toEqual([100, 1_000]);
    expect([body.media?.[0]?.name?.length, body.media?.[0]?.mime?.length]).toEqual([1_024, 255]);
    expect(body.mentions?.[0]).toHaveLength(1_024);
  });

  it("stays as it is while it is short, and what is missing stays missing", () => {
    expect(parseInbound(message({}))).toEqual(message({}));
  });

  it.each([
    ["no event", null],
    ["a body that is none", message({ body: 5 })],
    ["files that are none", message({ body: { media: "x" } })],
    ["a sender that is none", message({ from: [] })],
    ["an id that is too long", message({ from: { id: "x".repeat(600) } })],
  ])("does not hide %s", (_name, event) => {
    expect(() => parseInbound(event)).toThrow(/^(at \/|an event needs)/);
  });
});
