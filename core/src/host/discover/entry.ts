import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { MANIFEST_FILE } from "openclaw-host-schemas";
import type { Refusal } from "./refusal.ts";

const LOADABLE = /\.([cm]?js|[cm]?ts|tsx)$/u;

/** The path with every link resolved, or undefined when it leads nowhere. */
async function realOf(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

/**
 * The real path of the entry file. Links are followed and must stay inside the folder: Node follows them too when it grants
 * a guest its folder, so a link that leaves the tree would hand it the rest of the disk.
 */
export async function findEntry(folder: string, entry: string): Promise<{ path: string } | { refusal: Refusal }> {
  const root = await realOf(folder);
  const inside = (path: string | undefined) => root !== undefined && path?.startsWith(root + sep) === true;
  if (!inside(await realOf(resolve(folder, MANIFEST_FILE)))) {
    return {
      refusal: { reason: `${MANIFEST_FILE} is a link that leaves the folder`, fix: "put the file itself there" },
    };
  }
  const path = await realOf(resolve(folder, entry));
  if (path === undefined) {
    return {
      refusal: {
        reason: `its entry file '${entry}' does not exist`,
        fix: "build the extension, or correct entry.runtime",
      },
    };
  }
  if (!inside(path)) {
    const fix = "name a file inside the extension's own folder as entry.runtime";
    return { refusal: { reason: `its entry file '${entry}' leads out of its folder`, fix } };
  }
  if (!LOADABLE.test(path) || !(await stat(path)).isFile()) {
    const fix = "name a .js, .mjs, .cjs or .ts file as entry.runtime";
    return { refusal: { reason: `its entry '${entry}' is not a JavaScript or TypeScript file`, fix } };
  }
  return { path };
}
