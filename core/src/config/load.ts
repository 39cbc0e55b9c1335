import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import JSON5 from "json5";
import type { Config } from "openclaw-host-schemas";
import { readIfThere } from "./files.ts";
import { ConfigError, type ConfigIssue } from "./issue.ts";
import { isJsonObject } from "./json-schema.ts";
import type { Paths } from "./paths.ts";
import { type ValidateOptions, validateConfig } from "./validate.ts";

/** The file as it is, before anything is known of channels. */
export interface ConfigFile {
  readonly file: string;
  readonly exists: boolean;
  /** Null when there is no file. */
  readonly raw: string | null;
  /** Hex SHA-256 of the raw text. */
  readonly hash?: string;
  /** `{}` without a file; undefined after a syntax error. */
  readonly parsed: unknown;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

/** A file with the verdict on it. */
export interface LoadedConfig extends ConfigFile {
  readonly valid: boolean;
  /** Defaults filled in; all defaults when the file is not valid. Secrets are not resolved. */
  readonly config: Config;
}

/** Reads JSON5. A syntax error is an issue that names line and column; a missing file is an empty config. */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  const raw = await readIfThere(file);
  if (raw === undefined) return { file, exists: false, raw: null, parsed: {}, issues: [], warnings: [] };
  const hash = createHash("sha256").update(raw).digest("hex");
  const found = { file, exists: true, raw, hash, warnings: await modeWarnings(file) };
  try {
    const parsed: unknown = raw.trim() === "" ? {} : JSON5.parse(raw);
    return { ...found, parsed, issues: [] };
  } catch (error) {
    return { ...found, parsed: undefined, issues: [syntaxIssue(error)] };
  }
}

/** Adds the check against the schemas. */
export function checkConfig(file: ConfigFile, options: ValidateOptions): LoadedConfig {
  const checked = validateConfig(file.parsed ?? {}, options);
  const issues = file.parsed === undefined ? file.issues : [...file.issues, ...checked.issues];
  const warnings = [...file.warnings, ...checked.warnings];
  return { ...file, config: checked.config, issues, warnings, valid: issues.length === 0 };
}

/** The config of a file that may be used. Throws `ConfigError` with every fault. */
export function requireValid(loaded: LoadedConfig): Config {
  if (!loaded.valid) throw new ConfigError(loaded.file, loaded.issues);
  return loaded.config;
}

/** A folder to look for extensions in; a `required` one must exist. */
export interface ConfiguredRoot {
  readonly path: string;
  readonly required: boolean;
}

/**
 * Where extensions are: in the folders of the flags, or without flags in those of the config and among the installed ones.
 * Tolerates a config that is not checked yet, since its check needs the extensions.
 */
export function extensionRoots(flags: readonly string[], parsed: unknown, paths: Paths): readonly ConfiguredRoot[] {
  if (flags.length > 0) return flags.map((path) => ({ path, required: true }));
  const extensions = isJsonObject(parsed) ? parsed["extensions"] : undefined;
  const configured = isJsonObject(extensions) ? extensions["paths"] : undefined;
  const named = Array.isArray(configured) ? configured.filter((path) => typeof path === "string") : [];
  return [
    ...named.map((path) => ({ path: resolve(paths.configDir, path), required: true })),
    { path: paths.extensionsDir, required: false },
  ];
}

function syntaxIssue(error: unknown): ConfigIssue {
  const line = numberIn(error, "lineNumber");
  const column = numberIn(error, "columnNumber");
  // The library's own text quotes one character of the file at most.
  const what = (error instanceof Error ? error.message : "").replace(/^JSON5: /, "").replace(/ at \d+:\d+$/, "");
  const where = line === undefined ? "" : ` in line ${line}, column ${column ?? 1}`;
  return {
    path: "",
    message: `syntax error${where}: ${what}; the file is JSON5: keys, values and commas as in JavaScript`,
  };
}

function numberIn(error: unknown, key: string): number | undefined {
  const value: unknown = typeof error === "object" && error !== null ? Reflect.get(error, key) : undefined;
  return typeof value === "number" ? value : undefined;
}

async function modeWarnings(file: string): Promise<ConfigIssue[]> {
  if (process.platform === "win32" || ((await stat(file)).mode & 0o077) === 0) return [];
  return [{ path: "", message: `other users of this machine may read ${file}, which can hold secrets: chmod 600 it` }];
}
