import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = new URL("../..", import.meta.url).pathname;

/** A first install of a release takes minutes on a busy machine. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** An official release: the folder of its package, and the Node it is run on. */
export interface Release {
  readonly version: string;
  /** Its program. */
  readonly program: string;
  /** The Node binary that its `engines` ask for. */
  readonly node: string;
}

/** The folder in which the packages are kept between runs; never inside this repository, which holds nothing of theirs. */
export function cacheFolder(): string {
  const folder = process.env["OPENCLAW_CLIENTS_DIR"] ?? join(tmpdir(), "openclaw-official-clients");
  if (!relative(root, folder).startsWith("..")) throw new Error(`set OPENCLAW_CLIENTS_DIR to a folder outside ${root}`);
  return folder;
}

interface Wanted {
  /** Folder in the cache. */
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  /** Node that npm and install scripts run on; default the one of this process. */
  readonly node?: string;
}

/** Installs by npm as the user has it set up, once: a folder that npm has finished is used again. Returns its `node_modules`. */
async function installed({ name, dependencies, overrides = {}, node = process.execPath }: Wanted): Promise<string> {
  const folder = join(cacheFolder(), name);
  const modules = join(folder, "node_modules");
  // npm writes this last; a folder without it was interrupted.
  if (existsSync(join(modules, ".package-lock.json"))) return modules;
  process.stdout.write(`installing ${name} ...\n`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies, overrides, allowScripts: { node: true } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const path = `${join(node, "..")}${delimiter}${process.env["PATH"] ?? ""}`;
  await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--prefer-offline"], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    timeout: INSTALL_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return modules;
}

async function nodeOf(major: 22 | 24): Promise<string> {
  const modules = await installed({ name: `node-${major}`, dependencies: { node: String(major) } });
  return join(modules, "node/bin/node");
}

async function release(version: string, major: 22 | 24, overrides: Record<string, string> = {}): Promise<Release> {
  const node = await nodeOf(major);
  const modules = await installed({ name: version, dependencies: { openclaw: version }, overrides, node });
  return { version, program: join(modules, "openclaw/openclaw.mjs"), node };
}

export const RELEASES = {
  "2026.9.6": (): Promise<Release> => release("2026.9.6", 24),
  /** Its own baileys is no longer on the registry. */
  "2026.2.26": (): Promise<Release> => release("2026.2.26", 22, { "@whiskeysockets/baileys": "7.0.0-rc14" }),
} as const;

/** `node_modules` with the client library, and a Chromium with what drives it. */
export const libraryFolder = (): Promise<string> =>
  installed({
    name: "library",
    dependencies: {
      "@openclaw/gateway-client": "2026.9.1",
      "@sparticuz/chromium": "153.0.0",
      "playwright-core": "1.65.1",
    },
  });
