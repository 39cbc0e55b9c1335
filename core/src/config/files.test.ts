import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemIds } from "../base/ids.ts";
import { writePrivateFile } from "./files.ts";
import { readRunning, writeRunning } from "./running.ts";
import { ensureToken, readToken, tokenHint } from "./token.ts";

let dir = "";
let umask = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openclaw-files-"));
  umask = process.umask(0o000);
});
afterEach(async () => {
  process.umask(umask);
  await rm(dir, { recursive: true, force: true });
});

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe("private files under umask 000", () => {
  it("makes folders 0700 and files 0600, and leaves no draft behind", async () => {
    const file = join(dir, "a", "b", "c.json");
    await writePrivateFile(file, "1");
    await writePrivateFile(file, "2");
    expect(await readFile(file, "utf8")).toBe("2");
    expect([await modeOf(join(dir, "a")), await modeOf(join(dir, "a", "b")), await modeOf(file)]).toEqual([
      "700",
      "700",
      "600",
    ]);
    expect(await readdir(join(dir, "a", "b"))).toEqual(["c.json"]);
  });

  it("keeps the old file and no draft when writing fails", async () => {
    await mkdir(join(dir, "target"));
    await expect(writePrivateFile(join(dir, "target"), "x")).rejects.toThrow();
    expect(await readdir(dir)).toEqual(["target"]);
  });
});

describe("ensureToken", () => {
  it("makes 32 random bytes once, mode 0600, and finds them again", async () => {
    const file = join(dir, "gateway.token");
    expect(await readToken(file)).toBeUndefined();
    const token = await ensureToken(file, systemIds);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(await modeOf(file)).toBe("600");
    await chmod(file, 0o644);
    expect(await ensureToken(file, systemIds)).toBe(token);
    expect(await modeOf(file)).toBe("600");
    expect([tokenHint(token), tokenHint("short")]).toEqual([`${token.slice(0, 4)}…`, "…"]);
  });

  it("refuses a token that is too short to be one, without showing it", async () => {
    const file = join(dir, "gateway.token");
    await writeFile(file, "abc");
    await expect(ensureToken(file, systemIds)).rejects.toThrow(/fewer than 16 characters: delete it/);
  });
});

describe("the running gateway's record", () => {
  it("tells address and extension roots, and nothing for a damaged file", async () => {
    const file = join(dir, "gateway.json");
    expect(await readRunning(file)).toEqual({ extensions: [] });
    const at = { host: "127.0.0.1", port: 18_789, pid: 7 };
    await writeRunning(file, { at, extensions: ["/x"] });
    expect(await readRunning(file)).toEqual({ at, extensions: ["/x"] });
    await writeRunning(file, { extensions: ["/x"] });
    expect(await readRunning(file)).toEqual({ extensions: ["/x"] });
    await writeFile(file, "{");
    expect(await readRunning(file)).toEqual({ extensions: [] });
  });
});
