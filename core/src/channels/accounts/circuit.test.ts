import { describe, expect, it } from "vitest";
import { CLOSED_CIRCUIT, type Circuit, type CircuitEvent, afterEvent } from "./circuit.ts";

const MINUTE_MS = 60_000;

const walk = (events: readonly CircuitEvent[], from: Circuit = CLOSED_CIRCUIT): Circuit =>
  events.reduce((circuit, event) => afterEvent(circuit, event), from);

const failures = (count: number, apartMs: number): CircuitEvent[] =>
  Array.from({ length: count }, (_, index) => ({ type: "failed", at: index * apartMs }));

describe("the circuit of an account", () => {
  it("opens at the eighth failure within ten minutes", () => {
    expect(walk(failures(7, MINUTE_MS)).state).toBe("closed");
    expect(walk(failures(8, MINUTE_MS))).toEqual({ state: "open", restMs: 5 * MINUTE_MS, count: 8 });
  });

  it("stays closed while failures are further apart, so that a long outage is only backed off", () => {
    expect(walk(failures(50, 1.5 * MINUTE_MS)).state).toBe("closed");
  });

  it("forgets its failures with a connection that lasted", () => {
    expect(walk([...failures(7, 1_000), { type: "lasted" }, ...failures(7, 1_000)]).state).toBe("closed");
  });

  it("lets one attempt through after its rest, which closes it or makes the next rest longer", () => {
    const open = walk(failures(8, 1_000));
    const half = walk([{ type: "rested" }], open);
    expect(half.state).toBe("half-open");
    expect(walk([{ type: "lasted" }], half)).toEqual(CLOSED_CIRCUIT);
    const again: CircuitEvent[] = [{ type: "failed", at: 0 }, { type: "rested" }];
    expect(walk(again.slice(0, 1), half)).toEqual({ state: "open", restMs: 10 * MINUTE_MS, count: 9 });
    expect(walk([...again, ...again, ...again, { type: "failed", at: 0 }], half)).toMatchObject({
      state: "open",
      restMs: 15 * MINUTE_MS,
    });
  });

  it("is not opened or kept closed by a clock that jumps", () => {
    const yearMs = 365 * 24 * 60 * MINUTE_MS;
    const before = failures(7, 1_000);
    expect(walk([...before, { type: "failed", at: yearMs }]).state).toBe("closed");
    expect(walk([...before, { type: "failed", at: -yearMs }]).state).toBe("closed");
  });
});
