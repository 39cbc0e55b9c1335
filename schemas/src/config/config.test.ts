import { Value } from "@sinclair/typebox/value";
import { Ajv } from "ajv";
import { describe, expect, expectTypeOf, it } from "vitest";
import { Config, FORMATS, REFERENCE_ONLY_KEYS } from "../index.ts";

const ajv = new Ajv({ allErrors: true, strict: true, formats: FORMATS, useDefaults: true, allowUnionTypes: true });
const check = ajv.compile(Config);

function faults(config: unknown): string[] {
  check(structuredClone(config));
  return (check.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
}

describe("the configuration", () => {
  it("needs nothing written, and gets every default", () => {
    const loaded: Record<string, unknown> = {};
    expect(check(loaded)).toBe(true);
    expect(loaded).toMatchObject({
      gateway: { port: 18_789, bind: "loopback", auth: { mode: "token", localTrust: "on" } },
      agents: { defaults: { runtime: "echo", timeoutSeconds: 600 }, list: [] },
      session: { mainKey: "main", scope: "per-sender" },
      channels: {},
      extensions: { paths: [], deny: [], entries: {} },
      logging: { level: "info" },
    });
    expect(Value.Default(Config, {})).toEqual(loaded);
  });

  it("gets defaults inside entries", () => {
    const loaded = { extensions: { entries: { telegram: {} } } };
    expect(check(loaded)).toBe(true);
    expect(loaded.extensions.entries.telegram).toEqual({ enabled: true, config: {} });
  });

  it("is valid without defaults filled in", () => {
    const bare = new Ajv({ strict: false, validateFormats: false }).compile(Config);
    expect(bare({ gateway: { auth: { token: { $env: "TOKEN" } } } })).toBe(true);
  });

  it("describes every key", () => {
    const silent: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      const { properties = {}, description } = schema as { properties?: object; description?: string };
      if (path !== "" && description === undefined) silent.push(path);
      for (const [key, value] of Object.entries(properties)) walk(value, `${path}/${key}`);
    };
    walk(Config, "");
    expect(silent).toEqual([]);
  });

  it.each([
    [{ gatway: {} }, ": must NOT have additional properties"],
    [{ gateway: { prot: 1 } }, "/gateway: must NOT have additional properties"],
    [{ gateway: { port: "18789" } }, "/gateway/port: must be integer"],
    [{ gateway: { bind: "everywhere!" } }, '/gateway/bind: must match pattern "^(loopback|[0-9A-Fa-f.:]+)$"'],
    [{ gateway: { auth: { token: { $exec: [] } } } }, "/gateway/auth/token/$exec: must NOT have fewer than 1 items"],
    [
      { channels: { telegram: { dmPolicy: "paring" } } },
      "/channels/telegram/dmPolicy: must be equal to one of the allowed values",
    ],
    [{ channels: { Telegram: {} } }, "/channels: must NOT have additional properties"],
    [
      { extensions: { entries: { x: { isolation: "none" } } } },
      "/extensions/entries/x/isolation: must be equal to one of the allowed values",
    ],
  ])("refuses %j at its place", (config, fault) => {
    expect(faults(config)).toContain(fault);
  });

  it("leaves a channel's own keys to its manifest", () => {
    expect(
      faults({ channels: { telegram: { botToken: { $file: "/run/secrets/t" }, accounts: { a: { apiRoot: 1 } } } } }),
    ).toEqual([]);
  });

  it("claims no key that it calls the reference gateway's", () => {
    expect(Object.keys(Config.properties).filter((key) => REFERENCE_ONLY_KEYS.has(key))).toEqual([]);
  });

  it("types what was loaded", () => {
    expectTypeOf<Config["gateway"]["port"]>().toBeNumber();
    expectTypeOf<Config["gateway"]["auth"]["token"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Config["channels"][string]["dmPolicy"]>().toEqualTypeOf<
      "pairing" | "allowlist" | "open" | "disabled" | undefined
    >();
  });
});
