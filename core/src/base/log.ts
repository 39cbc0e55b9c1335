export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, unknown>>;

export interface LogRecord {
  readonly at: number;
  readonly level: LogLevel;
  /** Which part speaks: `wire`, `channels/telegram`, ... */
  readonly part: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Receives records that are already redacted. */
export type LogSink = (record: LogRecord) => void;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger for a part inside this part. */
  child(part: string): Logger;
}
