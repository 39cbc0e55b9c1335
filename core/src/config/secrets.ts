import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { isSecretSchema } from "openclaw-host-schemas";
import type { Undo } from "../base/clock.ts";
import type { Redactor } from "../base/redact.ts";
import type { ConfigIssue } from "./issue.ts";
import { type JsonSchema, isJsonObject, mapValue } from "./json-schema.ts";

export interface SecretDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative `$file` paths start here, and `$exec` commands run here. */
  readonly baseDir: string;
  /** Every resolved value is registered before anybody else sees it. */
  readonly redactor: Redactor;
  /** `skip` leaves the secrets of commands out. Default: commands are run. */
  readonly commands?: "skip";
}

/** Where the secrets of a value are written. */
export interface SecretPlace {
  readonly schema: JsonSchema;
  readonly value: unknown;
  /** Dotted path of the value, for the issues. */
  readonly path: string;
}

/** Secrets by dotted path, and what could not be read. */
export interface ReadSecrets {
  readonly values: ReadonlyMap<string, string>;
  readonly issues: readonly ConfigIssue[];
  /** Forgets the values in the redactor. */
  readonly release: Undo;
}

export interface ResolvedSecrets {
  /** A copy in which every secret is its value; those of `issues` are missing. */
  readonly value: unknown;
  readonly issues: readonly ConfigIssue[];
  /** Forgets the values in the redactor. */
  readonly release: Undo;
}

/** A password manager may ask for a fingerprint; longer than this looks like a hang. */
const EXEC_TIMEOUT_MS = 10_000;
const MAX_SECRET_BYTES = 64 * 1024;

/**
 * Resolves the `Secret()` fields of a value that was checked against `schema`: literals, `{$env}`, `{$file}` and `{$exec}`
 * (run without a shell). Surrounding white space is not part of a secret.
 */
export async function resolveSecrets(at: SecretPlace, deps: SecretDeps): Promise<ResolvedSecrets> {
  const { values, issues, release } = await readSecrets(at, deps);
  return { value: mapSecrets(at, (path) => values.get(path)), issues, release };
}

/** The secrets that `resolveSecrets` would put in place. */
export async function readSecrets(at: SecretPlace, deps: SecretDeps): Promise<ReadSecrets> {
  const found = new Map<string, unknown>();
  mapSecrets(at, (path, source) => found.set(path, source));
  const issues: ConfigIssue[] = [];
  const undo: Undo[] = [];
  const values = new Map<string, string>();
  await Promise.all(
    [...found].map(async ([path, source]) => {
      if (deps.commands === "skip" && isJsonObject(source) && source["$exec"] !== undefined) return;
      try {
        const value = (await fetchSecret(source, deps)).trim();
        if (value === "") throw new Refusal("is empty: put a value there");
        undo.push(deps.redactor.add(value));
        values.set(path, value);
      } catch (error) {
        issues.push({ path, message: error instanceof Refusal ? error.message : "cannot be resolved" });
      }
    }),
  );
  return { values, issues: issues.toSorted(byPath), release: () => undo.forEach((forget) => forget()) };
}

/** An ordinary failure whose sentence is for the operator and carries nothing of the secret. */
class Refusal extends Error {}

const byPath = (a: ConfigIssue, b: ConfigIssue) => (a.path < b.path ? -1 : 1);

/** A copy of the value with `replace(path, source)` in place of every secret. */
function mapSecrets(at: SecretPlace, replace: (path: string, source: unknown) => unknown): unknown {
  const base = at.path === "" ? [] : [at.path];
  const visit = (place: { schema: JsonSchema; value: unknown; path: readonly string[] }) =>
    isSecretSchema(place.schema) && place.value !== undefined
      ? replace(place.path.join("."), place.value)
      : place.value;
  return mapValue(at.schema, at.value, { visit, path: base });
}

async function fetchSecret(source: unknown, deps: SecretDeps): Promise<string> {
  if (typeof source === "string") return source;
  if (!isJsonObject(source)) throw new Refusal("is no secret: give text, $env, $file or $exec");
  const { $env, $file, $exec } = source;
  if (typeof $env === "string") return fromEnv($env, deps);
  if (typeof $file === "string") return fromFile(resolve(deps.baseDir, $file));
  if (Array.isArray($exec)) return fromCommand($exec.map(String), deps);
  throw new Refusal("is no secret: give text, $env, $file or $exec");
}

function fromEnv(name: string, deps: SecretDeps): string {
  const value = deps.env[name];
  if (value === undefined) throw new Refusal(`the environment variable ${name} is not set: export it before the start`);
  return value;
}

async function fromFile(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= MAX_SECRET_BYTES) return bytes.toString("utf8");
  } catch (error) {
    throw new Refusal(
      `the file ${path} cannot be read (${codeOf(error)}): create it with mode 0600, or correct the path`,
    );
  }
  throw new Refusal(`the file ${path} is larger than ${MAX_SECRET_BYTES} bytes: it is not a secret`);
}

/** Neither output nor arguments of the command are repeated in an error: both may hold secrets. */
function fromCommand([command = "", ...args]: readonly string[], deps: SecretDeps): Promise<string> {
  const options = { cwd: deps.baseDir, env: { ...deps.env }, timeout: EXEC_TIMEOUT_MS, maxBuffer: MAX_SECRET_BYTES };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const why =
        error.killed === true ? `did not end within ${EXEC_TIMEOUT_MS / 1000} s` : `failed (${codeOf(error)})`;
      reject(new Refusal(`the command ${command} ${why}: run it in a terminal to see why`));
    });
  });
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" || typeof code === "number" ? String(code) : "unknown error";
}
