import { describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { createLanes, LeftLane } from "./lanes.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Jobs that end when told to, and the order in which they began. */
function scripted() {
  const begun: string[] = [];
  const enders = new Map<string, () => void>();
  const job = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      enders.set(name, () => resolve(name));
    });
  return { begun, job, end: (name: string) => enders.get(name)?.() };
}

const a = sessionKey("agent:main:a");
const b = sessionKey("agent:main:b");
const c = sessionKey("agent:main:c");

describe("lanes", () => {
  it("runs one job at a time per session, in order of arrival", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes();
    const results = ["1", "2", "3"].map((name) => lanes.run(a, job(name)));
    await settle();
    expect(begun).toEqual(["1"]);
    end("1");
    await settle();
    expect(begun).toEqual(["1", "2"]);
    end("2");
    await settle();
    end("3");
    expect(await Promise.all(results)).toEqual(["1", "2", "3"]);
  });

  it("runs sessions in parallel up to the cap and then takes the one that waited longest", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes({ maxConcurrent: 2 });
    const all = [lanes.run(a, job("a1")), lanes.run(a, job("a2")), lanes.run(b, job("b1")), lanes.run(c, job("c1"))];
    await settle();
    expect(begun).toEqual(["a1", "b1"]);
    end("a1");
    await settle();
    expect(begun).toEqual(["a1", "b1", "c1"]);
    end("c1");
    await settle();
    expect(begun).toEqual(["a1", "b1", "c1", "a2"]);
    end("b1");
    end("a2");
    await Promise.all(all);
  });

  it("frees its slot when a job fails, even before the job's first await", async () => {
    const lanes = createLanes({ maxConcurrent: 1 });
    const failed = lanes.run(a, () => {
      throw new Error("at once");
    });
    await expect(failed).rejects.toThrow("at once");
    await expect(lanes.run(b, () => Promise.resolve("next"))).resolves.toBe("next");
  });

  it("gives the slot of a job that left it to another session, and keeps its own session waiting", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes({ maxConcurrent: 1 });
    const leaving = (leaveSlot: () => void) => {
      const ended = job("a1")();
      leaveSlot();
      leaveSlot();
      return ended;
    };
    const all = [lanes.run(a, leaving), lanes.run(a, job("a2")), lanes.run(b, job("b1")), lanes.run(c, job("c1"))];
    await settle();
    expect(begun).toEqual(["a1", "b1"]);
    expect(lanes.hasSlot()).toBe(false);
    end("a1");
    await settle();
    expect(begun).toEqual(["a1", "b1"]);
    end("b1");
    await settle();
    end("c1");
    await settle();
    expect(begun).toEqual(["a1", "b1", "c1", "a2"]);
    end("a2");
    await Promise.all(all);
    expect(lanes.hasSlot()).toBe(true);
  });

  it("begins the next job of a session whose last one had left its slot", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes({ maxConcurrent: 1 });
    const leaving = (leaveSlot: () => void) => {
      leaveSlot();
      return job("1")();
    };
    const both = [lanes.run(a, leaving), lanes.run(a, job("2"))];
    await settle();
    end("1");
    await settle();
    expect(begun).toEqual(["1", "2"]);
    end("2");
    await Promise.all(both);
  });

  it("lets a waiting job leave on abort without disturbing the others", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes();
    const control = new AbortController();
    const first = lanes.run(a, job("1"));
    const second = lanes.run(a, job("2"), control.signal);
    const third = lanes.run(a, job("3"));
    control.abort();
    await expect(second).rejects.toBeInstanceOf(LeftLane);
    await settle();
    end("1");
    await first;
    await settle();
    expect(begun).toEqual(["1", "3"]);
    end("3");
    await third;
  });

  it("does not touch a running job when its lane signal aborts", async () => {
    const { job, end } = scripted();
    const lanes = createLanes();
    const control = new AbortController();
    const running = lanes.run(a, job("1"), control.signal);
    await settle();
    control.abort();
    end("1");
    await expect(running).resolves.toBe("1");
  });

  it("says whether a session is busy and when it is idle", async () => {
    const { job, end } = scripted();
    const lanes = createLanes();
    await lanes.idle(a);
    await lanes.drained();
    const running = lanes.run(a, job("1"));
    await settle();
    expect([lanes.isBusy(a), lanes.isBusy(b)]).toEqual([true, false]);
    const idle = lanes.idle(a);
    const drained = lanes.drained();
    end("1");
    await Promise.all([running, idle, drained]);
    expect(lanes.isBusy(a)).toBe(false);
  });

  it("stays idle after an aborted job was the last of its lane", async () => {
    const { job, end } = scripted();
    const lanes = createLanes({ maxConcurrent: 1 });
    const blocker = lanes.run(b, job("b"));
    const control = new AbortController();
    const waiting = lanes.run(a, job("a"), control.signal);
    control.abort();
    await expect(waiting).rejects.toBeInstanceOf(LeftLane);
    expect(lanes.isBusy(a)).toBe(false);
    end("b");
    await blocker;
    await expect(lanes.run(a, () => Promise.resolve(1))).resolves.toBe(1);
  });

  it("keeps one job at a time in a lane that was left and entered again while it waited for a slot", async () => {
    const { begun, job, end } = scripted();
    const lanes = createLanes({ maxConcurrent: 2 });
    const blockers = [lanes.run(b, job("b")), lanes.run(c, job("c"))];
    const control = new AbortController();
    const left = lanes.run(a, job("left"), control.signal);
    control.abort();
    await expect(left).rejects.toBeInstanceOf(LeftLane);
    const again = [lanes.run(a, job("a1")), lanes.run(a, job("a2"))];
    end("b");
    end("c");
    await Promise.all(blockers);
    await settle();
    expect(begun).toEqual(["b", "c", "a1"]);
    end("a1");
    await settle();
    end("a2");
    await Promise.all(again);
  });
});
