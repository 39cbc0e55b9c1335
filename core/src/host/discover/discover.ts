import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { MANIFEST_FILE, type Manifest } from "openclaw-host-schemas";
import { CONTRACT_VERSION } from "openclaw-host-sdk";
import { type AdmissionRules, createAdmission } from "./admission.ts";
import { checkContract } from "./compatible.ts";
import { findEntry } from "./entry.ts";
import { readManifest } from "./manifest-file.ts";
import type { Refusal } from "./refusal.ts";

/** Versions of the SDK contract this host speaks, newest first: N and N-1. */
export const CONTRACTS: readonly number[] = [CONTRACT_VERSION, CONTRACT_VERSION - 1].filter((version) => version > 0);

/** An extension that was found; none of its code has run. */
export type Discovered =
  | {
      readonly state: "discovered";
      readonly id: string;
      readonly path: string;
      readonly manifest: Manifest;
      readonly entry: string;
    }
  | {
      readonly state: "refused";
      /** From the manifest, or the folder's name when that could not be read. */
      readonly id: string;
      readonly path: string;
      readonly manifest?: Manifest;
      readonly refusal: Refusal;
    };

export interface ExtensionRoot {
  /** A folder of extension folders, or one extension. */
  readonly path: string;
  /** True for a folder the operator named: its absence is an error. */
  readonly required: boolean;
}

export interface DiscoverOptions {
  /** In order of precedence: of two extensions with one id the first wins. */
  readonly roots: readonly ExtensionRoot[];
  readonly rules?: AdmissionRules;
}

/** Finds extensions and reads their manifests. Rejects only when a required folder is missing. */
export async function discoverExtensions(options: DiscoverOptions): Promise<Discovered[]> {
  const admit = createAdmission(options.rules ?? {});
  const found: Discovered[] = [];
  for (const folder of await foldersOf(options.roots)) {
    const candidate = await examine(folder);
    const refusal = candidate.state === "discovered" ? admit(candidate) : undefined;
    found.push(refusal === undefined ? candidate : { ...candidate, state: "refused", refusal });
  }
  return found;
}

/** Real paths of all extension folders, each once. */
async function foldersOf(roots: readonly ExtensionRoot[]): Promise<string[]> {
  const folders = new Set<string>();
  for (const { path, required } of roots) {
    const root = await realpath(path).catch(() => undefined);
    if (root === undefined) {
      if (required) throw new Error(`the extensions folder ${path} does not exist; create it, or leave the option out`);
      continue;
    }
    const inner = (await hasManifest(root)) ? [root] : await subfolders(root);
    for (const folder of inner) folders.add(await realpath(folder));
  }
  return [...folders];
}

/** Folders that hold a manifest, in the order of their names. */
async function subfolders(root: string): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => !name.startsWith(".") && name !== "node_modules").sort();
  const checked = await Promise.all(
    names.map(async (name) => ((await hasManifest(join(root, name))) ? [join(root, name)] : [])),
  );
  return checked.flat();
}

/** A folder is an extension when it holds a manifest, readable or not: a broken one is shown, not skipped. */
function hasManifest(folder: string): Promise<boolean> {
  return stat(join(folder, MANIFEST_FILE)).then(
    () => true,
    () => false,
  );
}

/** Everything that can be said of an extension by itself, without the others and without the operator. */
async function examine(path: string): Promise<Discovered> {
  const outcome = await readManifest(path);
  if ("refusal" in outcome) return { state: "refused", id: basename(path), path, refusal: outcome.refusal };
  const { manifest } = outcome;
  const { id } = manifest;
  const contract = checkContract(id, manifest.sdk, CONTRACTS);
  if (contract !== undefined) return { state: "refused", id, path, manifest, refusal: contract };
  const entry = await findEntry(path, manifest.entry.runtime);
  if ("refusal" in entry) return { state: "refused", id, path, manifest, refusal: entry.refusal };
  return { state: "discovered", id, path, manifest, entry: entry.path };
}
