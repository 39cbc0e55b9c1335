import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startFakeTelegram } from "openclaw-channel-telegram/fake";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { emptyHome } from "./cli.ts";
import { verifies } from "./verifies.ts";

const telegram = new URL("../../extensions/telegram", import.meta.url).pathname;

/** Plants one extension folder. */
async function plant(folder: string, files: Record<string, string | object>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
}

const manifest = (id: string, more: object = {}) => ({
  id,
  version: "1.0.0",
  sdk: "^1",
  entry: { runtime: "./index.js" },
  provides: { channels: [`${id}-channel`] },
  config: {},
  activation: ["startup"],
  permissions: {},
  ...more,
});

const packageJson = { type: "module" };

describe("the extension host", () => {
  verifies("host:broken-extensions", async () => {
    await using home = await emptyHome();
    const fake = await startFakeTelegram();
    const at = (name: string) => join(home.path, "broken", name);
    await plant(at("a-throws"), {
      "package.json": packageJson,
      "openclaw.extension.json": manifest("throws"),
      "index.js": "throw new Error('boom at load');",
    });
    await plant(at("b-exits"), {
      "package.json": packageJson,
      "openclaw.extension.json": manifest("exits"),
      "index.js": "process.exit(7);",
    });
    await plant(at("c-json"), { "package.json": packageJson, "openclaw.extension.json": "{ not json" });
    await plant(at("d-old"), {
      "package.json": packageJson,
      "openclaw.extension.json": manifest("old", { sdk: "^99" }),
      "index.js": "",
    });
    await plant(at("e-collides"), {
      "package.json": packageJson,
      "openclaw.extension.json": manifest("collides", { provides: { channels: ["telegram"] } }),
      "index.js": "",
    });
    const config = {
      channels: { telegram: { botToken: fake.token, apiRoot: fake.url, dmPolicy: "open", allowFrom: ["*"] } },
    };
    await using gateway = await startGatewayProcess({ extensions: [telegram, join(home.path, "broken")], config });
    fake.say("still here?");
    await fake.waitFor((call) => call.args["text"] === "echo: still here?", 15_000);
    const client = await gateway.client();
    const settled = async () => {
      for (;;) {
        const { extensions } = await client.call("extensions.list", {});
        if (!extensions.some((row) => row.state === "loading")) return extensions;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const rows = Object.fromEntries((await settled()).map((row) => [row.id, row]));
    expect(rows["telegram"]).toMatchObject({ state: "active" });
    expect(rows["throws"]).toMatchObject({
      state: expect.stringMatching(/crashed|backoff|quarantined|refused/),
      reason: expect.stringContaining("boom at load"),
    });
    expect(rows["exits"]).toMatchObject({
      state: expect.stringMatching(/crashed|backoff|quarantined/),
      reason: expect.stringMatching(/7|exit/),
    });
    expect(rows["c-json"]).toMatchObject({ state: "refused", reason: expect.stringMatching(/line 1/) });
    expect(rows["old"]).toMatchObject({ state: "refused", reason: expect.stringContaining("99") });
    expect(rows["collides"]).toMatchObject({ state: "refused", reason: expect.stringContaining("telegram") });
    await fake.close();
  });
});
