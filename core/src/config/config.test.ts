import { Secret, Endpoint } from "openclaw-host-schemas";
import { mkdtemp, readFile, rm, stat, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChannelSchemas } from "./channel-schema.ts";
import { isConfigError } from "./issue.ts";
import { checkConfig, extensionRoots, readConfigFile, requireValid } from "./load.ts";
import { readEnvironment } from "./paths.ts";
import { validateConfig } from "./validate.ts";
import { REDACTED, configView } from "./view.ts";
import { changeConfig } from "./write.ts";

const telegram = {
  extension: "telegram",
  config: {
    type: "object",
    additionalProperties: false,
    required: ["botToken"],
    properties: {
      botToken: Secret({ description: "Token of the bot." }),
      apiRoot: Endpoint({ default: "https://api.telegram.org" }),
      pollSeconds: { type: "integer", minimum: 1, maximum: 50, default: 25 },
      accounts: { type: "object" },
    },
  },
};
const channels: ChannelSchemas = new Map([["telegram", telegram]]);

let dir = "";
let file = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openclaw-config-"));
  file = join(dir, "openclaw.json");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const load = async (text: string) => {
  await writeFile(file, text, { mode: 0o600 });
  return checkConfig(await readConfigFile(file), { channels });
};

describe("validateConfig", () => {
  const botToken = "123:abc";
  const faults: [string, unknown, string, RegExp][] = [
    ["an unknown top-level key", { gatway: {} }, "gatway", /unknown key; did you mean "gateway"\?/],
    [
      "an unknown key without a near name",
      { gateway: { zzzzzz: 1 } },
      "gateway.zzzzzz",
      /remove it, or use one of: .*port/,
    ],
    [
      "text in place of a number",
      { gateway: { port: "18789" } },
      "gateway.port",
      /is text, must be a whole number from 0 to 65535 .*without quotes/,
    ],
    ["a number out of range", { gateway: { port: 70_000 } }, "gateway.port", /is the number 70000, must be/],
    [
      "a wrong choice",
      { gateway: { auth: { mode: "tokn" } } },
      "gateway.auth.mode",
      /must be one of "token", "password".*did you mean "token"/,
    ],
    ["a list in place of an object", { gateway: [] }, "gateway", /is a list, must be an object/],
    ["null", { session: null }, "session", /is null, must be an object/],
    ["a missing key", { agents: { list: [{ name: "x" }] } }, "agents.list.0.id", /is missing; it must be text/],
    [
      "a wrong secret",
      { gateway: { auth: { token: { $enw: "X" } } } },
      "gateway.auth.token",
      /is an object, must be text, \{"\$env"/,
    ],
    [
      "an unknown channel",
      { channels: { telegarm: {} } },
      "channels.telegarm",
      /did you mean "telegram"\? known channels: telegram \(extension telegram\)/,
    ],
    [
      "a mistyped channel key",
      { channels: { telegram: { botToken, botTokn: "x" } } },
      "channels.telegram.botTokn",
      /did you mean "botToken"/,
    ],
    [
      "a wrong channel value",
      { channels: { telegram: { botToken, pollSeconds: 99 } } },
      "channels.telegram.pollSeconds",
      /from 1 to 50/,
    ],
    [
      "a bad channel address",
      { channels: { telegram: { botToken, apiRoot: "ftp://x" } } },
      "channels.telegram.apiRoot",
      /http/,
    ],
    [
      "a missing channel key",
      { channels: { telegram: {} } },
      "channels.telegram.botToken",
      /is missing; it must be text.*Token of the bot/,
    ],
    [
      "a key missing in one account",
      { channels: { telegram: { accounts: { a: { botToken }, b: {} } } } },
      "channels.telegram.accounts.b.botToken",
      /is missing/,
    ],
    [
      "a wrong account value",
      { channels: { telegram: { accounts: { a: { botToken: 5 } } } } },
      "channels.telegram.accounts.a.botToken",
      /is the number 5/,
    ],
    [
      "a wrong host key",
      { channels: { telegram: { botToken, allowFrom: "me" } } },
      "channels.telegram.allowFrom",
      /is text, must be a list of text or a whole number/,
    ],
    [
      "a policy that does not exist",
      { channels: { telegram: { botToken, dmPolicy: "paring" } } },
      "channels.telegram.dmPolicy",
      /pairing.*allowlist.*open.*disabled/,
    ],
    [
      "a rule for an agent that does not exist",
      { agents: { list: [{ id: "home" }] }, bindings: [{ agentId: "hom", match: { channel: "telegram" } }] },
      "bindings.0.agentId",
      /no agent has this id; agents.list has: home/,
    ],
    ["a list as the whole file", [], "", /the file holds a list, must hold one object/],
  ];
  for (const [name, config, path, message] of faults) {
    it(`locates ${name}`, () => {
      const { issues } = validateConfig(config, { channels });
      expect(issues.map((issue) => issue.path)).toEqual([path]);
      expect(issues[0]?.message).toMatch(message);
    });
  }

  it("reports every fault at once and repeats no value", () => {
    const config = {
      gatway: {},
      gateway: { port: "hunter2hunter2" },
      channels: { telegram: { botTokn: "hunter2" }, x: {} },
    };
    const { issues } = validateConfig(config, { channels });
    expect(issues.map((issue) => issue.path).toSorted()).toEqual([
      "channels.telegram.botToken",
      "channels.telegram.botTokn",
      "channels.x",
      "gateway.port",
      "gatway",
    ]);
    expect(JSON.stringify(issues)).not.toContain("hunter2");
  });

  it("warns of keys that only the reference gateway knows", () => {
    const { issues, warnings, config } = validateConfig({ models: { a: 1 }, wizard: {} }, { channels });
    expect(issues).toEqual([]);
    expect(warnings.map((warning) => warning.path)).toEqual(["models", "wizard"]);
    expect(config).not.toHaveProperty("models");
  });

  it("fills in defaults at every depth and keeps what was written", () => {
    const { config } = validateConfig({ gateway: { port: 1 }, channels: { telegram: { botToken } } }, { channels });
    expect(config.gateway).toMatchObject({ port: 1, bind: "loopback", auth: { mode: "token", localTrust: "on" } });
    expect(config).toMatchObject({ session: { mainKey: "main" }, agents: { defaults: { runtime: "echo" } } });
    expect(config.channels["telegram"]).toEqual({ botToken });
  });

  it("accepts a key on either level, and nothing of a channel that is off", () => {
    const wide = { telegram: { botToken, accounts: { a: {}, b: { enabled: false } } } };
    expect(validateConfig({ channels: wide }, { channels }).issues).toEqual([]);
    expect(validateConfig({ channels: { telegram: { enabled: false } } }, { channels }).issues).toEqual([]);
  });
});

describe("readConfigFile", () => {
  it("names line and column of a syntax error", async () => {
    const loaded = await load("{\n  gateway: {\n    port: ,\n  }\n}\n");
    expect(loaded.valid).toBe(false);
    expect(loaded.issues).toHaveLength(1);
    expect(loaded.issues[0]?.message).toMatch(/line 3, column 11/);
    expect(() => requireValid(loaded)).toThrow(/has 1 fault:\n/);
  });

  it("takes a missing file for an empty config", async () => {
    const loaded = checkConfig(await readConfigFile(file), { channels });
    expect(loaded).toMatchObject({ exists: false, raw: null, valid: true });
    expect(requireValid(loaded).gateway.port).toBe(18_789);
  });

  it("warns of a file that others may read", async () => {
    await load("{}");
    await chmod(file, 0o644);
    expect((await readConfigFile(file)).warnings[0]?.message).toMatch(/chmod 600/);
  });
});

describe("changeConfig", () => {
  it("keeps the rest of the file, writes 0600 and tells that comments are lost", async () => {
    await writeFile(file, "{ // mine\n models: {a: 1}, gateway: {port: 5}, session: {} }");
    const result = await changeConfig(file, [{ path: "gateway.auth.mode", value: "token" }], { channels });
    expect(result.lostComments).toBe(true);
    const text = await readFile(file, "utf8");
    expect(JSON.parse(text)).toEqual({ models: { a: 1 }, gateway: { port: 5, auth: { mode: "token" } }, session: {} });
    expect(text.indexOf("models")).toBeLessThan(text.indexOf("gateway"));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("removes a key, and leaves the file alone when the result would be wrong", async () => {
    await writeFile(file, '{"gateway":{"port":5,"bind":"lan"}}', { mode: 0o600 });
    await changeConfig(file, [{ path: "gateway.port", value: undefined }], { channels });
    const text = await readFile(file, "utf8");
    expect(JSON.parse(text)).toEqual({ gateway: { bind: "lan" } });
    const refusal = await changeConfig(file, [{ path: "gateway.prot", value: 5 }], { channels }).catch(
      (error: unknown) => error,
    );
    expect(isConfigError(refusal) && refusal.issues.map((issue) => issue.path)).toEqual(["gateway.prot"]);
    expect(await readFile(file, "utf8")).toBe(text);
    await expect(changeConfig(file, [{ path: "gateway..port", value: 5 }], { channels })).rejects.toThrow(
      /no config path/,
    );
  });

  it("mends a broken config one key at a time", async () => {
    await writeFile(file, '{"gatway":{},"gateway":{"port":"x"}}', { mode: 0o600 });
    await changeConfig(file, [{ path: "gateway.port", value: 7 }], { channels });
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ gatway: {}, gateway: { port: 7 } });
  });
});

describe("configView", () => {
  it("shows no secret, neither parsed nor in the raw text, and hashes the raw text", async () => {
    const text = `{ // a comment stays\n channels: { telegram: { botToken: '123:very-secret' } }, gateway: { auth: { token: {$env: "T"} } } }`;
    const view = configView(await load(text), channels);
    expect(JSON.stringify(view)).not.toContain("very-secret");
    expect(view.raw).toBe(text.replace("123:very-secret", REDACTED));
    expect(view.parsed).toMatchObject({ gateway: { auth: { token: { $env: "T" } } } });
    expect(view.config).toMatchObject({
      gateway: { port: 18_789, auth: { localOwner: { scopes: expect.arrayContaining(["operator.admin"]) } } },
    });
    expect(view).toMatchObject({
      valid: true,
      exists: true,
      path: file,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it.each([
    ["a mistyped key", `{channels:{telegram:{botTokn:"123:very-secret"}}}`],
    ["an unknown channel", `{channels:{other:{key:["123:very-secret"]}}}`],
    ["a syntax error", `{channels:{telegram:{botToken:"123:very-secret" botToken}}}`],
    ["an escaped secret", `{channels:{telegram:{botToken:"123:very-\\u0073ecret"}}}`],
    ["arguments of a command", `{channels:{telegram:{botToken:{$exec:["pass","123:very-secret"]}}}}`],
  ])("shows no secret in the face of %s", async (_name, text) => {
    const shown = JSON.stringify(configView(await load(text), channels));
    expect(shown).not.toMatch(/very-(s|\\+u0073)ecret/);
    expect(shown).toContain(REDACTED);
  });
});

describe("readEnvironment", () => {
  it("lets flags beat variables, and variables beat the home directory", () => {
    const env = {
      OPENCLAW_STATE_DIR: "/env/state",
      OPENCLAW_CONFIG_PATH: "",
      OPENCLAW_GATEWAY_TOKEN: " t ",
      OPENCLAW_GATEWAY_PORT: "5",
    };
    const given = { env, home: "/home/a", cwd: "/srv" };
    expect(readEnvironment(given)).toMatchObject({
      token: "t",
      port: "5",
      paths: { configFile: "/env/state/openclaw.json" },
    });
    expect(readEnvironment({ ...given, stateDir: "here", configFile: "~/c.json" }).paths).toMatchObject({
      stateDir: "/srv/here",
      configFile: "/home/a/c.json",
      configDir: "/home/a",
    });
    expect(readEnvironment({ env: {}, home: "/home/a", cwd: "/" }).paths.stateDir).toBe("/home/a/.openclaw-host");
  });

  it("looks for extensions where flags, else the config, say", () => {
    const { paths } = readEnvironment({ env: {}, home: "/home/a", cwd: "/" });
    expect(extensionRoots(["/x"], { extensions: { paths: ["y"] } }, paths)).toEqual([{ path: "/x", required: true }]);
    expect(extensionRoots([], { extensions: { paths: ["y", 5] } }, paths)).toEqual([
      { path: "/home/a/.openclaw-host/y", required: true },
      { path: "/home/a/.openclaw-host/extensions", required: false },
    ]);
  });
});
