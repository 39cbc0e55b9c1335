import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Secret } from "openclaw-host-schemas";
import { writeRunning } from "../config/running.ts";
import { runCli } from "./run.ts";

type Frame = Readonly<Record<string, unknown>>;
const HELLO = {
  type: "hello-ok",
  protocol: 4,
  server: { version: "9.9.9", connId: "c" },
  policy: { tickIntervalMs: 15_000 },
};
const TOKEN = "a-generated-token-of-the-gateway";

let home = "";
let stateDir = "";
const undo: (() => unknown)[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "openclaw-cli-"));
  stateDir = join(home, "state");
});
afterEach(async () => {
  for (const run of undo.splice(0).toReversed()) await run();
  await rm(home, { recursive: true, force: true });
});

/** Runs a command in an empty home. */
async function run(
  args: readonly string[],
  given: { env?: Record<string, string>; stdin?: string; interruptAt?: string } = {},
) {
  const output = { out: "", err: "" };
  const listeners = new Map<string, Set<(cause: unknown) => void>>();
  const code = await runCli(args, {
    out: (text) => {
      output.out += text;
      if (given.interruptAt === text) listeners.get("SIGINT")?.forEach((interrupt) => interrupt(undefined));
    },
    err: (text) => (output.err += text),
    stdin: (async function* () {
      yield given.stdin ?? "";
    })(),
    env: { OPENCLAW_STATE_DIR: stateDir, ...given.env },
    home,
    cwd: home,
    platform: "linux",
    signals: {
      on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
      off: (event, listener) => listeners.get(event)?.delete(listener),
    },
  });
  return { code, ...output };
}

/** A gateway on this host that speaks literal frames: `answer` gives the payloads of a request's responses. */
async function startPeer(answer: (method: string, params: Frame, send: (frame: Frame) => void) => readonly Frame[]) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const requests: { method: string; params: Frame }[] = [];
  server.on("connection", (socket) => {
    const send = (frame: Frame) => socket.send(JSON.stringify(frame));
    socket.on("message", (data: Buffer) => {
      const request = JSON.parse(data.toString()) as { id: string; method: string; params: Frame };
      requests.push(request);
      const payloads: readonly Frame[] =
        request.method === "connect" ? [HELLO] : answer(request.method, request.params, send);
      for (const payload of payloads) {
        const error = payload["error"];
        send({
          type: "res",
          id: request.id,
          ok: error === undefined,
          ...(error === undefined ? { payload } : { error }),
        });
      }
    });
    send({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 1 } });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  undo.push(() => {
    for (const socket of server.clients) socket.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  await writeRunning(join(stateDir, "gateway.json"), {
    at: { host: "127.0.0.1", port, pid: process.pid },
    extensions: [],
  });
  await writeFile(join(stateDir, "gateway.token"), `${TOKEN}\n`, { mode: 0o600 });
  return { requests, url: `ws://127.0.0.1:${port}` };
}

/** A folder with one extension whose manifest provides `channel`. */
async function plantExtension(channel: string): Promise<string> {
  const folder = join(home, "extensions", channel);
  await mkdir(folder, { recursive: true });
  const config = {
    type: "object",
    additionalProperties: false,
    required: ["botToken"],
    properties: { botToken: Secret(), apiRoot: { type: "string" } },
  };
  const manifest = {
    id: channel,
    version: "1.0.0",
    sdk: "^1",
    entry: { runtime: "index.js" },
    provides: { channels: [channel] },
    config: { [channel]: config },
    permissions: {},
  };
  await writeFile(join(folder, "index.js"), "");
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: channel, version: "1.0.0" }));
  await writeFile(join(folder, "openclaw.extension.json"), JSON.stringify(manifest));
  return join(home, "extensions");
}

describe("commands that call the gateway", () => {
  it("find address and token of this host's gateway without flags, and present no device", async () => {
    const peer = await startPeer(() => [{ ok: true, channelOrder: [] }]);
    const { code, out } = await run(["health", "--json"]);
    expect({ code, out: JSON.parse(out) }).toEqual({ code: 0, out: { ok: true, channelOrder: [] } });
    expect(peer.requests[0]?.params).toMatchObject({
      auth: { token: TOKEN },
      client: { id: "cli", mode: "cli" },
      scopes: ["operator.read"],
    });
    expect(peer.requests[0]?.params).not.toHaveProperty("device");
  });

  it("never send this host's token to a given address, and sign there", async () => {
    const peer = await startPeer(() => [{ ok: true }]);
    const refused = await run(["health", "--url", peer.url]);
    expect([refused.code, peer.requests.length]).toEqual([2, 0]);
    expect(refused.err).toContain("--url needs --token");
    expect((await run(["health", "--json", "--url", peer.url, "--token", "other"])).code).toBe(0);
    expect(peer.requests[0]?.params).toMatchObject({ auth: { token: "other" }, device: { nonce: "n" } });
    expect((await stat(join(stateDir, "identity", "device.json"))).mode & 0o777).toBe(0o600);
    expect((await run(["health", "--url", "ws://10.0.0.9:1", "--token", "t"])).err).toContain("wss://");
  });

  it("use the address and token of gateway.remote", async () => {
    const peer = await startPeer(() => [{ ok: true }]);
    const remote = { url: peer.url, token: { $env: "REMOTE_TOKEN" } };
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify({ gateway: { remote } }), { mode: 0o600 });
    expect((await run(["health", "--json"])).err).toContain("REMOTE_TOKEN is not set");
    expect((await run(["health", "--json"], { env: { REMOTE_TOKEN: "from-env" } })).code).toBe(0);
    expect(peer.requests[0]?.params).toMatchObject({ auth: { token: "from-env" } });
  });

  it("print the agent's answer once while it streams, without control characters", async () => {
    const peer = await startPeer((_method, params, send) => {
      const event = (text: string, delta: string) =>
        send({
          type: "event",
          event: "agent",
          payload: { runId: params["idempotencyKey"], seq: 1, stream: "assistant", data: { text, delta } },
        });
      event("one ", "one ");
      event("one two\n", "two\n");
      const result = { payloads: [{ text: "one two\nthree\u001b[2J", mediaUrl: null }], meta: {} };
      return [
        { runId: "r", status: "accepted" },
        { runId: "r", status: "ok", summary: "completed", result },
      ];
    });
    const { code, out } = await run(["agent", "hello", "--session", "main"]);
    expect({ code, out }).toEqual({ code: 0, out: "one two\nthree\\u001b[2J\n" });
    expect(peer.requests[1]?.params).toMatchObject({ message: "hello", sessionKey: "main" });
    expect((await run(["agent", " "])).code).toBe(2);
  });

  it("call any method with JSON params and print the first or the final answer", async () => {
    const peer = await startPeer(() => [{ status: "accepted" }, { status: "ok" }]);
    const call = ["gateway", "call", "agent", "--params", "{message:'x'}", "--json"];
    expect((await run(call)).out).toBe('{"status":"accepted"}\n');
    expect((await run([...call, "--expect-final"])).out).toBe('{"status":"ok"}\n');
    expect(peer.requests[1]).toMatchObject({ method: "agent", params: { message: "x" } });
    expect((await run(["gateway", "call", "health", "--params", "[1]"])).code).toBe(2);
  });

  it("tell a refusal with the next step, and as JSON for programs", async () => {
    const error = {
      code: "INVALID_REQUEST",
      message: "unauthorized: gateway token mismatch",
      details: { code: "AUTH_TOKEN_MISMATCH" },
    };
    await startPeer(() => [{ error }]);
    const told = await run(["status"]);
    expect(told.code).toBe(1);
    expect(told.err).toMatch(/token mismatch\nthe gateway was started with another token: pass it with --token/);
    expect(JSON.parse((await run(["status", "--json"])).err)).toMatchObject({
      error: { code: "INVALID_REQUEST", details: error.details },
    });
  });

  it.each([
    ["health"],
    ["agent", "hi"],
    ["send", "--to", "1", "--message", "x"],
    ["channels", "status"],
    ["logs", "--follow"],
  ])("exit with 3 and say how to start a gateway when none is running: %s", async (...args) => {
    const { code, err } = await run(args, { env: { OPENCLAW_GATEWAY_PORT: "0" } });
    expect(code).toBe(3);
    expect(err).toContain('start it with "openclaw gateway"');
  });

  it("follow the log from where the last answer ended, until an interrupt", async () => {
    const peer = await startPeer((_method, params) => [
      params["cursor"] === undefined ? { cursor: 7, lines: ["first"] } : { cursor: 9, lines: ["second"], reset: true },
    ]);
    const { code, out, err } = await run(["logs", "--follow", "--limit", "5"], { interruptAt: "second\n" });
    expect({ code, out }).toEqual({ code: 0, out: "first\nsecond\n" });
    expect(err).toContain("skipped");
    expect(peer.requests[2]).toMatchObject({ method: "logs.tail", params: { cursor: 7, limit: 5 } });
    expect((await run(["logs", "--limit", "0"])).code).toBe(2);
  });

  it("print the log readably, and straight from the file when no gateway is running", async () => {
    await mkdir(join(stateDir, "logs"), { recursive: true });
    const record = { time: "2026-01-01T00:00:00.000Z", level: "info", part: "wire", message: "listening", port: 5 };
    await writeFile(join(stateDir, "logs", "gateway.log"), `${JSON.stringify(record)}\nnot a record\n`);
    const { code, out } = await run(["logs"], { env: { OPENCLAW_GATEWAY_PORT: "0" } });
    expect({ code, out }).toEqual({
      code: 0,
      out: "2026-01-01T00:00:00.000Z info  wire listening port=5\nnot a record\n",
    });
  });
});

describe("channels", () => {
  it("add writes the token into the field the manifest marks as secret, and says what to do next", async () => {
    const roots = await plantExtension("pager");
    const file = join(stateDir, "openclaw.json");
    const { code, out } = await run(
      ["channels", "add", "pager", "--token", "-", "--allow-from", "42", "--extensions", roots],
      { stdin: "p-secret\n" },
    );
    expect(code).toBe(0);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
      channels: { pager: { botToken: "p-secret", allowFrom: ["42"] } },
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(out).toMatch(/start the gateway.*\n.*channels test pager/);
    expect(out).not.toContain("p-secret");
    const second = await run([
      "channels",
      "add",
      "pager",
      "--token-env",
      "PAGER",
      "--account",
      "a.b",
      "--set",
      "apiRoot=http://x",
      "--extensions",
      roots,
    ]);
    expect(second).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(await readFile(file, "utf8")).channels.pager.accounts).toEqual({
      "a.b": { botToken: { $env: "PAGER" }, apiRoot: "http://x" },
    });
  });

  it("add refuses an unknown channel, a wrong key and an empty change, and writes nothing", async () => {
    const roots = await plantExtension("pager");
    const add = (...args: string[]) => run(["channels", "add", ...args, "--extensions", roots]);
    expect((await add("pagre", "--token", "x")).err).toContain('did you mean "pager"?');
    expect((await add("pager", "--token", "x", "--set", "apiRoto=1")).err).toContain('did you mean "apiRoot"?');
    expect((await add("pager")).code).toBe(2);
    await expect(readFile(join(stateDir, "openclaw.json"))).rejects.toThrow(/ENOENT/);
  });

  it("knows the extensions the gateway was last started with", async () => {
    const roots = await plantExtension("pager");
    await writeRunning(join(stateDir, "gateway.json"), { extensions: [roots] });
    expect((await run(["channels", "add", "pager", "--token", "x"])).code).toBe(0);
    expect(
      JSON.parse((await run(["extension", "list", "--json"], { env: { OPENCLAW_GATEWAY_PORT: "0" } })).out),
    ).toEqual({
      extensions: [{ id: "pager", state: "discovered", version: "1.0.0" }],
    });
  });

  it("test writes to the owner, who stands first in allowFrom", async () => {
    const peer = await startPeer(() => [{ runId: "r", messageId: "m7", channel: "pager" }]);
    expect((await run(["channels", "test", "pager"])).err).toContain("channels add pager");
    const config = { channels: { pager: { botToken: "x", allowFrom: ["*", 42, "43"] } } };
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
    const { code, out } = await run(["channels", "test", "pager"]);
    expect({ code, out }).toEqual({ code: 0, out: "pager delivered message m7 to 42\n" });
    expect(peer.requests[1]).toMatchObject({ method: "send", params: { to: "42", channel: "pager" } });
  });
});

describe("config", () => {
  it("sets, shows and removes keys, with defaults filled in and no secret shown", async () => {
    expect((await run(["config", "get", "gateway.port"])).out).toBe("18789\n");
    expect((await run(["config", "set", "gateway.port", "18790"])).code).toBe(0);
    expect((await run(["config", "set", "gateway.auth.token", "a-secret-of-the-owner"])).code).toBe(0);
    expect((await run(["config", "get", "gateway.port", "--json"])).out).toBe("18790\n");
    expect((await run(["config", "get"])).out).not.toContain("a-secret-of-the-owner");
    expect((await run(["config", "unset", "gateway.port"])).code).toBe(0);
    expect((await run(["config", "get", "gateway.port"])).out).toBe("18789\n");
    expect((await run(["config", "get", "gateway.nothing"])).code).toBe(1);
    expect((await run(["config", "set", "gateway.prot", "1"])).err).toContain(
      'gateway.prot: unknown key; did you mean "port"?',
    );
  });

  it("validates the file, as text and as JSON", async () => {
    await mkdir(stateDir, { recursive: true });
    const file = join(stateDir, "openclaw.json");
    await writeFile(file, "{gatway: 1, models: 2, channels: {x: {}}}", { mode: 0o600 });
    const told = await run(["config", "validate"]);
    expect(told.code).toBe(1);
    expect(told.err).toMatch(/warning: models: not used[^]*2 faults:\n {2}gatway: [^]*channels\.x: no extension/);
    const { issues, warnings, valid } = JSON.parse((await run(["config", "validate", "--json"])).out);
    expect([valid, issues.length, warnings.length]).toEqual([false, 2, 1]);
    await writeFile(file, "{");
    expect((await run(["config", "validate"])).err).toMatch(/line 1, column 2/);
    await writeFile(file, "{}");
    await chmod(file, 0o600);
    expect((await run(["config", "validate"])).out).toContain("is valid");
  });
});

describe("the command line", () => {
  it.each([
    [[]],
    [["nonsense"]],
    [["channels"]],
    [["agent"]],
    [["health", "--bogus"]],
    [["agent", "hi", "--timeout", "soon"]],
    [["gateway", "--port", "99999"]],
  ])("exits with 2 and a hint for %j", async (args) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err).not.toBe("");
  });

  it("prints help and a completion script as results", async () => {
    const help = await run(["--help"]);
    expect([help.code, help.err]).toEqual([0, ""]);
    for (const name of [
      "gateway",
      "agent",
      "send",
      "status",
      "health",
      "channels",
      "config",
      "extension",
      "logs",
      "completion",
    ]) {
      expect(help.out).toContain(`openclaw ${name}`);
    }
    expect((await run(["completion"])).out).toContain("complete ");
    expect((await run(["config", "set", "--help"])).out).toContain("comments are lost");
  });
});
