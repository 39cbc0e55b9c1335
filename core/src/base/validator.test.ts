import { describe, expect, it } from "vitest";
import { describeIssues, lazyCheck } from "./validator.ts";

const schema = {
  $id: "Sample",
  type: "object",
  additionalProperties: false,
  required: ["client"],
  properties: {
    client: {
      type: "object",
      additionalProperties: false,
      required: ["id"],
      properties: {
        id: {
          anyOf: [
            { const: "cli", type: "string" },
            { const: "test", type: "string" },
          ],
        },
        tag: { type: "string", minLength: 1 },
      },
    },
    caps: { type: "array", items: { type: "string", minLength: 1 } },
    flags: { type: "object", patternProperties: { "^(.*)$": { type: "boolean" } } },
    count: { type: "integer", minimum: 1, maximum: 5 },
    open: { type: "object", properties: { a: { type: "string" } } },
  },
};

const valid = [
  { client: { id: "cli" } },
  { client: { id: "test", tag: "x" }, caps: ["a"], flags: { a: true }, count: 5, open: { a: "1", b: 2 } },
];
const invalid: [unknown, string][] = [
  [undefined, "must be object"],
  [null, "must be object"],
  [[], "must be object"],
  [{}, "must have required property 'client'"],
  [{ client: { id: "cli" }, extra: 1 }, "at root: unexpected property 'extra'"],
  [{ client: { id: "cli", extra: 1 } }, "at /client: unexpected property 'extra'"],
  [{ client: { id: "nope" } }, "at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf"],
  [{ client: { id: "cli", tag: "" } }, "at /client/tag: must NOT have fewer than 1 characters"],
  [{ client: { id: "cli" }, caps: [""] }, "at /caps/0: must NOT have fewer than 1 characters"],
  [{ client: { id: "cli" }, flags: { a: 1 } }, "at /flags/a: must be boolean"],
  [{ client: { id: "cli" }, count: 0 }, "at /count: must be >= 1"],
  [{ client: { id: "cli" }, count: 1.5 }, "at /count: must be integer"],
];

describe("a lazy check", () => {
  for (const interpretFirst of [false, true]) {
    const check = lazyCheck(schema, { interpretFirst });
    const how = interpretFirst ? "interpreted first" : "compiled";
    it.each(valid)(`accepts %j (${how})`, (value) => expect(check(value)).toEqual([]));
    it.each(invalid)(`explains %j (${how})`, (value, text) => expect(describeIssues(check(value))).toBe(text));
  }

  it("deletes unknown keys at every level when asked to, and keeps those of open objects", () => {
    const value = { client: { id: "cli", x: 1 }, y: 2, open: { a: "1", z: 3 } };
    expect(lazyCheck(schema, { removeUnknown: true })(value)).toEqual([]);
    expect(value).toEqual({ client: { id: "cli" }, open: { a: "1", z: 3 } });
  });

  it("leaves a value alone that is refused for another reason", () => {
    const value = { client: { id: "nope" }, y: 2 };
    expect(lazyCheck(schema, { removeUnknown: true })(value)).toHaveLength(3);
    expect(value).toHaveProperty("y");
  });

  it("keeps the strict and the open form of one schema apart", () => {
    const open = lazyCheck(schema, { removeUnknown: true });
    const strict = lazyCheck(schema);
    expect(open({ client: { id: "cli" }, x: 1 })).toEqual([]);
    expect(strict({ client: { id: "cli" }, x: 1 })).toHaveLength(1);
  });

  it("names only the first faults of a value that has thousands", () => {
    const value = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1]));
    expect(lazyCheck(schema)(value)).toHaveLength(16);
  });

  it("names the first fault alone of a value that has millions, and does not collect them", () => {
    const keys = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]));
    expect(lazyCheck(schema)({ client: { id: "cli" }, ...keys })).toEqual([
      { path: "", message: "unexpected property 'k0'" },
    ]);
    const caps = Array.from({ length: 20_000 }, () => 1);
    const issues = lazyCheck(schema)({ client: { id: "cli" }, caps });
    expect(issues).toEqual([{ path: "/caps/0", message: "must be string" }]);
  });

  it("refuses more unknown keys than a newer client would send, though it ignores them", () => {
    const check = lazyCheck(schema, { removeUnknown: true });
    const withUnknown = (count: number) => ({
      client: { id: "cli", ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1])) },
    });
    const value = withUnknown(1_000);
    expect(check(value)).toEqual([]);
    expect(value).toEqual({ client: { id: "cli" } });
    expect(describeIssues(check(withUnknown(1_001)))).toBe("must have at most 1000 unknown properties a place");
  });

  it("is not fooled by keys that every object inherits", () => {
    for (const interpretFirst of [false, true]) {
      const check = lazyCheck(schema, { interpretFirst });
      expect(check(JSON.parse('{"client":{"id":"cli"},"__proto__":1}'))).toHaveLength(1);
      expect(check({ client: { id: "cli" }, toString: 1 })).toHaveLength(1);
    }
  });
});
