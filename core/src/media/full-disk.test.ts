import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTestDir, type TestDir } from "../store/test-store.ts";

const run = promisify(execFile);

/** No file of the process may grow beyond this, in units of 512 bytes, as `ulimit` of a POSIX shell counts. */
const LIMIT = 200;
const WRITE = `
  const { writeBlob } = await import(process.argv[1]);
  async function* big() {
    for (let index = 0; index < 20; index += 1) yield Buffer.alloc(65536);
  }
  const options = { temporaryName: "t", maxBytes: 1e9, keep: async () => "kept" };
  try {
    console.log(await writeBlob(process.argv[2], big(), options));
  } catch (error) {
    console.log(error.code);
  }
`;

let dir: TestDir;

beforeEach(() => {
  dir = makeTestDir();
});
afterEach(() => dir.remove());

describe("a writer of media that gets no more room from the system", () => {
  it.skipIf(process.platform === "win32")(
    "fails and leaves nothing behind (by ulimit, which Windows lacks)",
    async () => {
      const blobFile = new URL("./blob-file.ts", import.meta.url).href;
      const command = `ulimit -f ${LIMIT}; exec "$0" "$@"`;
      const node = [process.execPath, "--input-type=module", "--eval", WRITE, blobFile, dir.path];
      const { stdout } = await run("sh", ["-c", command, ...node]);
      expect(stdout.trim()).toBe("EFBIG");
      expect(readdirSync(dir.path)).toEqual([]);
    },
  );
});
