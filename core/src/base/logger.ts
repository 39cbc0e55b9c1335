import type { Clock } from "./clock.ts";
import type { LogFields, LogLevel, LogRecord, LogSink, Logger } from "./log.ts";
import { printable } from "./printable.ts";
import type { Redactor } from "./redact.ts";

export interface LoggerOptions {
  readonly clock: Clock;
  readonly sinks: readonly LogSink[];
  /** Records below this level are dropped. */
  readonly level: LogLevel;
  readonly redact: Redactor;
  /** Default `gateway`. */
  readonly part?: string;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Fields whose very name says that the value is nobody's business. */
const SECRET_NAME = /(token|secret|password|passwd|authorization|cookie|api[-_]?key|private[-_]?key)$/i;
const MAX_DEPTH = 4;
const MAX_ENTRIES = 50;
const MAX_TEXT_CHARS = 8_192;

/**
 * A logger whose records are safe to print: registered secrets are gone and nothing a user or a platform sent can break
 * out of its line. A sink that throws is ignored: logging never stops the gateway.
 */
export function createLogger(options: LoggerOptions): Logger {
  const part = options.part ?? "gateway";
  const emit = (level: LogLevel, message: string, fields: LogFields) => {
    if (RANK[level] < RANK[options.level]) return;
    const clean = cleaner(options.redact);
    const record: LogRecord = {
      at: options.clock.now(),
      level,
      part,
      message: clean.text(message),
      fields: clean.fields(fields),
    };
    for (const sink of options.sinks) {
      try {
        sink(record);
      } catch {
        // A full disk or a closed terminal must not become a second failure.
      }
    }
  };
  return {
    debug: (message, fields = {}) => emit("debug", message, fields),
    info: (message, fields = {}) => emit("info", message, fields),
    warn: (message, fields = {}) => emit("warn", message, fields),
    error: (message, fields = {}) => emit("error", message, fields),
    child: (name) => createLogger({ ...options, part: part === "gateway" ? name : `${part}/${name}` }),
  };
}

interface Cleaner {
  text(text: string): string;
  fields(fields: LogFields): Record<string, unknown>;
}

function cleaner(redact: Redactor): Cleaner {
  const text = (value: string) => {
    // The redactor comes first: a cut or an escape inside a secret would hide the rest from it.
    const safe = redact.text(value);
    return printable(safe.length > MAX_TEXT_CHARS ? `${safe.slice(0, MAX_TEXT_CHARS)}...` : safe);
  };
  const named = (name: string, value: unknown, depth: number): unknown =>
    SECRET_NAME.test(name) && typeof value === "string" ? "[redacted]" : clean(value, depth);
  const entries = (pairs: [string, unknown][], depth: number) =>
    Object.fromEntries(pairs.slice(0, MAX_ENTRIES).map(([name, value]) => [text(name), named(name, value, depth)]));

  const clean = (value: unknown, depth: number): unknown => {
    switch (typeof value) {
      case "string":
        return text(value);
      case "number":
      case "boolean":
      case "undefined":
        return value;
      case "bigint":
      case "symbol":
      case "function":
        return text(String(value));
      case "object":
        return object(value, depth);
    }
  };
  const object = (value: object | null, depth: number): unknown => {
    if (value === null) return null;
    if (depth >= MAX_DEPTH) return "[...]";
    if (value instanceof Error) return entries(errorPairs(value), depth + 1);
    if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => clean(item, depth + 1));
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    return entries(Object.entries(value), depth + 1);
  };
  return { text, fields: (fields) => entries(Object.entries(fields), 0) };
}

/** What a reader of a log needs of an error; own properties such as `code` included. */
function errorPairs(error: Error): [string, unknown][] {
  const own = Object.entries(error).filter(([name]) => name !== "message" && name !== "stack");
  const cause: [string, unknown][] = error.cause === undefined ? [] : [["cause", error.cause]];
  return [["message", error.message], ...own, ...cause, ["stack", error.stack]];
}
