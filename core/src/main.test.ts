import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const main = new URL("./main.ts", import.meta.url).pathname;

/** Runs the process as a shell does, from source, in an empty home. */
async function openclaw(...args: string[]) {
  const home = await mkdtemp(join(tmpdir(), "openclaw-main-"));
  try {
    return await openclawIn(home, ...args);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const startIn = (home: string, args: readonly string[]) =>
  spawn(process.execPath, ["--disable-sigusr1", main, ...args], {
    env: { PATH: process.env["PATH"], HOME: home, OPENCLAW_GATEWAY_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });

async function openclawIn(home: string, ...args: string[]) {
  const child = startIn(home, args);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => (output.stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output.stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, ...output };
}

/** Resolves when a started process has printed what fits. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const add = (data: Buffer) => {
      text += data.toString();
      if (pattern.test(text)) resolve(text);
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    child.once("close", (code) => reject(new Error(`ended with ${code} before it printed ${pattern}:\n${text}`)));
  });
}

describe("openclaw gateway", () => {
  it("starts with nothing configured, is found by other commands, and ends with 0 on SIGTERM", async () => {
    const home = await mkdtemp(join(tmpdir(), "openclaw-main-"));
    const child = startIn(home, ["gateway"]);
    const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
    try {
      const summary = await printed(child, /npx openclaw agent/);
      const token = (await readFile(join(home, ".openclaw-host", "gateway.token"), "utf8")).trim();
      expect(summary).toContain(token.slice(0, 4));
      expect(summary).not.toContain(token);
      const answer = await openclawIn(home, "agent", "hello");
      expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining("hello") });
      expect(await openclawIn(home, "status")).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("none found"),
      });
      expect(await openclawIn(home, "logs")).toMatchObject({ code: 0, stdout: expect.stringContaining("listening") });
    } finally {
      child.kill("SIGTERM");
    }
    expect(await closed).toBe(0);
    await rm(home, { recursive: true, force: true });
  });
});

describe("the openclaw process", () => {
  it("prints its version and nothing else", async () => {
    expect(await openclaw("--version")).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });

  it("ends quietly when its reader goes away", async () => {
    const child = startIn(tmpdir(), ["--help"]);
    child.stdout.destroy();
    let errors = "";
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expect(errors).toBe("");
  });

  it("separates results, errors and exit codes", async () => {
    expect(await openclaw("config", "get", "session.mainKey")).toEqual({ code: 0, stdout: "main\n", stderr: "" });
    expect(await openclaw("health")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringContaining("openclaw gateway"),
    });
    expect(await openclaw("helth")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("Did you mean health?"),
    });
    const { code, stderr } = await openclaw("status", "--json");
    expect([code, JSON.parse(stderr)]).toEqual([3, { error: { code: "UNREACHABLE", message: expect.any(String) } }]);
  });
});
