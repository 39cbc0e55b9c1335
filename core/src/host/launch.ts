import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../base/log.ts";
import { createSpool } from "../media/spool.ts";
import type { Carrier } from "./carrier.ts";
import { startInlineCarrier } from "./carrier-inline.ts";
import { startProcessCarrier } from "./carrier-process.ts";
import { CONTRACTS, type Discovered } from "./discover/discover.ts";
import { type Guest, launchGuest } from "./guest.ts";
import type { ExtensionHostParts } from "./host-parts.ts";
import type { SupervisionPolicy } from "./supervise.ts";

/** What a start needs: the extension, its place on disk, and the parts its doors lead to. */
export interface LauncherParts extends Pick<
  ExtensionHostParts,
  "stateDir" | "isolationOf" | "store" | "media" | "clock" | "ids" | "guestEnv"
> {
  readonly found: Extract<Discovered, { state: "discovered" }>;
  /** The extension's own; its guest's output goes there too. */
  readonly log: Logger;
  readonly policy: SupervisionPolicy;
}

/** Data of an extension is its operator's business and nobody else's. */
const DIR_MODE = 0o700;

/** Makes an extension's folders and starts it in the carrier the operator chose. */
export function createLauncher(parts: LauncherParts): (generation: number, signal: AbortSignal) => Promise<Guest> {
  const { found, stateDir, clock, ids, log } = parts;
  const { id, manifest } = found;
  const dataDir = join(stateDir, "extensions-data", id);
  const cacheDir = join(stateDir, "cache", id);
  const spool = createSpool({ dir: join(stateDir, "spool", id), media: parts.media, ids });

  // A process gets an environment of its own and its data folder as the working directory, so that relative paths stay inside.
  const startCarrier = async (): Promise<Carrier> =>
    parts.isolationOf(id) === "inline"
      ? startInlineCarrier()
      : startProcessCarrier({ clock, log, cwd: dataDir, env: parts.guestEnv ?? {} });

  return async (generation, signal) => {
    for (const dir of [dataDir, cacheDir]) await mkdir(dir, { recursive: true, mode: DIR_MODE });
    // Files that a guest of an earlier run left behind.
    await spool.reset();
    return launchGuest({
      carrier: await startCarrier(),
      order: {
        contracts: CONTRACTS,
        extension: id,
        entry: found.entry,
        cacheDir,
        spoolDir: spool.dir,
        generation,
        provides: { channels: manifest.provides.channels ?? [], agents: manifest.provides.agents ?? [] },
      },
      loadMs: parts.policy.loadMs,
      signal,
      clock,
      ids,
      log,
      doors: { extension: id, store: parts.store, media: parts.media, spool, dataDir },
    });
  };
}
