import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const main = new URL("./main.ts", import.meta.url).pathname;

/** Runs the process as a shell does, from source. */
async function openclaw(...args: string[]) {
  const home = await mkdtemp(join(tmpdir(), "openclaw-main-"));
  try {
    const env = { PATH: process.env["PATH"], HOME: home, OPENCLAW_GATEWAY_PORT: "0" };
    const child = spawn(process.execPath, ["--disable-sigusr1", main, ...args], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data: Buffer) => (output.stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output.stderr += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, ...output };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

describe("the openclaw process", () => {
  it("prints its version and nothing else", async () => {
    expect(await openclaw("--version")).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
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
