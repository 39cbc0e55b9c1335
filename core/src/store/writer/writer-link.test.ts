import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeTestDir, silentLog, type TestDir } from "../test-store.ts";
import { connectWriter } from "./writer-link.ts";

let dir: TestDir;

beforeEach(() => {
  dir = makeTestDir();
});

afterEach(() => dir.remove());

/** A writer thread with a life of its own. */
function connect(code: string) {
  const file = join(dir.path, "writer.mjs");
  writeFileSync(file, `import { parentPort } from "node:worker_threads";\n${code}`);
  const onFatal = vi.fn<(error: Error) => void>();
  const link = connectWriter({ path: join(dir.path, "host.db"), log: silentLog, onFatal, entry: pathToFileURL(file) });
  return { link, onFatal };
}

const READY = `parentPort.postMessage({ state: "ready" });`;

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
