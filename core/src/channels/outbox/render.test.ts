import { describe, expect, it } from "vitest";
import { measure } from "./measure.ts";
import { splitText } from "./render.ts";

/** A small seeded generator, so that a failure can be repeated. Source: https://en.wikipedia.org/wiki/Xorshift */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const ATOMS = [
  "a",
  "word",
  "é",
  "漢字",
  "👍",
  "👨‍👩‍👧‍👦",
  "🇩🇪",
  " ",
  "  ",
  "\n",
  "\n\n",
  ". ",
  "! ",
  "? ",
  "e\u0301",
  "-",
  "`code`",
  "~",
];
const FENCES = ["\n```ts\n", "\n```\n", "\n~~~~\n", "\n"];

function randomText(random: (below: number) => number, atoms: readonly string[]): string {
  return Array.from({ length: random(200) }, () => atoms[random(atoms.length)]).join("");
}

const squeezed = (text: string) => text.replaceAll(/\s+/g, "");

describe("splitting a text", () => {
  it("keeps every character but white space, within the limit, for any text, unit and limit", () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = createRandom(seed * 7919);
      const text = randomText(random, ATOMS);
      const unit = (["utf16", "bytes", "codepoints"] as const)[seed % 3]!;
      const limit = 4 + random(80);
      const chunks = splitText(text, { limit, unit });
      expect(squeezed(chunks.join("")), `seed ${seed}`).toBe(squeezed(text));
      for (const chunk of chunks) {
        expect(measure(chunk, unit), `seed ${seed}`).toBeLessThanOrEqual(limit);
        expect(chunk.isWellFormed(), `seed ${seed}`).toBe(true);
        expect(chunk.trim(), `seed ${seed}`).not.toBe("");
      }
    }
  });

  it("keeps the limit and every word when code blocks are cut, for any text", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = createRandom(seed * 104_729);
      const text = randomText(random, [...ATOMS.filter((atom) => !/[`~]/.test(atom)), ...FENCES]);
      const unit = (["utf16", "bytes", "codepoints"] as const)[seed % 3]!;
      const limit = 32 + random(100);
      const chunks = splitText(text, { limit, unit });
      const letters = (value: string) => squeezed(value.replaceAll(/^(`{3}(ts)?|~{4})$/gm, ""));
      expect(letters(chunks.join("\n")), `seed ${seed}`).toBe(letters(text));
      for (const chunk of chunks) expect(measure(chunk, unit), `seed ${seed}`).toBeLessThanOrEqual(limit);
    }
  });

  it.each([
    ["paragraphs", "First paragraph here.\n\nSecond one.", 30, ["First paragraph here.", "Second one."]],
    ["lines", "first line is long\nsecond line", 24, ["first line is long", "second line"]],
    ["sentences", "One is short. Two is longer than that.", 30, ["One is short.", "Two is longer than that."]],
    ["words", "alpha beta gamma delta", 12, ["alpha beta", "gamma delta"]],
    ["graphemes when there is nothing else", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 25, ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]],
  ])("cuts at the end of %s", (...[_name, text, limit, expected]) => {
    expect(splitText(text, { limit, unit: "utf16" })).toEqual(expected);
  });

  it("fills a chunk exactly when the cut falls on white space", () => {
    expect(splitText("12345 67890", { limit: 5, unit: "utf16" })).toEqual(["12345", "67890"]);
  });

  it("counts in the unit the platform counts in", () => {
    expect(splitText("ääää", { limit: 4, unit: "bytes" })).toEqual(["ää", "ää"]);
    expect(splitText("👍👍👍", { limit: 2, unit: "codepoints" })).toEqual(["👍👍", "👍"]);
    expect(splitText("👍👍👍", { limit: 5, unit: "utf16" })).toEqual(["👍👍", "👍"]);
  });

  it("closes a code block at a cut and opens it again", () => {
    const code = Array.from({ length: 6 }, (_, index) => `line number ${index}`).join("\n");
    const chunks = splitText(`Look:\n\`\`\`ts\n${code}\n\`\`\`\ndone`, { limit: 60, unit: "utf16" });
    expect(chunks).toEqual([
      "Look:\n```ts\nline number 0\nline number 1\nline number 2\n```",
      "```ts\nline number 3\nline number 4\nline number 5\n```\ndone",
    ]);
  });

  it("keeps the indentation of code after a cut", () => {
    const text = "```\nif (a) {\n    indented();\n    again();\n}\n```";
    const chunks = splitText(text, { limit: 34, unit: "utf16" });
    expect(chunks.join("\n")).toContain("\n    again();");
    for (const chunk of chunks) expect(chunk.match(/```/g)).toHaveLength(2);
  });

  it("gives no chunk for a blank text and one for a short text", () => {
    expect(splitText(" \n\t", { limit: 10, unit: "utf16" })).toEqual([]);
    expect(splitText("  hi ", { limit: 10, unit: "utf16" })).toEqual(["  hi"]);
  });

  it("uses the shorter limit for the first chunk only", () => {
    expect(splitText("aaa bbb ccc ddd", { limit: 7, unit: "utf16", firstLimit: 3 })).toEqual(["aaa", "bbb ccc", "ddd"]);
  });

  it("splits a million characters without getting slow", () => {
    const startedAt = performance.now();
    const chunks = splitText("lorem ipsum dolor ".repeat(56_000), { limit: 4_000, unit: "codepoints" });
    expect(chunks.length).toBeGreaterThan(250);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
