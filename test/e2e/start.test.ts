import { readFile, readdir, readlink, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { cli, emptyHome, runCli } from "./cli.ts";
import { openReady, openSocket } from "./sockets.ts";
import { verifies } from "./verifies.ts";

const extensions = new URL("../../extensions", import.meta.url).pathname;

/** Commands of every process below `pid`, from /proc. */
async function childrenOf(pid: number): Promise<string[]> {
  const tasks = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return Promise.all(
    tasks
      .split(" ")
      .filter(Boolean)
      .map((child) => readFile(`/proc/${child}/cmdline`, "utf8")),
  );
}

/** Local ports a process listens on, from /proc. */
async function listeningPorts(pid: number): Promise<number[]> {
  const LISTEN = "0A";
  const links = await Promise.all((await readdir(`/proc/${pid}/fd`)).map((fd) => linkOf(pid, fd)));
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/${pid}/net/${table}`, "utf8")));
  const rows = tables.flatMap((table) =>
    table
      .trim()
      .split("\n")
      .slice(1)
      .map((row) => row.trim().split(/\s+/)),
  );
  const open = rows.filter((row) => row[3] === LISTEN && inodes.has(row[9] ?? ""));
  return [...new Set(open.map((row) => Number.parseInt(row[1]?.split(":")[1] ?? "", 16)))];
}

async function linkOf(pid: number, fd: string): Promise<string> {
  return readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
}

describe("start", () => {
  verifies("start:unconfigured", async () => {
    await using home = await emptyHome();
    await using running = runCli(["gateway"], home.env);
    const text = await running.printed(/npx openclaw agent/);
    const tokenPath = join(home.env["OPENCLAW_STATE_DIR"] ?? "", "gateway.token");
    const token = (await readFile(tokenPath, "utf8")).trim();
    expect(text).toContain("127.0.0.1");
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect((await stat(tokenPath)).mode & 0o777).toBe(0o600);
    expect((await stat(home.env["OPENCLAW_STATE_DIR"] ?? "")).mode & 0o777).toBe(0o700);
    expect(text).not.toContain(token);
  });

  verifies("start:extensions-explained", async () => {
    await using home = await emptyHome();
    await using running = runCli(["gateway", "--extensions", extensions], home.env);
    const text = await running.printed(/npx openclaw agent/);
    expect(text).toMatch(/telegram.*inactive/);
    expect(text).toContain("openclaw channels add telegram --token");
  });

  verifies("start:no-channel-library", async () => {
    await using gateway = await startGatewayProcess({ extensions: [extensions] });
    const client = await gateway.client();
    const { extensions: listed } = await client.call("extensions.list", {});
    expect(listed).toMatchObject([{ id: "telegram", state: "enabled" }]);
    expect(await childrenOf(gateway.pid)).toEqual([]);
    expect(await readFile(`/proc/${gateway.pid}/maps`, "utf8")).not.toContain("grammy");
  });

  verifies("start:lock", async () => {
    await using gateway = await startGatewayProcess();
    const second = await cli(["gateway", "--port", "0"], {
      HOME: gateway.stateDir,
      OPENCLAW_STATE_DIR: gateway.stateDir,
    });
    expect(second.code).toBe(1);
    expect(second.elapsedMs).toBeLessThan(2_000);
    expect(second.stderr + second.stdout).toContain(String(gateway.pid));
  });

  verifies("start:lock-after-kill", async () => {
    await using gateway = await startGatewayProcess();
    await gateway.stop("SIGKILL");
    await using next = await startGatewayProcess({ stateDir: gateway.stateDir });
    expect(next.port).toBeGreaterThan(0);
  });

  verifies("start:bad-config", async () => {
    await using home = await emptyHome();
    const config = {
      gatway: {},
      gateway: { port: "many", auth: { mode: "magic" } },
      channels: { telegarm: {}, telegram: { botTokn: "x" } },
    };
    const path = join(home.path, "config.json");
    await writeFile(path, JSON.stringify(config));
    const result = await cli(["gateway", "--config", path, "--extensions", extensions], home.env);
    expect(result.code).toBe(1);
    for (const located of [
      "gatway",
      "gateway.port",
      "gateway.auth.mode",
      "channels.telegarm",
      "channels.telegram.botTokn",
    ]) {
      expect(result.stderr).toContain(located);
    }
    expect(result.stderr).toContain("botToken");
  });

  verifies("start:config-syntax", async () => {
    await using home = await emptyHome();
    const path = join(home.path, "config.json");
    await writeFile(path, "{\n  gateway: {\n    port: ,\n  }\n}\n");
    const result = await cli(["gateway", "--config", path], home.env);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/line 3.*column 1[01]/);
  });

  verifies("start:no-inspector", async () => {
    await using home = await emptyHome();
    await using running = runCli(["gateway", "--json"], home.env);
    const listening = JSON.parse(
      (await running.printed(/"message":"listening".*\n/)).split("\n").find((line) => line.includes('"listening"')) ??
        "{}",
    );
    const pid = JSON.parse(await readFile(join(home.env["OPENCLAW_STATE_DIR"] ?? "", "gateway.json"), "utf8")).pid;
    process.kill(pid, "SIGUSR1");
    await using socket = await openSocket(`ws://127.0.0.1:${listening.port}`);
    await socket.frame((frame) => frame.event === "connect.challenge");
    expect(await listeningPorts(pid)).toEqual([listening.port]);
  });
});

describe("stop", () => {
  verifies("stop:sigterm", async () => {
    await using gateway = await startGatewayProcess();
    await using socket = await openReady(gateway);
    const startedAt = performance.now();
    const exit = await gateway.stop("SIGTERM");
    expect(exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await socket.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(socket.frames.at(-1)).toMatchObject({ event: "shutdown", payload: { reason: expect.any(String) } });
  });

  verifies("stop:dead-platform", async () => {
    // Accepts connections and never answers.
    const asked = Promise.withResolvers<void>();
    const silent = createServer((socket) => {
      socket.on("error", () => {}).resume();
      asked.resolve();
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const apiRoot = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const config = {
      channels: { telegram: { botToken: "123456:silent", apiRoot, dmPolicy: "open", allowFrom: ["*"] } },
    };
    const startedAt = performance.now();
    await using gateway = await startGatewayProcess({ extensions: [extensions], config });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await asked.promise;
    const client = await gateway.client();
    expect(await client.call("health", {})).toMatchObject({ ok: true });
    const stopAt = performance.now();
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    expect(performance.now() - stopAt).toBeLessThan(5_000);
    await new Promise((resolve) => silent.close(resolve));
  });
});
