import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeTestDir, silentLog, type TestDir } from "../test-store.ts";
import { connectWriter, type WriterLink } from "./writer-link.ts";

let dir: TestDir;

beforeEach(() => {
  dir = makeTestDir();
});

afterEach(() => dir.remove());

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A writer thread with a life of its own. */
function connect(code: string) {
  const file = join(dir.path, "writer.mjs");
  writeFileSync(file, `import { parentPort } from "node:worker_threads";\n${code}`);
  const onFatal = vi.fn<(error: Error) => void>();
  const link = connectWriter({ path: join(dir.path, "host.db"), log: silentLog, onFatal, entry: pathToFileURL(file) });
  return { link, onFatal };
}

const READY = `parentPort.postMessage({ state: "ready" });`;

/** A writer that answers each group by how many jobs it had, one group for each `answer` that it is told. */
const COUNTING = `
  const groups = [];
  let answers = 0;
  const answer = () => {
    while (answers > 0 && groups.length > 0) {
      answers -= 1;
      const jobs = groups.shift();
      const waiting = groups.length;
      const value = jobs.map(() => ({ value: { jobs: jobs.length, waiting } }));
      parentPort.postMessage({ state: "results", results: { text: JSON.stringify(value) } });
    }
  };
  parentPort.on("message", (message) => {
    if ("close" in message) return parentPort.close();
    groups.push(JSON.parse(message.jobs.text));
    answers += 1;
    setTimeout(answer, 50);
  });`;

describe("groups", () => {
  const runs = (open: WriterLink, count: number) =>
    Array.from({ length: count }, () => open.run("sessions.append", {}));
  const inGroupsOf = async (calls: readonly Promise<unknown>[]) =>
    (await Promise.all(calls)).map((answer) => (answer as { jobs: number }).jobs);

  it("that are large follow each other without a wait, and no more than two at once", async () => {
    const { link } = connect(`${COUNTING}${READY}`);
    const open = await link;
    const first = runs(open, 1);
    await turn();
    const second = runs(open, 64);
    await turn();
    const third = runs(open, 64);
    await turn();
    const fourth = runs(open, 1);
    expect(await Promise.all(first)).toEqual([{ jobs: 1, waiting: 1 }]);
    expect(new Set(await inGroupsOf(second))).toEqual(new Set([64]));
    expect(new Set(await inGroupsOf([...third, ...fourth]))).toEqual(new Set([65]));
    await open.close();
  });

  it("that are small wait, so that what comes meanwhile shares their commit", async () => {
    const { link } = connect(`${COUNTING}${READY}`);
    const open = await link;
    const first = runs(open, 1);
    await turn();
    const second = runs(open, 1);
    await turn();
    const third = runs(open, 1);
    expect(await Promise.all(first)).toEqual([{ jobs: 1, waiting: 0 }]);
    expect(await inGroupsOf([...second, ...third])).toEqual([2, 2]);
    await open.close();
  });
});

describe("a writer that dies", () => {
  it.each([
    ["exits", "process.exit(3)", "exit code 3"],
    ["throws", 'throw new Error("boom")', "boom"],
    ["stops without a word", "parentPort.close()", "exit code 0"],
  ])("rejects every call and ends the gateway when it %s", async (_how, death, why) => {
    const { link, onFatal } = connect(`parentPort.on("message", () => { ${death} }); ${READY}`);
    const { run, close } = await link.then((open) => ({
      run: (command: string) => open.run(command, {}),
      close: () => open.close(),
    }));
    const first = run("sessions.append");
    const waiting = run("sessions.load");
    for (const call of [first, waiting]) {
      await expect(call).rejects.toMatchObject({
        name: "StoreError",
        kind: "closed",
        message: expect.stringContaining(why),
      });
    }
    await expect(run("sessions.append")).rejects.toMatchObject({ kind: "closed" });
    await close();
    expect(onFatal).toHaveBeenCalledTimes(1);
    expect(onFatal.mock.lastCall?.[0].message).toContain("restart the gateway");
  });

  it("rejects the calls of every group that is with it", async () => {
    const { link } = connect(`parentPort.on("message", () => setTimeout(() => process.exit(3), 50)); ${READY}`);
    const open = await link;
    const first = open.run("sessions.append", {});
    await turn();
    const calls = [first, ...Array.from({ length: 70 }, () => open.run("sessions.append", {}))];
    await turn();
    const ends = await Promise.allSettled(calls);
    expect(ends.map(({ status }) => status)).toEqual(calls.map(() => "rejected"));
  });

  it("lets a close that waits for it end", async () => {
    const { link, onFatal } = connect(`parentPort.on("message", () => process.exit(3)); ${READY}`);
    const open = await link;
    const call = open.run("sessions.append", {});
    const closed = open.close();
    await expect(call).rejects.toMatchObject({ kind: "closed" });
    await closed;
    expect(onFatal).toHaveBeenCalledTimes(1);
  });

  it("rejects the opening when it never gets ready", async () => {
    const { link } = connect(`process.exit(1);`);
    await expect(link).rejects.toMatchObject({ name: "StoreError", kind: "closed" });
  });
});
