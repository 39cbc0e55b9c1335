import type { LogRecord, LogSink } from "./log.ts";

/** Receives whole lines without their line break. */
export type WriteLine = (line: string) => void;

/** `2026-11-22T10:00:00.000Z info  wire listening port=18789`: one line a record, for people. */
export function textSink(write: WriteLine): LogSink {
  return (record) => write(formatText(record));
}

/** One JSON object a line: `time level part message`, then the fields. */
export function jsonSink(write: WriteLine): LogSink {
  return (record) => write(formatJson(record));
}

export function formatText(record: LogRecord): string {
  const time = new Date(record.at).toISOString();
  const fields = Object.entries(record.fields).filter(([, value]) => value !== undefined);
  const tail = fields.map(([name, value]) => ` ${name}=${formatValue(value)}`).join("");
  return `${time} ${record.level.padEnd(5)} ${record.part} ${record.message}${tail}`;
}

/** Bare words stay bare; anything else is JSON, so that a value cannot pose as another field. */
function formatValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

const RESERVED: ReadonlySet<string> = new Set(["time", "level", "part", "message"]);

export function formatJson(record: LogRecord): string {
  const fields = Object.entries(record.fields).map(([name, value]) => [RESERVED.has(name) ? `${name}_` : name, value]);
  return JSON.stringify({
    time: new Date(record.at).toISOString(),
    level: record.level,
    part: record.part,
    message: record.message,
    ...Object.fromEntries(fields),
  });
}
