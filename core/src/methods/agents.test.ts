import { describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { connId } from "../base/brand.ts";
import type { Agents } from "../sessions/agents.ts";
import { agentsMethods } from "./agents.ts";

const CONTEXT: RequestContext = {
  caller: {
    connId: connId("c"),
    role: "operator",
    scopes: ["operator.read"],
    identity: "local-owner",
    client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
    caps: [],
    protocol: 3,
  },
  accepted: () => undefined,
  signal: new AbortController().signal,
};

const AGENTS: Agents = {
  defaultId: "main",
  mainKey: "main",
  scope: "per-sender",
  profiles: [{ id: "main" }, { id: "work", name: "Desk", identity: { emoji: "🗂" } }],
};

const methods = agentsMethods({ agents: () => AGENTS });
const identity = async (params: { agentId?: string; sessionKey?: string }) =>
  methods["agent.identity.get"](params, CONTEXT);

describe("agents.list", () => {
  it("names the configured agents and the default", async () => {
    expect(await methods["agents.list"]({}, CONTEXT)).toEqual({
      defaultId: "main",
      mainKey: "main",
      scope: "per-sender",
      agents: [{ id: "main" }, { id: "work", name: "Desk", identity: { emoji: "🗂" } }],
    });
  });
});

describe("agent.identity.get", () => {
  it("has a default name and avatar", async () => {
    expect(await identity({})).toEqual({ agentId: "main", name: "Assistant", avatar: "A" });
  });

  it("takes the agent from its id or from a session key", async () => {
    const desk = { agentId: "work", name: "Desk", avatar: "🗂", emoji: "🗂" };
    expect(await identity({ agentId: "work" })).toEqual(desk);
    expect(await identity({ sessionKey: "agent:work:main" })).toEqual(desk);
    expect(await identity({ agentId: "work", sessionKey: "agent:work:main" })).toEqual(desk);
  });

  it("refuses an id that is not the key's agent", async () => {
    await expect(identity({ agentId: "main", sessionKey: "agent:work:main" })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: 'invalid agent.identity.get params: agent "main" does not match session key agent "work"',
    });
  });
});
