import type { MediaRef, Outbound } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { faultOfText } from "../fake/chats.ts";
import { markedOf } from "./entities.ts";
import { fromMarkdown } from "./markdown.ts";
import { renderOutbound } from "./render.ts";
import { splitMarked } from "./split.ts";

const to = { kind: "dm", id: "7" } as const;
const message = (body: Extract<Outbound, { type: "message" }>["body"]): Outbound => ({ type: "message", to, body });
const photo = (ref: string): MediaRef => ({ ref, kind: "image", mime: "image/jpeg", bytes: 10 });
const file = (ref: string): MediaRef => ({ ref, kind: "file", mime: "application/pdf", bytes: 10 });
const refs = (outbound: Outbound) => renderOutbound(outbound).map((part) => (part.media ?? []).map(({ ref }) => ref));

/** A small seeded generator (mulberry32), so that a failing case can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const PIECES = [
  "word ",
  "longerword",
  "**bold**",
  "_it_",
  "`code`",
  "~~s~~",
  "[l](https://x.example)",
  "**b `c` _i_**",
  "\n",
  "\n\n",
  "\n- item\n- **x**\n",
  "\n> quote `c`\n\n",
  "\n```js\nlet a = 1;\n\nlet b;\n```\n",
  "👨‍👩‍👧‍👦",
  "é",
  "日本語",
  "\n# head\n",
  "*",
  "`",
  "_",
  "|a|b|\n|-|-|\n|1|2|\n",
];

describe("rendering", () => {
  it("keeps every chunk of any Markdown within Telegram's rules and loses no text", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = random(seed);
      const source = Array.from({ length: 5 + next(120) }, () => PIECES[next(PIECES.length)]).join("");
      const limit = 20 + next(200);
      const whole = fromMarkdown(source);
      const chunks = splitMarked(whole, limit);
      expect(faultOfText(whole.text, whole.entities, Infinity), `seed ${seed}`).toBeUndefined();
      for (const chunk of chunks) {
        expect(faultOfText(chunk.text, chunk.entities, limit), `seed ${seed}`).toBeUndefined();
        expect(chunk.entities.length).toBeLessThanOrEqual(100);
      }
      const joined = chunks.map(({ text }) => text).join("");
      expect(joined.replace(/\s/g, ""), `seed ${seed}`).toBe(whole.text.replace(/\s/g, ""));
    }
  });

  it("splits a long text at 4096 units, at the end of a line where there is one", () => {
    const line = `${"x".repeat(99)}\n`;
    const parts = renderOutbound(message({ text: line.repeat(100) }));
    expect(parts.map((part) => part.text?.length)).toEqual([4_000, 4_000, 2_000]);
    expect(parts.map((part) => part.text).join("")).toBe(line.repeat(100));
  });

  it("never cuts an emoji in two", () => {
    const text = "👨‍👩‍👧‍👦".repeat(1_000);
    const parts = renderOutbound(message({ text }));
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(parts.every((part) => part.text !== undefined && part.text.replaceAll("👨‍👩‍👧‍👦", "") === "")).toBe(true);
  });

  it("keeps a code block a code block across the cut", () => {
    const parts = renderOutbound(
      message({ format: "markdown", text: `\`\`\`ts\n${"let a = 1;\n".repeat(600)}\`\`\`` }),
    );
    expect(parts.length).toBe(2);
    for (const part of parts) {
      const { text, entities } = markedOf({ index: 0, of: 1, ...part });
      expect(entities).toEqual([{ type: "pre", language: "ts", offset: 0, length: text.length }]);
    }
  });

  it("starts a new message when there are more than 100 entities", () => {
    const parts = renderOutbound(message({ format: "markdown", text: "**a** ".repeat(250) }));
    const counts = parts.map((part) => markedOf({ index: 0, of: 1, ...part }).entities.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(100);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(250);
  });

  it("mends lone surrogates, which Telegram refuses", () => {
    expect(renderOutbound(message({ text: "a\ud800b" }))).toEqual([{ text: "a\ufffdb" }]);
  });

  it("leaves plain text alone", () => {
    expect(renderOutbound(message({ text: "**a**", format: "plain" }))).toEqual([{ text: "**a**" }]);
  });

  it.each([undefined, "", " \n "])("has nothing to send for the text %j", (text) => {
    expect(renderOutbound(message(text === undefined ? {} : { text }))).toEqual([]);
  });

  it("puts a short text under the first file and a long one behind all files", () => {
    const short = renderOutbound(message({ text: "hi", media: [photo("a")] }));
    expect(short).toEqual([{ text: "hi", media: [photo("a")] }]);
    const long = renderOutbound(message({ text: "x".repeat(1_025), media: [photo("a")] }));
    expect(long).toEqual([{ media: [photo("a")] }, { text: "x".repeat(1_025) }]);
  });

  it("joins files into albums of ten that Telegram accepts together", () => {
    const photos = Array.from({ length: 12 }, (_, index) => photo(`p${index}`));
    const sizes = refs(message({ media: [...photos, file("d1"), file("d2")] })).map((album) => album.length);
    expect(sizes).toEqual([10, 2, 2]);
  });

  it("sends stickers and voice alone, a sticker's text apart", () => {
    const sticker: MediaRef = { ref: "s", kind: "sticker", mime: "image/webp", bytes: 1 };
    const voice: MediaRef = { ref: "v", kind: "voice", mime: "audio/ogg", bytes: 1 };
    expect(renderOutbound(message({ text: "hi", media: [sticker] }))).toEqual([{ media: [sticker] }, { text: "hi" }]);
    expect(refs(message({ media: [voice, voice] }))).toEqual([["v"], ["v"]]);
  });
});
