import { describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { echoRuntime } from "./echo.ts";
import { createRuntimes } from "./runtimes.ts";

describe("the registry of runtimes", () => {
  const clock = createFakeClock();

  it("finds the runtime that the configuration names for an agent", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "echo", clock });
    const undo = runtimes.register(echoRuntime);
    expect(runtimes.forAgent("main")).toBe(echoRuntime);
    undo();
    expect(runtimes.ids()).toEqual([]);
  });

  it("refuses a second runtime of the same id", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "echo", clock });
    runtimes.register(echoRuntime);
    expect(() => runtimes.register({ ...echoRuntime })).toThrow(/provided twice/u);
  });

  it("says what to do when the named runtime is not loaded", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "claude", clock });
    runtimes.register(echoRuntime);
    expect(() => runtimes.forAgent("main")).toThrow(
      'agent "main" uses the runtime "claude", which is not loaded: see "openclaw extension list", or choose one of: echo',
    );
  });

  it("tells for how long a runtime has not been loaded: since the start, or since it went", async () => {
    const runtimes = createRuntimes({ runtimeOf: () => "echo", clock });
    await clock.advance(3_000);
    expect(runtimes.absentMs("main")).toBe(3_000);
    const undo = runtimes.register(echoRuntime);
    expect(runtimes.absentMs("main")).toBeUndefined();
    undo();
    await clock.advance(500);
    expect(runtimes.absentMs("main")).toBe(500);
  });
});
