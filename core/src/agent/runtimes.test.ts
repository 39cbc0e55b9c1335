import { describe, expect, it } from "vitest";
import { echoRuntime } from "./echo.ts";
import { createRuntimes } from "./runtimes.ts";

describe("the registry of runtimes", () => {
  it("finds the runtime that the configuration names for an agent", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "echo" });
    const undo = runtimes.register(echoRuntime);
    expect(runtimes.forAgent("main")).toBe(echoRuntime);
    undo();
    expect(runtimes.ids()).toEqual([]);
  });

  it("refuses a second runtime of the same id", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "echo" });
    runtimes.register(echoRuntime);
    expect(() => runtimes.register({ ...echoRuntime })).toThrow(/provided twice/u);
  });

  it("says what to do when the named runtime is not loaded", () => {
    const runtimes = createRuntimes({ runtimeOf: () => "claude" });
    runtimes.register(echoRuntime);
    expect(() => runtimes.forAgent("main")).toThrow(
      'agent "main" uses the runtime "claude", which is not loaded: see "openclaw extension list", or choose one of: echo',
    );
  });
});
