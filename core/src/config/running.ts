import { readIfThere, writePrivateFile } from "./files.ts";
import { isJsonObject } from "./json-schema.ts";

/** What commands on the same host need to know of the gateway that uses a state directory. */
export interface RunningRecord {
  /** Absent when no gateway is running. */
  readonly at?: {
    readonly host: string;
    readonly port: number;
    readonly pid: number;
    /** SHA-256 of its certificate; absent when the port is not encrypted. */
    readonly tlsFingerprint?: string;
  };
  /** Extension roots of the last start, so that commands know the same extensions without flags. */
  readonly extensions: readonly string[];
}

/** `<state>/gateway.json`: `{host, port, pid, tlsFingerprint?, extensions}` while the gateway runs, `{extensions}` after it stopped. */
export async function writeRunning(file: string, record: RunningRecord): Promise<void> {
  await writePrivateFile(file, `${JSON.stringify({ ...record.at, extensions: record.extensions }, null, 2)}\n`);
}

/** An unreadable or foreign file is taken for none: it is only a hint. */
export async function readRunning(file: string): Promise<RunningRecord> {
  const value = parse((await readIfThere(file)) ?? "{}");
  if (!isJsonObject(value)) return { extensions: [] };
  const { host, port, pid, tlsFingerprint } = value;
  const extensions = Array.isArray(value["extensions"])
    ? value["extensions"].filter((path) => typeof path === "string")
    : [];
  if (typeof host !== "string" || typeof port !== "number" || typeof pid !== "number") return { extensions };
  const pin = typeof tlsFingerprint === "string" ? { tlsFingerprint } : {};
  return { at: { host, port, pid, ...pin }, extensions };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
