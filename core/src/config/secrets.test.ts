import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRedactor } from "../base/redact.ts";
import { parseSchema } from "./json-schema.ts";
import { resolveSecrets } from "./secrets.ts";

const account = { type: "object", properties: { token: Secret(), name: { type: "string" } } };
const schema = parseSchema({
  type: "object",
  properties: { ...account.properties, accounts: { type: "object", patternProperties: { "^.+$": account } } },
});

let baseDir = "";
beforeEach(async () => {
  baseDir = await mkdtemp(join(tmpdir(), "openclaw-secrets-"));
});
afterEach(() => rm(baseDir, { recursive: true, force: true }));

const resolveIn = (value: unknown, redactor = createRedactor()) =>
  resolveSecrets(
    { schema, value, path: "channels.x" },
    { env: { PATH: process.env["PATH"], FROM_ENV: "env-value", EMPTY: "" }, baseDir, redactor },
  );

describe("resolveSecrets", () => {
  it("resolves literals, variables, files and commands at every depth and registers each value", async () => {
    await writeFile(join(baseDir, "token.txt"), "file-value\n");
    const redactor = createRedactor();
    const accounts = {
      a: { token: { $env: "FROM_ENV" } },
      b: { token: { $file: "token.txt" } },
      c: { token: { $exec: [process.execPath, "-p", "'exec-' + 'value'"] } },
    };
    const { value, issues, release } = await resolveIn({ token: " literal ", name: "literal", accounts }, redactor);
    expect(issues).toEqual([]);
    expect(value).toEqual({
      token: "literal",
      name: "literal",
      accounts: { a: { token: "env-value" }, b: { token: "file-value" }, c: { token: "exec-value" } },
    });
    const all = "literal env-value file-value exec-value";
    expect(redactor.text(all)).toBe("[redacted] [redacted] [redacted] [redacted]");
    release();
    expect(redactor.text(all)).toBe(all);
  });

  it.each([
    [{ $env: "MISSING" }, /the environment variable MISSING is not set/],
    [{ $env: "EMPTY" }, /is empty/],
    [{ $file: "missing.txt" }, /missing.txt cannot be read \(ENOENT\)/],
    [{ $exec: ["no-such-command-here", "hunter2"] }, /the command no-such-command-here failed \(ENOENT\)/],
    [{ $exec: [process.execPath, "-e", "console.error('hunter2'); process.exit(3)"] }, /failed \(3\)/],
  ])("locates a secret that cannot be had: %j", async (source, message) => {
    const { value, issues } = await resolveIn({ accounts: { a: { token: source, name: "n" } } });
    expect(issues).toEqual([{ path: "channels.x.accounts.a.token", message: expect.stringMatching(message) }]);
    expect(JSON.stringify(issues)).not.toContain("hunter2");
    expect(value).toEqual({ accounts: { a: { name: "n" } } });
  });
});
