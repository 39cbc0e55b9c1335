import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Random } from "./random.ts";

/** How far a gateway had come when it was killed. */
export type Stage =
  | "before the store"
  | "opening the store"
  | "recovering"
  | "before listening"
  | "loading extensions"
  | "at work";

/** What a gateway says of its start, and what it does from then on. */
const SAID: readonly (readonly [message: string, stage: Stage])[] = [
  ["start: config and manifests", "opening the store"],
  ["start: store", "recovering"],
  ["start: channels and turns", "before listening"],
  ["listening", "loading extensions"],
];

/** What a kill waits for. */
type Aim = "anywhere" | "migrating" | Stage;

/** Only the first starts of a state directory migrate. */
const AIMS: { readonly fresh: readonly [Aim, ...Aim[]]; readonly used: readonly [Aim, ...Aim[]] } = {
  fresh: ["anywhere", "migrating", "migrating"],
  used: ["anywhere", "opening the store", "opening the store", "recovering", "recovering", "before listening"],
};
/** After what it waited for, so long; or anywhere in a start, which takes about so long. All ms. */
const DELAY_MS = 14;
const START_MS = 220;
const LOOK_MS = 1;

const binary = join(dirname(createRequire(import.meta.url).resolve("openclaw-host/package.json")), "bin/openclaw.js");

/**
 * Starts a gateway and kills it while it starts, at a moment of the seed's choice. Resolves with how far it came, when it is
 * gone.
 */
export async function dieEarly(stateDir: string, extensions: readonly string[], random: Random): Promise<Stage> {
  const aim = random.pick(AIMS[existsSync(join(stateDir, "host.db")) ? "used" : "fresh"]);
  const delayMs = random.between(0, aim === "anywhere" ? START_MS : DELAY_MS);
  const folders = extensions.flatMap((folder) => ["--extensions", folder]);
  const flags = ["--port", "0", "--state-dir", stateDir, "--config", join(stateDir, "openclaw.json"), "--json"];
  const child = spawn(process.execPath, ["--disable-sigusr1", binary, "gateway", ...flags, ...folders], {
    env: { PATH: process.env["PATH"] ?? "", HOME: stateDir },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let stage: Stage = "before the store";
  let timer: NodeJS.Timeout | undefined;
  const killSoon = () => void (timer ??= setTimeout(() => child.kill("SIGKILL"), delayMs));
  if (aim === "anywhere") killSoon();
  const watch = setInterval(() => {
    if (aim === "migrating" && existsSync(join(stateDir, "host.db-wal"))) killSoon();
  }, LOOK_MS);
  createInterface({ input: child.stdout }).on("line", (line) => {
    const found = SAID.find(([message]) => line.includes(`"message":"${message}"`));
    if (found === undefined) return;
    [, stage] = found;
    if (stage === aim || stage === "loading extensions") killSoon();
  });
  const code = await gone;
  clearInterval(watch);
  clearTimeout(timer);
  // Killed processes have no exit code.
  if (code !== null) throw new Error(`a gateway that was to be killed while it started exited with ${code}`);
  return stage;
}
