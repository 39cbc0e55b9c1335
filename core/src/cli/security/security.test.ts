import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deviceId } from "../../base/brand.ts";
import { loadServerKey } from "../../auth/tokens.ts";
import { openStore } from "../../store/db.ts";
import { type TestDir, makeTestDir, silentLog } from "../../store/test-store.ts";
import { runCli } from "../run.ts";
import type { Finding } from "./finding.ts";

const TOKEN = "0f9a4c71d2b85e36a7c1908d4e5f62b3";
let home: TestDir;
let state: string;
beforeEach(() => {
  home = makeTestDir();
  state = join(home.path, "state");
  mkdirSync(state, { mode: 0o700 });
});
afterEach(() => home.remove());

/** Writes a file whatever the umask. */
function put(name: string, text: string, mode = 0o600): string {
  const path = join(state, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

async function run(...args: string[]) {
  const output = { out: "", err: "" };
  const code = await runCli(["security", "audit", ...args], {
    out: (text) => (output.out += text),
    err: (text) => (output.err += text),
    stdin: (async function* () {})(),
    env: { OPENCLAW_STATE_DIR: state },
    home: home.path,
    cwd: home.path,
    platform: "linux",
    signals: { on: () => undefined, off: () => undefined },
  });
  return { code, ...output };
}

async function findings(...args: string[]) {
  const { code, out, err } = await run("--json", ...args);
  expect(err).toBe("");
  return { code, found: (JSON.parse(out) as { findings: Finding[] }).findings };
}

/** A folder of extensions with one that provides the channel `chat`. */
function plant(): { readonly root: string; readonly entry: string } {
  const root = join(home.path, "extensions");
  const folder = join(root, "mine");
  const entry = join(folder, "index.js");
  mkdirSync(folder, { recursive: true });
  writeFileSync(entry, "");
  const manifest = {
    id: "mine",
    version: "1.0.0",
    sdk: "^1",
    entry: { runtime: "index.js" },
    provides: { channels: ["chat"] },
    config: { chat: { type: "object", additionalProperties: false, properties: {} } },
    permissions: {},
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "mine", version: "1.0.0" }));
  writeFileSync(join(folder, "openclaw.extension.json"), JSON.stringify(manifest));
  return { root, entry };
}

/** Those that are worse than info. */
const bad = (found: readonly Finding[]) => found.filter(({ severity }) => severity !== "info");

test("a state directory as the gateway makes it has nothing worse than info", async () => {
  put("gateway.token", TOKEN);
  put("openclaw.json", "{}");
  const { code, found } = await findings();
  expect([code, bad(found)]).toEqual([0, []]);
});

test("looking makes no file: an empty state directory stays empty", async () => {
  expect((await findings()).code).toBe(0);
  expect(() => statSync(join(state, "gateway.token"))).toThrow("ENOENT");
});

test("files others can read or change are critical, and --fix mends modes and nothing else", async () => {
  const key = put("server.key", "k".repeat(32), 0o644);
  const config = put(
    "openclaw.json",
    JSON.stringify({ extensions: { paths: [plant().root] }, channels: { chat: { dmPolicy: "open" } } }),
    0o666,
  );
  chmodSync(state, 0o755);
  const before = await findings();
  expect(before.code).toBe(1);
  const messages = before.found.filter(({ check }) => check === "files").map(({ message }) => message);
  expect(messages).toEqual(
    expect.arrayContaining([
      expect.stringContaining(`${key} can be read`),
      expect.stringContaining(`${config} can be changed`),
      expect.stringContaining(`${state} can be read`),
    ]),
  );
  const after = await findings("--fix");
  expect(after.found.filter(({ check }) => check === "files")).toEqual([]);
  expect([key, config, state].map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(["600", "600", "700"]);
  expect(bad(after.found).map(({ check }) => check)).toContain("policy");
});

test("--fix does not follow a link out of the state directory", async () => {
  const outside = join(home.path, "outside");
  writeFileSync(outside, "x");
  chmodSync(outside, 0o644);
  symlinkSync(outside, join(state, "link"));
  expect((await findings("--fix")).code).toBe(0);
  expect((statSync(outside).mode & 0o777).toString(8)).toBe("644");
});

test("a parent that every user can change is critical", async () => {
  chmodSync(home.path, 0o777);
  const { code, found } = await findings();
  expect([code, found.map(({ message }) => message).join()]).toEqual([
    1,
    expect.stringContaining("leads to the state"),
  ]);
});

test("the folder and entry of an extension must not be writable by others", async () => {
  const { root, entry } = plant();
  chmodSync(entry, 0o666);
  put("openclaw.json", JSON.stringify({ extensions: { paths: [root] } }));
  expect(bad((await findings()).found)).toEqual([
    expect.objectContaining({ severity: "critical", check: "extensions", message: expect.stringContaining(entry) }),
  ]);
  expect(bad((await findings("--fix")).found)).toEqual([]);
  expect(statSync(entry).mode & 0o022).toBe(0);
});

test("a weak secret, open doors and inline extensions are warnings, told without the secret", async () => {
  const config = {
    gateway: { auth: { token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
    channels: {
      chat: { allowFrom: ["*", "@somebody"], accounts: { b: { dmPolicy: "open", groupPolicy: "open" } } },
    },
    extensions: { paths: [plant().root], entries: { mine: { isolation: "inline" } } },
  };
  put("openclaw.json", JSON.stringify(config));
  const { found, code } = await findings();
  const text = JSON.stringify(found);
  expect(text).not.toContain(config.gateway.auth.token);
  const told = bad(found).map(({ check }) => check);
  expect(told.filter((check) => check === "policy")).toHaveLength(4);
  expect(told).toEqual(expect.arrayContaining(["secrets", "extensions"]));
  expect(code).not.toBe(0);
});

test("a configuration that the gateway refuses is critical", async () => {
  put("openclaw.json", "{ gateway: { port: 'x' } }");
  const { code, found } = await findings();
  expect([code, bad(found)[0]?.check]).toEqual([1, "config"]);
});

test("devices unused for 90 days are warnings by name, which cannot forge a line", async () => {
  loadServerKey(join(state, "server.key"));
  const store = await openStore({ path: join(state, "host.db"), log: silentLog, onFatal: () => {} });
  await store.run("devices.pair", {
    reasons: ["not-paired"],
    claim: {
      deviceId: deviceId("cd".repeat(32)),
      publicKey: "k",
      signature: "v3",
      role: "operator",
      scopes: ["operator.admin"],
      displayName: "old\nphone\u001b[2J",
    },
    at: Date.now() - 91 * 86_400_000,
  });
  await store.close();
  const { code, out } = await run();
  expect(code).toBe(4);
  expect(out).toContain('warn devices: device cdcdcdcdcdcd "old\\nphone\\u001b[2J" was not used for 91 days');
  expect(out).toContain("info scopes: device cdcdcdcdcdcd");
});

test("a damaged database is told and does not end the rest", async () => {
  put("host.db", "not a database".repeat(200));
  const { found } = await findings();
  expect(found.map(({ check }) => check)).toContain("devices");
  rmSync(join(state, "host.db"));
});
