import { PassThrough } from "node:stream";
import type { ExtensionState } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { whyIdle } from "./activation.ts";
import { createCrashBudget } from "./crash-budget.ts";
import { createHostContexts } from "./doors/contexts.ts";
import { logDoors } from "./doors/log.ts";
import { type Logged, recordingLogger } from "./fixtures/host-fixture.ts";
import { captureOutput } from "./guest-output.ts";
import { type Life, createLifecycle } from "./lifecycle.ts";
import { createEgress } from "./net/egress.ts";

const policy = { crashes: 3, windowMs: 60_000, baseDelayMs: 1_000, maxDelayMs: 60_000 };

describe("the crash budget", () => {
  it("doubles the delay and gives up at the limit", () => {
    const crashed = createCrashBudget(policy, () => 0.5);
    expect([crashed(0), crashed(1), crashed(2)]).toEqual([
      { retryInMs: 750 },
      { retryInMs: 1_500 },
      { crashes: 3, minutes: 1 },
    ]);
  });

  it("forgets crashes that are long past", () => {
    const crashed = createCrashBudget(policy, () => 0.5);
    for (const at of [0, 30_000, 70_000, 110_000]) expect(crashed(at)).toHaveProperty("retryInMs");
    expect(crashed(111_000)).toEqual({ crashes: 3, minutes: 1 });
  });
});

describe("the life of an extension", () => {
  const lives: Record<ExtensionState, Life> = {
    discovered: { state: "discovered" },
    refused: { state: "refused", reason: "r", fix: "f" },
    enabled: { state: "enabled", reason: "r", fix: "f" },
    loading: { state: "loading" },
    active: { state: "active", loadMs: 1 },
    degraded: { state: "degraded", loadMs: 1, reason: "r" },
    crashed: { state: "crashed", reason: "r" },
    backoff: { state: "backoff", reason: "r", retryAt: 1 },
    quarantined: { state: "quarantined", reason: "r", fix: "f" },
    removed: { state: "removed" },
  };

  it.each<[ExtensionState[], boolean]>([
    [
      [
        "enabled",
        "loading",
        "active",
        "degraded",
        "active",
        "crashed",
        "backoff",
        "loading",
        "crashed",
        "quarantined",
        "removed",
      ],
      true,
    ],
    [["refused", "removed"], true],
    [["enabled", "loading", "refused"], true],
    [["active"], false],
    [["enabled", "active"], false],
    [["enabled", "loading", "crashed", "loading"], false],
    [["refused", "loading"], false],
    [["removed", "removed"], false],
  ])("%j is a way it can go: %s", (path, allowed) => {
    const life = createLifecycle(createFakeClock());
    const walk = () => path.forEach((state) => life.enter(lives[state]));
    if (allowed) expect(walk).not.toThrow();
    else expect(walk).toThrow(/cannot go from/u);
  });
});

describe("activation", () => {
  const manifest = (activation?: ("configured" | "startup" | "command:x")[]) => ({
    id: "x",
    version: "1.0.0",
    sdk: "^1",
    entry: { runtime: "./x.js" },
    provides: { channels: ["talk"], agents: ["think"] },
    config: {},
    permissions: {},
    ...(activation === undefined ? {} : { activation }),
  });
  it("waits for something of it to be configured, unless it wants to start or be called", () => {
    expect(whyIdle(manifest(), () => false)).toMatchObject({ fix: "openclaw channels add talk" });
    expect(whyIdle(manifest(), (kind) => kind === "agent")).toBeUndefined();
    expect(whyIdle(manifest(["startup"]), () => false)).toBeUndefined();
    expect(whyIdle(manifest(["command:x"]), () => true)).toBeDefined();
  });
});

describe("what a guest prints", () => {
  it("comes line by line, at a bounded rate, and a flood is left in the pipe", async () => {
    const clock = createFakeClock();
    const stream = new PassThrough();
    const lines: string[] = [];
    const dropped: number[] = [];
    captureOutput(stream, {
      clock,
      onLine: (line) => void lines.push(line),
      onDropped: (count) => void dropped.push(count),
    });
    stream.write("one\ntw");
    stream.write("o\n\n" + "x".repeat(10_000) + "\n");
    await clock.advance(0);
    expect(lines.map((line) => line.length)).toEqual([3, 3, 4_096]);
    stream.write("line\n".repeat(300_000));
    await clock.advance(0);
    expect(lines).toHaveLength(50);
    expect(stream.isPaused()).toBe(true);
    await clock.advance(1_000);
    expect(stream.isPaused()).toBe(false);
    stream.end("last");
    await clock.advance(0);
    expect(lines.at(-1)).toBe("last");
    expect(dropped[0]).toBeGreaterThan(1_000);
  });
});

describe("what a guest logs", () => {
  it("is bounded in rate, length and number of fields", async () => {
    const clock = createFakeClock();
    const logged: Logged[] = [];
    const contexts = createHostContexts({ uuid: () => "u", token: () => "t", fraction: () => 0 });
    const egress = createEgress({ extension: "x", net: [], schema: {}, config: {} });
    const context = contexts.open({ scope: "s", egress, log: recordingLogger(logged, "x/a") });
    const doors = logDoors({ contexts, clock, onFault: () => {} });
    const call = { id: "1", signal: new AbortController().signal, deadline: 0 };
    const fields = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`f${index}`, { deep: "y".repeat(2_000) }]),
    );
    for (let index = 0; index < 150; index += 1) {
      void doors.log({ context, level: "info", message: "m".repeat(5_000), fields }, call);
    }
    expect(logged).toHaveLength(100);
    expect(logged[0]).toMatchObject({ part: "x/a", level: "info" });
    expect([logged[0]?.message.length, Object.keys(logged[0]!.fields).length]).toEqual([4_096, 32]);
    await clock.advance(1_000);
    void doors.log({ context, level: "info", message: "later" }, call);
    expect(logged.slice(100)).toMatchObject([{ level: "warn", fields: { count: 50 } }, { message: "later" }]);
  });
});
