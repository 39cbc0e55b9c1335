import { type Stats, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Paths } from "../../config/paths.ts";
import type { Finding } from "./finding.ts";

const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;
const STICKY = 0o1000;
/** Files of the state directory looked at; installed extensions have thousands, which their own check covers. */
const MAX_ENTRIES = 20_000;

export interface FileFacts {
  readonly paths: Paths;
  /** Folders of extensions that were found. */
  readonly extensions: readonly string[];
  /** The user the gateway runs as; undefined where there is none (Windows). */
  readonly uid: number | undefined;
}

interface Entry {
  readonly path: string;
  readonly stats: Stats;
}

/** Modes and owners of everything the gateway keeps, and of the folders its extensions come from. */
export function checkFiles({ paths, extensions, uid }: FileFacts): readonly Finding[] {
  // Windows has no such bits: its folders in a user's profile are the user's own.
  if (uid === undefined) return [];
  const entries = [
    ...new Map([...stateEntries(paths), ...one(paths.configFile)].map((entry) => [entry.path, entry])).values(),
  ];
  const kept = entries.flatMap((entry) => [...keptFault(entry), ...ownerFault(entry, uid)]);
  const code = extensions
    .flatMap((folder) => codeEntries(folder))
    .flatMap((entry) => [...codeFault(entry), ...ownerFault(entry, uid)]);
  return [...kept, ...code, ...parentFaults(paths.stateDir)];
}

function one(path: string): readonly Entry[] {
  try {
    return [{ path, stats: lstatSync(path) }];
  } catch {
    // What is not there cannot be open.
    return [];
  }
}

/** The state directory and everything below it, without following links and without the code of installed extensions. */
function stateEntries({ stateDir, extensionsDir }: Paths): readonly Entry[] {
  const found = [...one(stateDir)];
  for (let next = 0; next < found.length && found.length < MAX_ENTRIES; next += 1) {
    const entry = found[next];
    if (entry === undefined || !entry.stats.isDirectory() || dirname(entry.path) === extensionsDir) continue;
    for (const name of list(entry.path)) found.push(...one(join(entry.path, name)));
  }
  return found;
}

/** A folder of an extension, and what decides which code runs. */
function codeEntries(folder: string): readonly Entry[] {
  const inside = list(folder).filter((name) => name !== "node_modules");
  return [dirname(folder), folder, ...inside.map((name) => join(folder, name))].flatMap(one);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(3, "0");

/** Nothing the gateway keeps is anybody else's business. */
function keptFault({ path, stats }: Entry): readonly Finding[] {
  if (stats.isSymbolicLink() || (stats.mode & OTHERS) === 0) return [];
  const mode = stats.isDirectory() ? 0o700 : 0o600;
  const writable = (stats.mode & OTHERS_WRITE) !== 0;
  return [
    {
      severity: writable || stats.isFile() ? "critical" : "warn",
      check: "files",
      message: `${path} can be ${writable ? "changed" : "read"} by other users of this host (mode ${octal(stats.mode)})`,
      fix: `run: openclaw security audit --fix (chmod ${octal(mode)})`,
      chmod: { path, mode },
    },
  ];
}

/** Code may be read, but whoever can change it runs as the gateway's user. */
function codeFault({ path, stats }: Entry): readonly Finding[] {
  if (stats.isSymbolicLink() || (stats.mode & OTHERS_WRITE) === 0) return [];
  if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return [];
  const mode = stats.mode & 0o777 & ~OTHERS_WRITE;
  return [
    {
      severity: "critical",
      check: "extensions",
      message: `${path} holds code of an extension and can be changed by other users of this host (mode ${octal(stats.mode)})`,
      fix: `run: openclaw security audit --fix (chmod ${octal(mode)})`,
      chmod: { path, mode },
    },
  ];
}

function ownerFault({ path, stats }: Entry, uid: number): readonly Finding[] {
  if (stats.uid === uid || stats.uid === 0) return [];
  return [
    {
      severity: "critical",
      check: "owner",
      message: `${path} belongs to another user (uid ${stats.uid})`,
      fix: `run as its owner, or: chown -R ${uid} ${path}`,
    },
  ];
}

/** Whoever may rename the state directory may put another one in its place. */
function parentFaults(stateDir: string): readonly Finding[] {
  const faults: Finding[] = [];
  for (let path = dirname(stateDir); ; path = dirname(path)) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && (stats.mode & 0o002) !== 0 && (stats.mode & STICKY) === 0) {
      faults.push({
        severity: "critical",
        check: "files",
        message: `${path}, which leads to the state directory, can be changed by every user (mode ${octal(stats.mode)})`,
        fix: `run: chmod o-w ${path}, or move the state directory (--state-dir)`,
      });
    }
    if (path === dirname(path)) return faults;
  }
}
