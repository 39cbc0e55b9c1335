import { Secret, Type } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../base/redact.ts";
import { parseSchema } from "../config/json-schema.ts";
import { resolveSecrets } from "../config/secrets.ts";
import type { Discovered } from "../host/discover/discover.ts";
import { createAgentConfigs } from "./agent-config.ts";

const redactor = createRedactor();

const provider = (id: string, agent: string): Discovered => ({
  state: "discovered",
  id,
  path: `/x/${id}`,
  entry: `/x/${id}/index.js`,
  manifest: {
    id,
    version: "1.0.0",
    sdk: "^1",
    entry: { runtime: "./index.js" },
    provides: { agents: [agent] },
    config: { [agent]: Type.Object({ apiKey: Secret(), model: Type.String() }) },
    permissions: {},
  },
});

const agentConfig = createAgentConfigs({
  extensions: [
    { ...provider("refused", "llm"), state: "refused", refusal: { reason: "old", fix: "update" } },
    provider("agent-llm", "llm"),
    provider("agent-broken", "broken"),
    provider("agent-bare", "bare"),
    provider("constructor", "inherited"),
  ],
  entries: {
    "agent-llm": { enabled: true, config: { apiKey: { $env: "LLM_KEY" }, model: "m1" } },
    "agent-broken": { enabled: true, config: { apiKey: { $env: "NO_KEY" }, model: "m1" } },
  },
  async resolve(schema, value, path) {
    const deps = { env: { LLM_KEY: "a key of length" }, baseDir: "/", redactor };
    const { value: resolved, issues } = await resolveSecrets({ schema: parseSchema(schema), value, path }, deps);
    if (issues[0] !== undefined) throw new Error(`${issues[0].path}: ${issues[0].message}`);
    return resolved;
  },
});

describe("the config of an agent", () => {
  it("has its secrets in place, and they are redacted from then on", async () => {
    expect(await agentConfig("llm")).toEqual({ apiKey: "a key of length", model: "m1" });
    expect(redactor.text("it is a key of length")).toBe("it is [redacted]");
  });

  it("names the secret that cannot be read, and where it stands", async () => {
    await expect(agentConfig("broken")).rejects.toThrow(
      "extensions.entries.agent-broken.config.apiKey: the environment variable NO_KEY is not set: export it before the start",
    );
  });

  it("is empty when nothing is configured, or nobody provides the agent", async () => {
    expect(await agentConfig("bare")).toEqual({});
    expect(await agentConfig("inherited")).toEqual({});
    expect(await agentConfig("nobody")).toEqual({});
  });
});
