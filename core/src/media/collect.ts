import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../store/db.ts";
import { blobPath } from "./blob-file.ts";
import type { Gate } from "./gate.ts";

export interface CollectParts {
  readonly dir: string;
  readonly store: Store;
  readonly gate: Gate;
}

export interface CollectLimits {
  /** Epoch ms. */
  readonly now: number;
  /** Blobs that were not put or shown for so long go even when a transcript names them, ms. Default never. */
  readonly maxAgeMs?: number;
}

/** An unreferenced blob lives so long, ms: whoever put it may still be about to use it. */
const UNUSED_MS = 24 * 3_600_000;
/** Blobs removed at a time. */
const STEP = 50;

/** Removes up to a step of blobs that nobody needs; returns how many bytes they had, undefined when there are none left. */
export function collectBlobs(parts: CollectParts, { now, maxAgeMs }: CollectLimits): Promise<number | undefined> {
  const { dir, store, gate } = parts;
  const oldBefore = maxAgeMs === undefined ? {} : { oldBefore: now - maxAgeMs };
  return gate.alone(async () => {
    const blobs = await store.run("media.collect", { unusedBefore: now - UNUSED_MS, ...oldBefore, limit: STEP });
    // A file that stays behind is found by `sweepFiles`.
    for (const { sha256 } of blobs) await rm(blobPath(dir, sha256), { force: true });
    return blobs.length === 0 ? undefined : blobs.reduce((bytes, blob) => bytes + blob.bytes, 0);
  });
}

/** Folders that `sweepFiles` looks into, one a call; "" holds unfinished files. */
export async function sweepFolders(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir).catch(() => []);
  return ["", ...names.filter((name) => /^[0-9a-f]{2}$/u.test(name))];
}

/** Removes old files of one folder that no row knows: left by a crash between file and row. */
export function sweepFiles({ dir, store, gate }: CollectParts, folder: string, now: number): Promise<void> {
  return gate.alone(async () => {
    const names = await readdir(join(dir, folder)).catch(() => []);
    const files = folder === "" ? names.filter((name) => name.endsWith(".part")) : names;
    const unknown = folder === "" ? files : await store.run("media.unknown", { names: files });
    for (const name of unknown) {
      const path = join(dir, folder, name);
      const age = await stat(path).then(
        ({ mtimeMs }) => now - mtimeMs,
        () => 0,
      );
      if (age > UNUSED_MS) await rm(path, { force: true });
    }
  });
}
