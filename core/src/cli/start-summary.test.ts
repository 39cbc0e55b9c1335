import { describe, expect, it } from "vitest";
import { readEnvironment } from "../config/paths.ts";
import { startSummary } from "./start-summary.ts";

const environment = readEnvironment({ env: {}, home: "/home/a", cwd: "/" });
const gateway = {
  url: "ws://127.0.0.1:18789",
  secret: { mode: "token", hint: "abcd…", source: "/home/a/.openclaw-host/gateway.token" },
} as const;

describe("startSummary", () => {
  it("says where the gateway is, what it found and why, and what to do now", () => {
    const extensions = [
      {
        id: "pager",
        state: "enabled",
        reason: "the channel 'pager' is not configured",
        fix: "x",
        channels: ["pager"],
      },
      { id: "broken\n", state: "refused", reason: "its manifest is not JSON", fix: "correct line 3", channels: [] },
    ];
    expect(
      startSummary({ ...gateway, extensions }, environment)
        .trim()
        .split("\n"),
    ).toEqual([
      "gateway:    ws://127.0.0.1:18789",
      "token:      abcd… in /home/a/.openclaw-host/gateway.token",
      "state:      /home/a/.openclaw-host",
      "config:     /home/a/.openclaw-host/openclaw.json",
      "extensions:",
      "  pager  inactive: the channel 'pager' is not configured",
      "  broken\\n  refused: its manifest is not JSON",
      "      correct line 3",
      "to use pager: npx openclaw channels add pager --token <token>",
      'talk to the agent now: npx openclaw agent "hello"',
    ]);
  });

  it("names a secret that no file holds by where it came from", () => {
    const secret = { mode: "password", hint: "…", source: "--token" } as const;
    expect(startSummary({ ...gateway, secret, extensions: [] }, environment)).toContain("password:   … from --token\n");
  });

  it("says how to name a folder when there are no extensions", () => {
    expect(startSummary({ ...gateway, extensions: [] }, environment)).toContain("--extensions DIR");
  });
});
