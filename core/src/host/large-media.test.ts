import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChannelConnection } from "./channel-port.ts";
import { type HostFixture, callFor, startHostFixture } from "./fixtures/host-fixture.ts";

const TALKER = fileURLToPath(new URL("./fixtures/talker", import.meta.url));
const CHUNK = 64 * 1024;
/** The largest that is taken: whole chunks below 100 MB. */
const LARGEST = Math.floor(100_000_000 / CHUNK) * CHUNK;
/**
 * Bytes, while 400 MB go through the guest: V8 lets buffers of streams grow to 64 MiB or so before it collects them, whatever is
 * streamed. One whole attachment beside those would not fit.
 */
const BOUND = 128 * 1024 * 1024;

let fixture: HostFixture;
let connection: ChannelConnection;

beforeAll(async () => {
  fixture = await startHostFixture({ roots: [TALKER], isolation: "process" });
  fixture.host.start();
  await fixture.host.settled();
  const received = { receive: async () => [], cursor: async () => undefined, health: () => {} };
  const spec = { channel: "talker", account: "a1", config: {}, self: { id: "s1" } };
  connection = await fixture.channels.get("talker")!.connect(spec, received, callFor(10_000));
});
afterAll(() => fixture.close());

const field = (pid: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "mu").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);

/** The process that this one started for the extension. */
function guestPid(): string {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .filter((pid) => {
      try {
        return field(pid, "PPid") === process.pid;
      } catch {
        return false;
      }
    });
  expect(children).toHaveLength(1);
  return children[0]!;
}

const rss = (pid: string): number => field(pid, "VmRSS") * 1024;

describe("an attachment of 100 MB", () => {
  it.skipIf(process.platform !== "linux")(
    "goes through guest and gateway in bounded memory (by /proc, which only Linux has)",
    async () => {
      const guest = guestPid();
      const own = String(process.pid);
      // What the code itself needs is there before the large one.
      await connection.fetchMedia!(String(8 * CHUNK), callFor(20_000));
      const before = { guest: rss(guest), own: rss(own) };
      const peak = { ...before };
      const sampling = setInterval(() => {
        peak.guest = Math.max(peak.guest, rss(guest));
        peak.own = Math.max(peak.own, rss(own));
      }, 5);
      for (let time = 0; time < 2; time += 1) {
        const media = await connection.fetchMedia!(String(LARGEST), callFor(60_000));
        expect(media).toMatchObject({ bytes: LARGEST, name: `read back ${LARGEST}` });
      }
      clearInterval(sampling);
      expect(peak.guest - before.guest).toBeLessThan(BOUND);
      expect(peak.own - before.own).toBeLessThan(BOUND);
    },
    90_000,
  );

  it("is refused with its limit when it is larger, and leaves nothing behind", async () => {
    const before = await listed();
    await expect(connection.fetchMedia!(String(LARGEST + CHUNK), callFor(60_000))).rejects.toThrow(
      "the media is larger than 100000000 bytes",
    );
    expect(await listed()).toEqual(before);
  }, 90_000);
});

/** Files of the media store, unfinished ones included. */
async function listed(): Promise<string[]> {
  return readdirSync(`${fixture.stateDir}/media`, { recursive: true }).map(String).toSorted();
}
