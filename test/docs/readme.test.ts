import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, emptyHome, runCli } from "../e2e/cli.ts";

const root = new URL("../..", import.meta.url).pathname;

/** Words of a command line with single and double quotes. */
const words = (line: string) =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");

it("the README's commands work as they stand", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const lines = readme.split("\n").filter((line) => line.startsWith("npx openclaw "));
  expect(lines).toHaveLength(3);
  await using home = await emptyHome();
  await using running = runCli(["gateway", "--extensions", join(root, "extensions")], home.env);
  await running.printed(/npx openclaw agent/);
  const env = { HOME: home.path, OPENCLAW_STATE_DIR: home.env["OPENCLAW_STATE_DIR"] ?? "" };
  for (const line of lines) {
    const filled = line.replace("<botToken>", "123456:from-bot-father").replace("<code>", "ABCD2345");
    const result = await cli(words(filled).slice(2), env);
    // Nobody has written to the bot here; test/e2e/policy.test.ts approves a real code.
    const expected = line.includes("<code>")
      ? { code: 1, stderr: expect.stringContaining("nobody waits on telegram with the code ABCD2345") }
      : { code: 0 };
    expect(result, `${line}\n${result.stderr}`).toMatchObject(expected);
  }
  const shown = await cli(["config", "get", "channels.telegram", "--json"], env);
  expect(JSON.parse(shown.stdout)).toHaveProperty("botToken");
}, 30_000);
