import { describe, expect, it } from "vitest";
import { jsonWeight, pack, unpack } from "./pack.ts";

const isJson = (value: unknown) => !Number.isNaN(jsonWeight(value));
const sqliteRow = (): object => Object.assign(Object.create(null) as object, { id: 1 });

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

function cycle(): object {
  const value: Record<string, unknown> = {};
  return Object.assign(value, { left: value, right: value });
}

describe("what crosses as JSON", () => {
  it.each([
    ["texts, also with half a surrogate pair", "a\u2028\ud800"],
    ["numbers, booleans and null", [0, -1.5, Number.MAX_SAFE_INTEGER, true, false, null]],
    ["plain objects", { a: { b: [{ c: "d" }] }, ["__proto__"]: 1 }],
    ["rows of SQLite", sqliteRow()],
  ])("is %s", (_what, value) => {
    expect(isJson(value)).toBe(true);
    expect(JSON.parse(JSON.stringify(value))).toEqual(structuredClone(value));
  });

  it.each([
    ["undefined", undefined],
    ["undefined inside", { a: undefined }],
    ["a hole", Array.from({ length: 2 }).toSpliced(0, 1, 1)],
    ["numbers that JSON has not", [NaN]],
    ["infinity", { a: Infinity }],
    ["negative zero", -0],
    ["big integers", 1n],
    ["bytes", new Uint8Array(3)],
    ["maps", new Map()],
    ["dates", { at: new Date(0) }],
    ["functions", { toJSON: () => 1 }],
    ["long texts", "x".repeat(64 * 1024 + 1)],
    ["many short texts", Array.from({ length: 5_000 }, () => "12345678")],
    ["deep nesting", nested(10_000)],
    ["cycles", cycle()],
  ])("is not %s", (_what, value) => {
    expect(isJson(value)).toBe(false);
  });
});

describe("a packed group", () => {
  it("comes out in order, whichever way each element went", () => {
    const elements = [{ a: 1 }, { bytes: new Uint8Array([1, 2]) }, { b: "x" }, { c: undefined }];
    const crossed = structuredClone(pack(elements, isJson));
    expect(crossed.cloned).toHaveLength(2);
    expect(unpack(crossed)).toStrictEqual(elements);
  });

  it("is one text when nothing has to be cloned", () => {
    expect(pack([{ a: 1 }, {}], isJson)).toEqual({ text: '[{"a":1},{}]' });
  });

  it("keeps the names of rows", () => {
    expect(unpack(pack([sqliteRow()], isJson))).toEqual([{ id: 1 }]);
  });
});
