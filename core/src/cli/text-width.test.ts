import { describe, expect, it } from "vitest";
import textWidth from "./text-width.ts";

describe("the width of a text", () => {
  it.each([
    ["", 0],
    ["Commands:", 9],
    ["\u001b[1mbold\u001b[0m", 4],
    ["オプション:", 11],
    ["한국어", 6],
    ["Ünïcode", 7],
    ["U\u0308ni", 3],
    ["🙂 ok", 5],
  ])("is counted in columns: %j", (text, columns) => {
    expect(textWidth(text)).toBe(columns);
  });
});
