import { randomUUID } from "node:crypto";
import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { type FakeTelegram, ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { readEnvironment, startGateway } from "openclaw-host";
import { createGatewayClient } from "openclaw-host-sdk/client";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { cli, emptyHome } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];
const TOKEN = "test-token-0123456789abcdef0123456789abcdef";
/** The database may not grow beyond what it has; any size. */
const FULL = "max_page_count = 1";
const ROOM = "max_page_count = 1073741823";

interface Home {
  readonly path: string;
  readonly env: Record<string, string>;
}

/** A gateway inside this process, whose database can be made full; `from` is so from the start on. */
async function startLimited(home: Home, fake: FakeTelegram, from?: string) {
  const { port1: faults, port2 } = new MessageChannel();
  port2.unref();
  if (from !== undefined) port2.postMessage({ pragma: from });
  const telegram = { botToken: fake.token, apiRoot: fake.url, allowFrom: [String(ann.id)], pollTimeoutSeconds: 1 };
  const configFile = join(home.path, "config.json");
  const environment = readEnvironment({ env: home.env, home: home.path, cwd: home.path, configFile });
  await writeFile(configFile, JSON.stringify({ channels: { telegram } }), { mode: 0o600 });
  const options = { environment, port: 0, token: TOKEN, extensions, console: () => {}, version: "0.0.0" };
  const gateway = await startGateway(options, { faults });
  const client = createGatewayClient({
    url: gateway.url,
    token: TOKEN,
    client: { id: "test", mode: "test", version: "0.1.0", platform: process.platform },
    scopes: ["operator.admin", "operator.read", "operator.write"],
  });
  return {
    client,
    ready: async () => {
      const response = await fetch(`http://127.0.0.1:${gateway.port}/readyz`);
      return { status: response.status, body: await response.json() };
    },
    inject: (pragma: string) =>
      new Promise<void>((resolve) => {
        port2.once("message", () => resolve());
        port2.postMessage({ pragma });
      }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await gateway.close({ reason: "the test is over" });
      port2.close();
    },
  };
}

type Limited = Awaited<ReturnType<typeof startLimited>>;

/** Adds to a transcript until the disk refuses; returns how many were acknowledged. */
async function fill({ client }: Limited): Promise<number> {
  for (let count = 0; ; count += 1) {
    try {
      await client.call("chat.inject", { sessionKey: "main", message: `${count} ${"x".repeat(8_000)}` });
    } catch (error) {
      expect(error).toMatchObject({ code: "UNAVAILABLE" });
      return count;
    }
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

describe("a full disk", () => {
  verifies(
    "disk:full",
    async () => {
      await using home = await emptyHome();
      const fake = await startFakeTelegram();
      try {
        await using gateway = await startLimited(home, fake);
        const { client, ready } = gateway;
        fake.say("before");
        await fake.waitFor((call) => call.args["text"] === "echo: before", 15_000);
        await client.call("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: randomUUID() });
        const answers = async () =>
          (await client.call("chat.history", { sessionKey: "main", limit: 1000 })).messages.length;
        await until(async () => (await answers()) === 2);
        expect((await ready()).status).toBe(200);

        await gateway.inject(FULL);
        const acknowledged = await fill(gateway);
        const polls = () => fake.calls("getUpdates").length;
        const seen = polls();
        const { updateId } = fake.say("meanwhile");
        await until(() => polls() > seen + 1);
        expect(await ready()).toMatchObject({
          status: 503,
          body: { reasons: [expect.stringContaining("free some space")] },
        });
        expect(await client.call("health", { probe: true })).toMatchObject({ problems: [{ part: "disk" }] });
        expect(fake.pending().map((update) => update.update_id)).toContain(updateId);
        expect(await answers()).toBe(2 + acknowledged);
        expect(fake.sent("sendMessage")).toHaveLength(1);

        await gateway.inject(ROOM);
        await fake.waitFor((call) => call.args["text"] === "echo: meanwhile", 20_000);
        await until(async () => (await ready()).status === 200);
        expect(fake.sent("sendMessage").map((call) => call.args["text"])).toEqual(["echo: before", "echo: meanwhile"]);
        expect(await client.call("health", { probe: true })).not.toHaveProperty("problems");
      } finally {
        await fake.close();
      }
    },
    60_000,
  );
});

describe("a disk that has no room when the gateway starts", () => {
  verifies(
    "disk:start",
    async () => {
      await using home = await emptyHome();
      const fake = await startFakeTelegram();
      try {
        {
          await using first = await startLimited(home, fake);
          await first.client.call("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: randomUUID() });
          await first.inject(FULL);
          await fill(first);
        }
        fake.say("before it started");
        {
          await using gateway = await startLimited(home, fake, FULL);
          await until(async () => (await gateway.ready()).status === 503);
          expect((await gateway.ready()).body).toMatchObject({ reasons: [expect.stringContaining("free some space")] });
          const polls = fake.calls("getUpdates").length;
          await until(() => fake.calls("getUpdates").length > polls + 1);
          expect(fake.pending()).toHaveLength(1);
          expect(fake.sent("sendMessage")).toHaveLength(0);
          await gateway.inject(ROOM);
          await fake.waitFor((call) => call.args["text"] === "echo: before it started", 20_000);
          await until(async () => (await gateway.ready()).status === 200);
        }
        await expect(startLimited(home, fake, "query_only = 1")).rejects.toMatchObject({
          kind: "io",
          message: expect.stringContaining("check the disk, the file's permissions"),
        });
      } finally {
        await fake.close();
      }
      // By ulimit, which Windows lacks: no file of the process may grow beyond 1 KiB, as if there were no room left.
      if (process.platform === "win32") return;
      const noRoom = await cli(["gateway", "--port", "0"], home.env, "ulimit -f 2");
      expect(noRoom.code).toBe(1);
      expect(noRoom.stderr + noRoom.stdout).toContain("the disk that holds host.db is full: free some space");
    },
    60_000,
  );
});

describe("a state directory", () => {
  verifies("disk:shared", async () => {
    await using home = await emptyHome();
    const first = await cli(["backup", "create"], home.env);
    expect(first.stderr).toContain("there is nothing to back up");
    await chmod(home.path, 0o777);
    const env = { ...home.env, OPENCLAW_STATE_DIR: home.path };
    const result = await cli(["gateway", "--port", "0"], env);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`run: chmod 700 ${home.path}`);
  });

  verifies("backup:round-trip", async () => {
    await using gateway = await startGatewayProcess();
    const env = { HOME: gateway.stateDir, OPENCLAW_STATE_DIR: gateway.stateDir };
    const client = await gateway.client();
    const say = (message: string) =>
      client.call("agent", { message, sessionKey: "main", idempotencyKey: randomUUID() }, { expectFinal: true });
    await say("saved");
    const backup = await cli(["backup", "create", "--json"], env);
    const { path } = JSON.parse(backup.stdout) as { path: string };
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await say("not saved");
    const early = await cli(["backup", "restore", path], env);
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining(`kill ${gateway.pid}`)]);
    await gateway.stop();
    const restored = await cli(["backup", "restore", path], env);
    expect(restored.stdout).toContain("what was there before is in");
    expect((await readdir(gateway.stateDir)).some((name) => name.startsWith("replaced-"))).toBe(true);
    expect(await stat(join(gateway.stateDir, "host.db"))).toBeDefined();

    await using again = await startGatewayProcess({ stateDir: gateway.stateDir });
    const { messages } = await (await again.client()).call("chat.history", { sessionKey: "main" });
    expect(JSON.stringify(messages)).toContain("echo: saved");
    expect(JSON.stringify(messages)).not.toContain("not saved");
  });
});
