import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { Endpoint, Manifest, Secret, isEndpointSchema, isSecretSchema } from "./index.ts";

const check = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(Manifest);
const manifest = {
  id: "telegram",
  version: "0.1.0",
  sdk: "^1.0.0",
  entry: { runtime: "./src/index.ts" },
  provides: { channels: ["telegram"] },
  config: { telegram: { type: "object" } },
  permissions: { net: ["api.telegram.org", "config:apiRoot"] },
};

describe("the manifest", () => {
  it("needs no more than what every extension has", () => {
    expect(check(manifest)).toBe(true);
    expect(
      check({ ...manifest, activation: ["configured", "command:poll"], storeVersion: 2, reads: [1], proposals: ["x"] }),
    ).toBe(true);
  });

  it.each([
    ["an id with a capital", { id: "Telegram" }],
    ["an id that leaves its folder", { id: "../x" }],
    ["a version that is a range", { version: "^1.0.0" }],
    ["an entry outside the package", { entry: { runtime: "./a/../../b.js" } }],
    ["an absolute entry", { entry: { runtime: "/b.js" } }],
    ["an entry with a backslash", { entry: { runtime: "..\\b.js" } }],
    ["an isolation", { isolation: "inline" }],
    ["an unknown permission", { permissions: { root: true } }],
    ["an unknown activation", { activation: ["always"] }],
    ["a config schema that is no object", { config: { telegram: "x" } }],
  ])("is refused with %s", (_what, change) => {
    expect(check({ ...manifest, ...change })).toBe(false);
  });

  it("answers a hostile path at once", () => {
    const startedAt = performance.now();
    check({
      ...manifest,
      entry: { runtime: "/.".repeat(100_000) },
      version: "1".repeat(100_000),
      id: "a-".repeat(100_000),
    });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

describe("field builders", () => {
  it("are recognised after a trip through JSON", () => {
    const trip = (schema: object): unknown => JSON.parse(JSON.stringify(schema));
    expect(isSecretSchema(trip(Secret()))).toBe(true);
    expect(isSecretSchema(trip(Endpoint()))).toBe(false);
    expect(isEndpointSchema(trip(Endpoint()))).toBe(true);
    expect(isSecretSchema({ anyOf: [{ type: "string" }] })).toBe(false);
  });

  it.each(["text", { $env: "TOKEN" }, { $file: "token.txt" }, { $exec: ["pass", "show"] }])(
    "take a secret from %j",
    (value) => {
      expect(new Ajv({ strict: false, validateFormats: false }).validate(Secret(), value)).toBe(true);
    },
  );

  it.each(["", 1, {}, { $env: "A", $file: "b" }, { $env: "NOT A NAME" }, { $exec: "sh" }])(
    "take no secret from %j",
    (value) => {
      expect(new Ajv({ strict: false, validateFormats: false }).validate(Secret(), value)).toBe(false);
    },
  );
});
