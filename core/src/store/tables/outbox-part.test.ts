import type { Outbound, Part } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { decodePart, encodePart } from "./outbox-part.ts";

const to = { kind: "dm", id: "42" } as const;
const message: Outbound = { type: "message", to, body: { text: "the whole text", format: "markdown" } };
const file = { ref: "r", kind: "image", mime: "image/png", name: "a.png", bytes: 1 } as const;

describe("a stored part", () => {
  it.each<[string, Part]>([
    ["the whole text", { index: 0, of: 1, text: "the whole text" }],
    ["one piece of it", { index: 1, of: 2, text: "text" }],
    ["a file without text", { index: 1, of: 2, media: [file] }],
    ["the channel's own form", { index: 0, of: 1, text: "the whole text", native: { html: "<b>" } }],
    ["an empty text", { index: 0, of: 1, text: "" }],
  ])("comes back as it was: %s", (_what, part) => {
    expect(decodePart(encodePart(part, message), message)).toEqual(part);
  });

  it("keeps no second copy of the message's text", () => {
    expect(encodePart({ index: 0, of: 1, text: "the whole text" }, message)).not.toContain("whole text");
  });

  it("keeps its text beside a message that has none", () => {
    const gone: Outbound = { type: "delete", to, messageId: "1" };
    const part = { index: 0, of: 1, text: "x" };
    expect(decodePart(encodePart(part, gone), gone)).toEqual(part);
  });
});
