import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sourceFiles, violations } from "./tree.ts";

const run = promisify(execFile);
const root = new URL("../..", import.meta.url).pathname;
const bin = (name: string) => join(root, "node_modules/.bin", name);

const PLANTED = [
  ["extension -> core", "extensions/planted/src/index.ts", 'import "openclaw-host";\n'],
  ["core -> extension", "core/src/planted.ts", 'import "openclaw-channel-telegram";\n'],
  ["schemas -> sdk", "schemas/src/planted.ts", 'import "openclaw-host-sdk";\n'],
] as const;

describe("the import tree", () => {
  it("holds in every source file", async () => {
    expect(violations(await sourceFiles(root))).toEqual([]);
  });

  it.each(PLANTED)("turns red for a planted import %s", (_name, path, text) => {
    expect(violations([{ path, text }])).toHaveLength(1);
  });

  it.each([
    ["wire -> domain", "core/src/wire/planted.ts", 'import "../channels/inbox.ts";'],
    ["domain -> wire", "core/src/channels/planted.ts", 'import "../wire/events.ts";'],
    ["a room -> the composition root", "core/src/methods/planted.ts", 'import "../gateway.ts";'],
    ["one package's files from another", "sdk/src/planted.ts", 'import "../../core/src/gateway.ts";'],
  ])("turns red for a planted import %s", (_name, path, text) => {
    expect(violations([{ path, text }])).toHaveLength(1);
  });
});

describe("the linter and the compiler", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "openclaw-boundary-"));
    await cp(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [, path, text] of PLANTED) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(PLANTED)("lint refuses %s", async (_name, path) => {
    await expect(run(bin("oxlint"), ["-c", ".oxlintrc.json", path], { cwd: folder })).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining("no-restricted-imports"),
    });
  });

  it("tsc finds no module openclaw-host from an extension", async () => {
    const flags = [
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
      "--noUncheckedSideEffectImports",
    ];
    const compile = run(bin("tsc"), [...flags, "extensions/planted/src/index.ts"], { cwd: folder });
    await expect(compile).rejects.toMatchObject({ stdout: expect.stringMatching(/TS(2307|2882)/) });
  });
});
