import { describe, expect, it } from "vitest";
import { hasMoreValues } from "./json-values.ts";

const more = (text: string, most: number) => hasMoreValues(Buffer.from(text), most);

describe("counting the values of a message", () => {
  it("counts members and elements, at every depth", () => {
    expect(more('{"a":1,"b":[2,3],"c":{"d":4}}', 7)).toBe(false);
    expect(more('{"a":1,"b":[2,3],"c":{"d":4}}', 6)).toBe(true);
    expect(more("[[],[],[],[]]", 8)).toBe(true);
  });

  it("leaves out what only looks like values inside strings, escaped quotes and backslashes included", () => {
    expect(more(JSON.stringify({ text: '[,,,,"{\\"a\\":[1,2,3]}' }), 2)).toBe(false);
    expect(more('{"a\\\\":[1,2]}', 3)).toBe(true);
  });

  it("has an answer for text that is no JSON", () => {
    expect(more('{"a', 2)).toBe(false);
    expect(more("", 0)).toBe(true);
  });
});
