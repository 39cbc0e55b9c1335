import { describe, expect, it } from "vitest";
import { JOB_WEIGHT, JobQueue, weigh } from "./job-queue.ts";

const READ_ONLY = new Set(["read"]);
const write = (id: number, text = "") => ({ command: "write", args: { id, text } });
const read = (id: number) => ({ command: "read", args: { id } });
const MIB = 1024 * 1024;

const filled = (jobs: readonly { command: string; args: { id: number } }[]) => {
  const queue = new JobQueue<(typeof jobs)[number]>(READ_ONLY);
  for (const job of jobs) expect(queue.push(job)).toBe("taken");
  return queue;
};
const ids = (jobs: readonly { args: { id: number } }[]) => jobs.map((job) => job.args.id);

describe("JobQueue", () => {
  it("hands out writes in the order they came", () => {
    expect(ids(filled([write(1), write(2), write(3)]).take())).toEqual([1, 2, 3]);
  });

  it("never mixes reads with writes and lets them take turns", () => {
    const queue = filled([write(1), read(2), write(3), read(4)]);
    expect(ids(queue.take())).toEqual([1, 3]);
    expect(queue.push(write(5))).toBe("taken");
    expect(ids(queue.take())).toEqual([2, 4]);
    expect(ids(queue.take())).toEqual([5]);
    expect(queue.take()).toEqual([]);
  });

  it("limits the number of reads of a group, whose results share the writer's memory", () => {
    const queue = filled(Array.from({ length: 20 }, (_, id) => read(id)));
    expect([queue.take(), queue.take(), queue.take()].map((group) => group.length)).toEqual([8, 8, 4]);
  });

  it("closes a group of writes when its arguments get heavy", () => {
    const queue = filled([1, 2, 3, 4].map((id) => write(id, "x".repeat(3 * MIB))));
    expect(ids(queue.take())).toEqual([1, 2]);
    expect(ids(queue.take())).toEqual([3, 4]);
  });

  it("refuses a job that no group could hold", () => {
    const queue = new JobQueue(READ_ONLY);
    expect(queue.push(write(1, "x".repeat(JOB_WEIGHT + 1)))).toBe("too-heavy");
    expect(queue.size).toBe(0);
  });

  it("refuses jobs while too much waits, and takes them again afterwards", () => {
    const queue = new JobQueue<ReturnType<typeof write>>(READ_ONLY);
    const heavy = "x".repeat(31 * MIB);
    const pushed = Array.from({ length: 10 }, (_, id) => queue.push(write(id, heavy)));
    expect(pushed.filter((state) => state === "taken")).toHaveLength(8);
    expect(pushed.at(-1)).toBe("overloaded");
    queue.take();
    expect(queue.push(write(11, heavy))).toBe("taken");
  });

  it("drains everything for a writer that is gone", () => {
    const queue = filled([write(1), read(2)]);
    expect(ids(queue.drain())).toEqual([1, 2]);
    expect(queue.size).toBe(0);
  });
});

describe("weigh", () => {
  it("counts text, bytes and nesting", () => {
    expect(weigh({ text: "abcd" })).toBe(20);
    expect(weigh(new Uint8Array(1000))).toBe(508);
    expect(weigh([["x"], ["y"]])).toBe(42);
  });

  it("ends on a cycle and on very deep nesting", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(weigh(cycle)).toBeGreaterThan(JOB_WEIGHT);
    let deep: unknown = "x";
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(weigh(deep)).toBe(800_009);
  });
});
