import { describe, expect, it } from "vitest";
import { MAX_TEXT_CHARS, textStart, viewMessage } from "./transcript-view.ts";

const view = (message: object) => JSON.parse(viewMessage(JSON.stringify(message)));
const CUT = "\n...(truncated)...";

describe("a message as chat.history shows it", () => {
  it("is left alone when it is small", () => {
    const message = {
      role: "assistant",
      content: [
        { type: "text", text: "hi" },
        { type: "toolCall", id: "c1", name: "read", arguments: { path: "a" } },
      ],
      timestamp: 5,
      stopReason: "stop",
    };
    expect(view(message)).toEqual(message);
  });

  it.each([
    ["a string", (text: string) => ({ content: text }), (shown: { content: string }) => shown.content],
    [
      "a text block",
      (text: string) => ({ content: [{ type: "text", text }] }),
      (shown: { content: { text: string }[] }) => shown.content[0]!.text,
    ],
    [
      "a thinking block",
      (text: string) => ({ content: [{ type: "thinking", thinking: text }] }),
      (shown: { content: { thinking: string }[] }) => shown.content[0]!.thinking,
    ],
  ])("cuts the text of %s at 12,000 characters", (_what, make, text) => {
    const exact = "x".repeat(MAX_TEXT_CHARS);
    expect(text(view({ role: "user", ...make(exact) }))).toBe(exact);
    expect(text(view({ role: "user", ...make(`${exact}y`) }))).toBe(exact + CUT);
  });

  it("never cuts inside a surrogate pair", () => {
    const shown = view({ role: "user", content: `${"x".repeat(MAX_TEXT_CHARS - 1)}😀!` });
    expect(shown.content).toBe("x".repeat(MAX_TEXT_CHARS - 1) + CUT);
  });

  it("has no details, usage and cost", () => {
    const shown = view({
      role: "toolResult",
      content: "ok",
      details: { a: 1 },
      usage: { input: 1 },
      cost: 2,
      isError: false,
    });
    expect(shown).toEqual({ role: "toolResult", content: "ok", isError: false });
  });

  it("has the size of an image in place of its data", () => {
    const data = Buffer.alloc(300_000, 7).toString("base64");
    const shown = view({ role: "user", content: [{ type: "image", mimeType: "image/png", data }] });
    expect(shown.content).toEqual([{ type: "image", mimeType: "image/png", omitted: true, bytes: 300_000 }]);
  });

  it("is replaced by a placeholder when it stays larger than 128 KiB", () => {
    const args = { text: "x".repeat(128 * 1024) };
    const shown = view({
      role: "assistant",
      content: [{ type: "toolCall", id: "c", name: "write", arguments: args }],
      timestamp: 9,
    });
    expect(shown).toEqual({
      role: "assistant",
      timestamp: 9,
      content: [{ type: "text", text: expect.stringContaining("too large") }],
      __openclaw: { truncated: true, reason: "oversized" },
    });
  });

  it("may hold blocks of any shape", () => {
    expect(view({ role: "user", content: [null, 3, "x", { type: "image" }, ["y"]] }).content).toEqual([
      null,
      3,
      "x",
      { type: "image" },
      ["y"],
    ]);
    expect(view({ role: "user" })).toEqual({ role: "user" });
  });
});

describe("textStart", () => {
  it("joins text blocks and shows a cut as an ellipsis", () => {
    const content = [{ type: "text", text: " one" }, { type: "image" }, { type: "text", text: "two " }];
    expect(textStart({ content }, 20)).toBe("one\ntwo");
    expect(textStart({ content }, 5)).toBe("one…");
    expect(textStart({ content: "x😀y" }, 3)).toBe("x…");
    expect(textStart({}, 5)).toBe("");
  });
});
