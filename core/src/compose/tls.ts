import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Config } from "openclaw-host-schemas";
import { hasCode } from "../config/files.ts";
import { ConfigError, type ConfigIssue } from "../config/issue.ts";
import type { Paths } from "../config/paths.ts";
import { type TlsIdentity, TlsFault, identityOf } from "./tls-identity.ts";
import { ownIdentity } from "./tls-own.ts";

type Gateway = Config["gateway"];

export interface TlsParts {
  readonly gateway: Gateway;
  /** The bind in effect: the flag's or the config's. */
  readonly bind: string;
  readonly paths: Paths;
  /** Addresses of this host's interfaces. */
  readonly interfaces: () => readonly string[];
  /** Epoch ms. */
  readonly now: () => number;
}

/** Where the certificate comes from, and the one that is shown now. */
export interface TlsSource {
  readonly current: TlsIdentity;
  /** Says what to do about a key that every user of this host can read; undefined when there is nothing to say. */
  warning(): Promise<string | undefined>;
  /** Changes whenever one of the two files does. */
  signature(): Promise<string>;
  /** Reads the files again; the gateway's own certificate is renewed when that is due. Throws when they cannot be used. */
  reload(): Promise<TlsIdentity>;
}

/** What does not fit together in `gateway.tls`. */
export function tlsRules({ tls }: Gateway): readonly ConfigIssue[] {
  if (!tls.enabled) return [];
  const { certPath, keyPath, autoGenerate } = tls;
  if (certPath !== undefined && keyPath === undefined) {
    return [{ path: "gateway.tls.keyPath", message: "is missing: name the file with the key of gateway.tls.certPath" }];
  }
  if (certPath === undefined && keyPath !== undefined) {
    return [{ path: "gateway.tls.certPath", message: "is missing: name the file with the certificate of this key" }];
  }
  if (certPath !== undefined || autoGenerate) return [];
  const message = "is false and no certificate is named: set gateway.tls.certPath and keyPath, or autoGenerate to true";
  return [{ path: "gateway.tls.autoGenerate", message }];
}

/**
 * The certificate of this gateway; undefined without TLS, and then nothing of TLS is loaded.
 *
 * @throws ConfigError when the configured files cannot be used; Error when the gateway's own key cannot.
 */
export async function openTls(parts: TlsParts): Promise<TlsSource | undefined> {
  if (!parts.gateway.tls.enabled) return undefined;
  const { load, files } = placeOf(parts);
  let current = await load();
  return {
    get current() {
      return current;
    },
    warning: () => openKeyWarning(files[1]),
    signature: async () => (await Promise.all(files.map(signatureOf))).join(" "),
    reload: async () => (current = await load()),
  };
}

interface Place {
  /** Certificate and key. */
  readonly files: readonly [cert: string, key: string];
  readonly load: () => Promise<TlsIdentity>;
}

function placeOf({ gateway, bind, paths, interfaces, now }: TlsParts): Place {
  const { certPath, keyPath } = gateway.tls;
  if (certPath === undefined || keyPath === undefined) {
    const names = namesOf(gateway, bind, interfaces());
    const files = [paths.tlsCertFile, paths.tlsKeyFile] as const;
    return { files, load: () => ownIdentity({ paths, names, now: now() }) };
  }
  const cert = resolve(paths.configDir, certPath);
  const key = resolve(paths.configDir, keyPath);
  return { files: [cert, key], load: () => configured({ cert, key }, paths.configFile) };
}

async function configured(files: { cert: string; key: string }, configFile: string): Promise<TlsIdentity> {
  const refuse = (at: "cert" | "key", message: string): never => {
    throw new ConfigError(configFile, [{ path: `gateway.tls.${at}Path`, message: `${files[at]} ${message}` }]);
  };
  const read = (at: "cert" | "key"): Promise<string> =>
    readFile(files[at], "utf8").catch((error: unknown) =>
      refuse(at, hasCode(error, "ENOENT") ? "does not exist: correct the path" : `cannot be read: ${textOf(error)}`),
    );
  // One after the other, so that of two faults the same one is always told.
  const cert = await read("cert");
  const key = await read("key");
  try {
    return identityOf({ cert, key });
  } catch (error) {
    if (error instanceof TlsFault) return refuse(error.at === "cert" ? "cert" : "key", error.message);
    throw error;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function signatureOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  } catch (error) {
    return textOf(error);
  }
}

/** Programs that fetch certificates often let a group read the key; all users are too many. */
async function openKeyWarning(file: string): Promise<string | undefined> {
  // Windows has no such bits.
  if (process.platform === "win32" || ((await stat(file)).mode & 0o007) === 0) return undefined;
  return `${file} can be read by every user of this host, who could then pose as this gateway: run chmod o= on it`;
}

const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** A host name as certificates can carry it. */
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/;

/** By which clients may reach the gateway. */
function namesOf({ publicUrl, allowedHosts }: Gateway, bind: string, interfaces: readonly string[]): readonly string[] {
  const told = [hostname(), ...allowedHosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])];
  const addresses = bind === "loopback" ? [] : EVERYWHERE.has(bind) ? interfaces : [bind];
  const names = told
    .map((name) => name.replace(/^\[(.*)\]$/, "$1"))
    .filter((name) => NAME.test(name) || isIP(name) > 0);
  return [...new Set(["localhost", "127.0.0.1", "::1", ...names, ...addresses])];
}
