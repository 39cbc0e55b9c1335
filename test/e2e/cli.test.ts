import { startFakeTelegram } from "openclaw-channel-telegram/fake";
import { describe, expect } from "vitest";
import { cli, emptyHome, runCli } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = new URL("../../extensions", import.meta.url).pathname;
const STARTED = /npx openclaw agent/;

describe("the command line on the gateway's own host", () => {
  verifies("cli:agent", async () => {
    await using home = await emptyHome();
    await using running = runCli(["gateway"], home.env);
    await running.printed(STARTED);
    const env = { HOME: home.env["HOME"] ?? "", OPENCLAW_STATE_DIR: home.env["OPENCLAW_STATE_DIR"] ?? "" };
    const answered = await cli(["agent", "hello"], env);
    expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining("echo: hello") });
    const asJson = await cli(["agent", "hello", "--json"], env);
    expect(JSON.parse(asJson.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ status: "ok" });
    expect(
      await cli(
        [
          "gateway",
          "call",
          "agent",
          "--params",
          JSON.stringify({ message: "hi", idempotencyKey: "k1", agentId: "main" }),
          "--expect-final",
          "--json",
        ],
        env,
      ),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("echo: hi"),
    });
    for (const command of [
      ["health"],
      ["status"],
      ["logs"],
      ["channels", "status"],
      ["extension", "list"],
      ["config", "get"],
    ]) {
      const plain = await cli(command, env);
      expect(plain, command.join(" ")).toMatchObject({ code: 0 });
      const json = await cli([...command, "--json"], env);
      expect(json.code, command.join(" ")).toBe(0);
      for (const line of json.stdout.trim().split("\n").filter(Boolean)) JSON.parse(line);
    }
  });

  verifies("cli:channel-setup", async () => {
    await using home = await emptyHome();
    const fake = await startFakeTelegram();
    const env = { HOME: home.env["HOME"] ?? "", OPENCLAW_STATE_DIR: home.env["OPENCLAW_STATE_DIR"] ?? "" };
    {
      await using first = runCli(["gateway", "--extensions", extensions], home.env);
      await first.printed(STARTED);
      const added = await cli(["channels", "add", "telegram", "--token", fake.token], env);
      expect(added, added.stderr).toMatchObject({ code: 0 });
      expect(await cli(["config", "set", "channels.telegram.apiRoot", fake.url], env)).toMatchObject({ code: 0 });
      expect(await cli(["config", "set", "channels.telegram.allowFrom", '["100000001"]'], env)).toMatchObject({
        code: 0,
      });
      const shown = await cli(["config", "get", "channels.telegram"], env);
      expect(shown.stdout).toContain("100000001");
      expect(shown.stdout).not.toContain(fake.token);
      const wrong = await cli(["config", "set", "channels.telegram.botTokn", "x"], env);
      expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("botToken") });
      expect(await cli(["config", "validate"], env)).toMatchObject({ code: 0 });
    }
    const away = await cli(["health"], env);
    expect(away).toMatchObject({ code: 3, stderr: expect.stringContaining("openclaw gateway") });
    await using second = runCli(["gateway", "--extensions", extensions], home.env);
    await second.printed(STARTED);
    fake.say("configured?");
    await fake.waitFor((call) => call.args["text"] === "echo: configured?", 15_000);
    const tested = await cli(["channels", "test", "telegram"], env);
    expect(tested, tested.stderr).toMatchObject({ code: 0 });
    expect(fake.sent("sendMessage")).toHaveLength(2);
    await fake.close();
  });
});
