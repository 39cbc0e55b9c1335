import { describe, expect, it } from "vitest";
import { isWireError } from "../base/wire-error.ts";
import { agentOf, canonicalKey, mainKeyOf } from "./key.ts";

const MAIN = { agentId: "main", mainKey: "main" };

describe("canonicalKey", () => {
  it.each([
    ["main", "agent:main:main"],
    [" MAIN ", "agent:main:main"],
    ["agent:main:main", "agent:main:main"],
    ["Agent:Work:Telegram:Group:-100", "agent:work:telegram:group:-100"],
    ["agent:work:a:b::c", "agent:work:a:b::c"],
    ["node-abc", "agent:main:node-abc"],
    ["telegram:42", "agent:main:telegram:42"],
    ["global", "global"],
    ["Unknown", "unknown"],
  ])("makes %j into %j", (raw, key) => {
    expect(canonicalKey(raw, MAIN)).toBe(key);
    expect(canonicalKey(key, MAIN)).toBe(key);
  });

  it.each([
    "",
    "  ",
    "agent:",
    "agent:main",
    "agent:main:",
    "agent:main: ",
    "agent::main",
    "agent:a b:x",
    "a\u0000b",
    "x".repeat(2000),
  ])("refuses %j", (raw) => {
    try {
      canonicalKey(raw, MAIN);
      expect.unreachable();
    } catch (error) {
      if (!isWireError(error)) throw error;
      expect(error.code).toBe("INVALID_REQUEST");
      expect(error.message).toBe(`malformed session key "${raw.slice(0, 120)}"`);
    }
  });

  it("takes `main` for whatever the main session is called", () => {
    const defaults = { agentId: "work", mainKey: "Desk" };
    for (const raw of ["main", "agent:work:main", "desk"]) expect(canonicalKey(raw, defaults)).toBe("agent:work:desk");
    expect(canonicalKey("agent:other:main", defaults)).toBe("agent:other:desk");
    expect(mainKeyOf(defaults)).toBe("agent:work:desk");
  });

  it("takes `main` for the global session when all conversations share one", () => {
    const defaults = { ...MAIN, scope: "global" as const };
    expect(canonicalKey("main", defaults)).toBe("global");
    expect(canonicalKey("agent:main:main", defaults)).toBe("global");
    expect(canonicalKey("agent:work:main", defaults)).toBe("agent:work:main");
  });
});

describe("agentOf", () => {
  it("names the agent of a key", () => {
    expect(agentOf("agent:work:main")).toBe("work");
    expect(agentOf("global")).toBe("main");
  });
});
