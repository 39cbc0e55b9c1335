import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MANIFEST_FILE } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AdmissionRules } from "./admission.ts";
import { type Discovered, discoverExtensions } from "./discover.ts";

let root = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "discover-"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const manifest = (id: string, more: object = {}): object => ({
  id,
  version: "1.0.0",
  sdk: "^1",
  entry: { runtime: "./index.js" },
  provides: { channels: [id] },
  config: {},
  permissions: {},
  ...more,
});

/** Plants an extension whose code would be noticed if it ran. */
async function plant(folder: string, content: object | string): Promise<string> {
  const path = join(root, folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, MANIFEST_FILE), typeof content === "string" ? content : JSON.stringify(content));
  await writeFile(join(path, "index.js"), "throw new Error('code ran')");
  return path;
}

async function discover(rules: AdmissionRules = {}): Promise<Discovered[]> {
  return discoverExtensions({ roots: [{ path: root, required: true }], rules });
}

const summary = (found: readonly Discovered[]) =>
  found.map((one) => [one.id, one.state, one.state === "refused" ? one.refusal.reason : ""]);

describe("discovery", () => {
  it("finds the extensions of a folder, and one extension named directly", async () => {
    const path = await plant("b", manifest("b"));
    await plant("a", manifest("a"));
    await mkdir(join(root, "no-extension"));
    expect(summary(await discover())).toEqual([
      ["a", "discovered", ""],
      ["b", "discovered", ""],
    ]);
    const direct = await discoverExtensions({
      roots: [
        { path, required: true },
        { path: root, required: true },
      ],
    });
    expect(direct.map((one) => one.id)).toEqual(["b", "a"]);
  });

  it("skips a missing folder unless the operator named it", async () => {
    const missing = join(root, "missing");
    expect(await discoverExtensions({ roots: [{ path: missing, required: false }] })).toEqual([]);
    await expect(discoverExtensions({ roots: [{ path: missing, required: true }] })).rejects.toThrow(
      /does not exist; create it/u,
    );
  });

  it.each<[string, object | string, RegExp, RegExp]>([
    ["JSON that stops in the middle", '{\n  "id": "x",\n', /not JSON: line 3, column 1/u, /line 3/u],
    ["JSON with a stray comma", '{\n  "id": "x",,\n}', /not JSON: line 2, column 13/u, /line 2/u],
    ["JSON of another kind", "[]", /not valid: must be object/u, /correct these places/u],
    ["an unknown key", manifest("x", { isolation: "inline" }), /at root: unexpected property 'isolation'/u, /correct/u],
    ["an id that is a path", manifest("../x"), /at \/id: must match pattern/u, /correct/u],
    [
      "an entry that climbs",
      manifest("x", { entry: { runtime: "../y/index.js" } }),
      /at \/entry\/runtime/u,
      /correct/u,
    ],
    [
      "an entry that is missing",
      manifest("x", { entry: { runtime: "./dist/index.js" } }),
      /does not exist/u,
      /build the extension/u,
    ],
    [
      "an entry that is no code",
      manifest("x", { entry: { runtime: `./${MANIFEST_FILE}` } }),
      /not a JavaScript/u,
      /entry\.runtime/u,
    ],
    [
      "a newer contract",
      manifest("x", { sdk: "^7" }),
      /needs contract \^7 .* speaks 1/u,
      /openclaw-host that speaks contract 7/u,
    ],
    ["an older contract", manifest("x", { sdk: "0.x" }), /needs contract 0\.x/u, /version of 'x' made for contract 1/u],
    ["a range that is none", manifest("x", { sdk: "latest" }), /not a version range/u, /write "\^1"/u],
  ])("refuses a manifest with %s, and says what to do", async (_title, content, ...told) => {
    const [reason, fix] = told;
    await plant("x", content);
    await plant("good", manifest("good"));
    const found = await discover();
    expect(found.find((one) => one.path.endsWith("/good"))).toMatchObject({ state: "discovered" });
    const refused = found.find((one) => one.path.endsWith("/x"));
    expect(refused).toMatchObject({
      state: "refused",
      refusal: { reason: expect.stringMatching(reason) as string, fix: expect.stringMatching(fix) as string },
    });
  });

  it("refuses a link that leaves the folder, and follows one that stays", async () => {
    const outside = await plant("outside", manifest("outside"));
    const escaping = await plant("escaping", manifest("escaping", { entry: { runtime: "./link.js" } }));
    await symlink(join(outside, "index.js"), join(escaping, "link.js"));
    const staying = await plant("staying", manifest("staying", { entry: { runtime: "./link.js" } }));
    await symlink("./index.js", join(staying, "link.js"));
    const borrowed = join(root, "borrowed");
    await mkdir(borrowed);
    await symlink(join(outside, MANIFEST_FILE), join(borrowed, MANIFEST_FILE));
    expect(summary(await discover())).toEqual([
      ["outside", "refused", `${MANIFEST_FILE} is a link that leaves the folder`],
      ["escaping", "refused", "its entry file './link.js' leads out of its folder"],
      ["outside", "discovered", ""],
      ["staying", "discovered", ""],
    ]);
  });

  it("gives an id to the first that claims it and names it to the second", async () => {
    await plant("1-first", manifest("twin", { provides: { channels: ["talk"] } }));
    await plant("2-same-id", manifest("twin", { provides: {} }));
    await plant("3-same-channel", manifest("other", { provides: { channels: ["talk"] } }));
    await plant("4-built-in", manifest("sneaky", { provides: { agents: ["echo"] } }));
    const found = await discover({ reserved: { agents: ["echo"] } });
    expect(summary(found)).toEqual([
      ["twin", "discovered", ""],
      ["twin", "refused", `the extension id 'twin' already belongs to 'twin' in ${found[0]?.path}`],
      ["other", "refused", `the channel 'talk' already belongs to 'twin' in ${found[0]?.path}`],
      ["sneaky", "refused", "the agent 'echo' already belongs to the gateway itself"],
    ]);
  });

  it("obeys the operator, and what is refused claims nothing", async () => {
    await plant("1", manifest("denied", { provides: { channels: ["talk"] } }));
    await plant("2", manifest("disabled"));
    await plant("3", manifest("unlisted"));
    await plant("4", manifest("allowed", { provides: { channels: ["talk"] } }));
    const rules = {
      deny: ["denied"],
      allow: ["allowed", "disabled", "denied"],
      entries: { disabled: { enabled: false } },
    };
    expect(summary(await discover(rules))).toEqual([
      ["denied", "refused", "it is denied by the configuration"],
      ["disabled", "refused", "it is disabled by the configuration"],
      ["unlisted", "refused", "the configuration does not allow it"],
      ["allowed", "discovered", ""],
    ]);
  });
});
