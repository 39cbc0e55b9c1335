import type { Inbound, Peer } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { type Routing, keySegment, laneKey, resolveRoute } from "./route.ts";

const routing: Routing = {
  agentId: "main",
  mainKey: "main",
  scope: "per-sender",
  mainFor: ["x:42", "@ada", "*"],
  bindings: [],
};
const from = (peer: Peer, sender: { id: string; handle?: string } = { id: "42" }): Inbound => ({
  type: "message",
  eventId: "e1",
  at: 1,
  peer,
  from: sender,
  messageId: "m1",
  body: { text: "hi" },
});

describe("routing", () => {
  it.each<[string, Partial<Routing>, Inbound, string]>([
    ["the owner's private messages to the main session", {}, from({ kind: "dm", id: "42" }), "agent:main:main"],
    [
      "an owner named by id alone to the main session",
      { mainFor: ["42"] },
      from({ kind: "dm", id: "42" }),
      "agent:main:main",
    ],
    [
      "an owner of another channel to a session of its own",
      { mainFor: ["y:42"] },
      from({ kind: "dm", id: "42" }),
      "agent:main:x:a:dm:42",
    ],
    [
      "somebody with an owner's handle or name to a session of its own",
      {},
      from({ kind: "dm", id: "7" }, { id: "7", handle: "ada" }),
      "agent:main:x:a:dm:7",
    ],
    [
      "people nobody named to sessions of their own",
      { mainFor: [] },
      from({ kind: "dm", id: "42" }),
      "agent:main:x:a:dm:42",
    ],
    [
      "a conversation that accounts share to one session",
      { scope: "per-peer", mainFor: [] },
      from({ kind: "dm", id: "42" }),
      "agent:main:x:dm:42",
    ],
    [
      "a conversation to the agent of the closest rule",
      {
        bindings: [
          { agentId: "channel", match: { channel: "x" } },
          { agentId: "elsewhere", match: { channel: "x", accountId: "b" } },
          { agentId: "group", match: { channel: "x", peer: { kind: "group", id: "-1" } } },
          { agentId: "late", match: { channel: "x", accountId: "*", peer: { kind: "group", id: "-1" } } },
          { agentId: "account", match: { channel: "x", accountId: "a" } },
        ],
      },
      from({ kind: "group", id: "-1" }),
      "agent:group:x:a:group:-1",
    ],
    [
      "a direct message by a rule in the field's words",
      { mainFor: [], bindings: [{ agentId: "work", match: { channel: "x", peer: { kind: "direct", id: "42" } } }] },
      from({ kind: "dm", id: "42" }),
      "agent:work:x:a:dm:42",
    ],
    [
      "everything of an agent that a rule names to its main session, if there is but one",
      { scope: "global", bindings: [{ agentId: "work", match: { channel: "x" } }] },
      from({ kind: "group", id: "-1" }),
      "agent:work:main",
    ],
    [
      "the owner to the one session, if there is but one",
      { scope: "global" },
      from({ kind: "dm", id: "42" }),
      "global",
    ],
    ["a topic to the one session", { scope: "global" }, from({ kind: "group", id: "-1", threadId: "5" }), "global"],
    ["a group to its session", {}, from({ kind: "group", id: "-100" }), "agent:main:x:a:group:-100"],
    [
      "a topic to its session",
      {},
      from({ kind: "group", id: "-100", threadId: "5" }),
      "agent:main:x:a:group:-100:thread:5",
    ],
    ["a channel to its session", {}, from({ kind: "channel", id: "T1/C1" }), "agent:main:x:a:channel:%541/%431"],
    [
      "to another agent and main key",
      { agentId: "work", mainKey: "desk" },
      from({ kind: "dm", id: "42" }),
      "agent:work:desk",
    ],
  ])("sends %s", (...[_name, over, event, key]) => {
    expect(resolveRoute({ ...routing, ...over }, { channel: "x", account: "a", event }).sessionKey).toBe(key);
  });

  it("answers where the question came from, and points at the question in groups only", () => {
    const group = { kind: "group", id: "-100", threadId: "5" } as const;
    const scope = { channel: "x", account: "a" };
    expect(resolveRoute(routing, { ...scope, event: from(group) }).target).toEqual({
      ...scope,
      peer: group,
      replyTo: "m1",
    });
    expect(resolveRoute(routing, { ...scope, event: from({ kind: "dm", id: "42" }) }).target).not.toHaveProperty(
      "replyTo",
    );
  });

  it("never lets two ids that differ in case or hold a colon share a session", () => {
    const ids = ["C1", "c1", "c:1", "c%3a1", "É", "é", "a b", "a%20b"];
    const keys = new Set(ids.map((id) => keySegment(id).toLowerCase()));
    expect(keys.size).toBe(ids.length);
    for (const key of keys) expect(key).not.toMatch(/[:\s]/);
  });

  it("never lets two conversations share a lane", () => {
    const lanes = [
      laneKey("x", "a", { id: "1" }),
      laneKey("x", "a", { id: "1", threadId: "2" }),
      laneKey("x", "a", { id: "1/2" }),
      laneKey("x", "a/1", { id: "2" }),
      laneKey("x", "a", { id: "1%2f2" }),
    ];
    expect(new Set(lanes).size).toBe(lanes.length);
  });
});
