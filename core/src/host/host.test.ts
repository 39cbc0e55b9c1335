import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MANIFEST_FILE, METHODS } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { describeIssues, lazyCheck } from "../base/validator.ts";
import { type HostFixture, callFor, startHostFixture } from "./fixtures/host-fixture.ts";

const TALKER = fileURLToPath(new URL("./fixtures/talker", import.meta.url));
const POLICY = { loadMs: 3_000, baseDelayMs: 10, maxDelayMs: 20, crashes: 2 };

let root = "";
let fixture: HostFixture | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "host-"));
});

afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
  await rm(root, { recursive: true, force: true });
});

async function plant(id: string, code: string): Promise<void> {
  const folder = join(root, id);
  await mkdir(folder);
  const manifest = {
    id,
    version: "1.0.0",
    sdk: "^1",
    entry: { runtime: "./index.mjs" },
    provides: { channels: [id] },
    config: {},
    permissions: {},
  };
  await writeFile(join(folder, MANIFEST_FILE), JSON.stringify(manifest));
  await writeFile(join(folder, "index.mjs"), code);
}

async function start(options: Partial<Parameters<typeof startHostFixture>[0]> = {}): Promise<HostFixture> {
  fixture = await startHostFixture({ roots: [root, TALKER], isolation: "process", policy: POLICY, ...options });
  fixture.host.start();
  return fixture;
}

const LOADS: [id: string, code: string, state: string, reason: RegExp][] = [
  ["throws", "throw new Error('boom at load')", "quarantined", /failed while loading: boom at load/u],
  ["exits", "console.error('giving up'); process.exit(3)", "quarantined", /exited with code 3: giving up/u],
  ["syntax", "export default {", "quarantined", /failed while loading/u],
  ["nothing", "export default {}", "refused", /does not export an extension/u],
  [
    "future",
    `export default Object.defineProperty({ contract: 9, channels: [], agents: [], nodeCommands: [] }, Symbol.for("openclaw-host.extension"), { value: true })`,
    "refused",
    /speaks contract 9; this gateway speaks 1/u,
  ],
  [
    "boaster",
    `export default Object.defineProperty({ contract: 1, channels: [], agents: [], nodeCommands: [] }, Symbol.for("openclaw-host.extension"), { value: true })`,
    "refused",
    /promises the channel 'boaster', which its code does not define/u,
  ],
];

describe("the extension host", () => {
  it.each(LOADS)("shows why '%s' does not run, and harms nothing else", async (id, code, ...shown) => {
    const [state, reason] = shown;
    await plant(id, code);
    const { host, channels } = await start();
    await vi.waitFor(() => expect(host.list().find((row) => row.id === id)).toMatchObject({ state }), 15_000);
    const row = host.list().find((one) => one.id === id);
    expect(row?.reason).toMatch(reason);
    expect(row?.fix).not.toBe("");
    await vi.waitFor(
      () => expect(host.list().find((one) => one.id === "talker")).toMatchObject({ state: "active" }),
      5_000,
    );
    const probe = await channels.get("talker")!.probe({ channel: "talker", account: "a", config: {} }, callFor(5_000));
    expect(probe.ok).toBe(true);
    expect([...channels.keys()]).toEqual(["talker"]);
  });

  it("ends a guest that loops for ever while loading", async () => {
    await plant("loops", "for (;;);");
    const { host } = await start({ policy: { ...POLICY, loadMs: 400, crashes: 1 } });
    await host.settled();
    const row = host.list().find((one) => one.id === "loops");
    expect(row).toMatchObject({ state: "quarantined", reason: expect.stringMatching(/within 400 ms/u) as string });
  });

  it("starts nothing that is not configured, and says how to configure it", async () => {
    const { host, channels, agents } = await start({ configured: [] });
    await host.settled();
    expect(host.list()).toMatchObject([
      {
        id: "talker",
        state: "enabled",
        reason: "the channel 'talker' is not configured",
        fix: "openclaw channels add talker",
      },
    ]);
    expect([channels.size, agents.size]).toEqual([0, 0]);
    expect(await readdir(fixture!.stateDir)).not.toContain("cache");
  });

  it("answers extensions.list in the shape of the protocol, whatever the state", async () => {
    await plant("exits", "process.exit(3)");
    await plant("nothing", "export default {}");
    await writeFile(join(root, "nothing", MANIFEST_FILE), "{");
    const { host } = await start();
    await host.settled();
    const issues = lazyCheck(METHODS["extensions.list"].result)({ extensions: host.list() });
    expect(describeIssues(issues)).toBe("unknown validation error");
    expect(host.list().map((row) => row.id)).toEqual(["exits", "nothing", "talker"]);
  });

  it("takes back what it registered of a guest that cannot be registered whole, and tries the next one anew", async () => {
    let refusals = 1;
    const seen: string[][] = [];
    const { host, channels, agents } = await start({
      beforeRegister(id) {
        seen.push([...fixture!.channels.keys()]);
        if (id === "parrot" && refusals-- > 0) throw new Error("the id parrot is taken");
      },
    });
    await vi.waitFor(() => expect(host.list()[0]).toMatchObject({ state: "active", restarts: 1 }), 10_000);
    expect(seen).toEqual([[], ["talker"], [], ["talker"]]);
    expect([...channels.keys(), ...agents.keys()]).toEqual(["talker", "parrot"]);
  });

  it("takes back every registration and leaves no guest when it stops, even one that is still loading", async () => {
    await plant("loops", "for (;;);");
    const { host, channels, agents } = await start({ policy: { ...POLICY, loadMs: 60_000 } });
    await vi.waitFor(() => expect([...channels.keys(), ...agents.keys()]).toEqual(["talker", "parrot"]), 10_000);
    const { pid } = host.list().find((row) => row.id === "talker")!;
    const startedAt = performance.now();
    await host.stop();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect([channels.size, agents.size]).toEqual([0, 0]);
    expect(() => process.kill(pid!, 0)).toThrow(/ESRCH/u);
    expect(host.list().map((row) => row.state)).toEqual(["removed", "removed"]);
  });

  it("starts the guest of an agent again that ignored an abort", async () => {
    const { host } = await start();
    await host.settled();
    host.recycleAgent("parrot", "its turn ignored an abort");
    await vi.waitFor(() => expect(host.list()[0]).toMatchObject({ state: "active", restarts: 1 }), 10_000);
  });
});
