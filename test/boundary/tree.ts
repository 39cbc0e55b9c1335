import { glob, readFile } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";

/** Packages a package may import by name. `test` may import everything. Source: ARCHITECTURE.md, The tree. */
const PACKAGES: Record<string, readonly string[]> = {
  schemas: [],
  sdk: ["openclaw-host-schemas"],
  "sdk/testing": ["openclaw-host", "openclaw-host-sdk", "openclaw-host-sdk/client"],
  core: ["openclaw-host-schemas", "openclaw-host-sdk", "openclaw-host-sdk/client"],
  extensions: ["openclaw-host-sdk"],
  examples: ["openclaw-host-sdk", "openclaw-host-testing"],
};

/** Rooms of the core and the rooms each may look into; `gateway.ts` and its drawer `compose` know all of them. */
const CORE_ROOMS: Record<string, readonly string[]> = {
  base: [],
  store: ["base"],
  config: ["base"],
  auth: ["base", "store"],
  sessions: ["base", "store"],
  media: ["base", "store"],
  agent: ["base", "store", "config", "auth", "sessions", "media"],
  host: ["base", "store", "config", "auth", "sessions", "media", "agent"],
  channels: ["base", "store", "config", "auth", "sessions", "media", "agent", "host"],
  automation: ["base", "store", "config", "auth", "sessions", "media", "agent", "host", "channels"],
  wire: ["base", "auth", "store"],
  methods: ["base", "store", "config", "auth", "sessions", "media", "agent", "host", "channels", "automation"],
  compose: [
    "base",
    "store",
    "config",
    "auth",
    "sessions",
    "media",
    "agent",
    "host",
    "channels",
    "automation",
    "methods",
    "wire",
  ],
  cli: ["base", "store", "config", "auth", "host", "compose", "gateway.ts"],
};

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const IMPORT = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

/** Every source file of the product, tests included. */
export async function sourceFiles(root: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const pattern = "{schemas,sdk,core,extensions,examples}/**/*.ts";
  const skip = /(^|\/)(node_modules|dist|build|generated)\//;
  for await (const found of glob(pattern, { cwd: root, exclude: (path) => path.endsWith("node_modules") })) {
    const path = found.split(sep).join("/");
    if (!skip.test(path)) files.push({ path, text: await readFile(join(root, found), "utf8") });
  }
  return files;
}

/** One sentence for each import that goes against the tree; empty when the tree holds. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => importsOf(file).flatMap((target) => judge(file.path, target) ?? []));
}

function importsOf(file: SourceFile): string[] {
  return [...file.text.matchAll(IMPORT)].flatMap((match) => match[1] ?? []);
}

function judge(path: string, target: string): string | undefined {
  return target.startsWith(".") ? judgeRelative(path, target) : judgePackage(path, target);
}

function judgePackage(path: string, target: string): string | undefined {
  if (!target.startsWith("openclaw-")) return undefined;
  const home = homeOf(path);
  const isTest = path.endsWith(".test.ts") || !path.includes("/src/");
  const own =
    isTest && (home === "examples" || home === "extensions")
      ? [...(PACKAGES[home] ?? []), "openclaw-host-testing"]
      : PACKAGES[home];
  return own?.includes(target) === true
    ? undefined
    : `${path} imports ${target}: ${home} may import ${own?.join(", ") || "no package of ours"}`;
}

function judgeRelative(path: string, target: string): string | undefined {
  const resolved = posix.normalize(posix.join(dirname(path).split(sep).join("/"), target));
  const home = packageFolder(path);
  if (packageFolder(resolved) !== home) return `${path} reaches into ${resolved}: import a package by its name`;
  if (home !== "core" || path.endsWith(".test.ts")) return undefined;
  const from = coreRoom(path);
  const to = coreRoom(resolved);
  if (from === undefined || from === "gateway.ts" || to === undefined || from === to) return undefined;
  return CORE_ROOMS[from]?.includes(to) === true
    ? undefined
    : `${path} imports ${resolved}: ${from} may look into ${CORE_ROOMS[from]?.join(", ") || "no other room"}`;
}

/** Room of a core file; `undefined` for the files directly in `core/src` except `gateway.ts`. */
function coreRoom(path: string): string | undefined {
  const [room, ...rest] = relative("core/src", path).split("/");
  if (room === undefined) return undefined;
  return rest.length > 0 ? room : room === "gateway.ts" ? room : undefined;
}

function homeOf(path: string): string {
  if (path.startsWith("sdk/testing/")) return "sdk/testing";
  return path.split("/")[0] ?? "";
}

function packageFolder(path: string): string {
  const home = homeOf(path);
  return home === "extensions" || home === "examples" ? path.split("/").slice(0, 2).join("/") : home;
}
