import { Secret } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../base/redact.ts";
import { validateConfig } from "../config/validate.ts";
import { reusedSecrets } from "./secret-reuse.ts";

const schema = { type: "object", properties: { botToken: Secret(), name: { type: "string" } } };
const channels = new Map([["pager", { extension: "pager", config: schema }]]);

function reused(pager: object, own: Record<string, string> = { "gateway.auth.token": "the-same" }) {
  const { config } = validateConfig({ channels: { pager } }, { channels });
  const deps = { env: { PAGER: "the-same" }, baseDir: "/", redactor: createRedactor() };
  return reusedSecrets(new Map(Object.entries(own)), { config, channels, extensions: [], deps });
}

describe("a secret of the gateway", () => {
  it.each([
    ["as it is", { botToken: "the-same" }, "channels.pager.botToken"],
    ["from the environment", { botToken: { $env: "PAGER" } }, "channels.pager.botToken"],
    ["in an account", { accounts: { a: { botToken: " the-same " } } }, "channels.pager.accounts.a.botToken"],
  ])("that a channel has, too, is found: %s", async (_how, pager, path) => {
    const issues = await reused(pager);
    expect(issues).toEqual([{ path, message: expect.stringContaining("same secret as gateway.auth.token") }]);
    expect(JSON.stringify(issues)).not.toContain("the-same");
  });

  it("is not taken for another one, nor for text that is no secret", async () => {
    expect(await reused({ botToken: "another", name: "the-same" })).toEqual([]);
    expect(await reused({ botToken: { $env: "NOT_SET" } })).toEqual([]);
  });

  it("may not be two at once", async () => {
    const own = { "gateway.auth.token": "x", "gateway.auth.trustedProxy.secret": "x" };
    expect((await reused({}, own)).map(({ path }) => path)).toEqual(["gateway.auth.trustedProxy.secret"]);
  });

  it("is looked for without running commands", async () => {
    expect(await reused({ botToken: { $exec: ["/bin/sh", "-c", "echo the-same"] } })).toEqual([]);
  });
});
