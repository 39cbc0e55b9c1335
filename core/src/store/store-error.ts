/**
 * Why the database could not do something: `full` no space left, `io` the disk or file failed or is too slow, `corrupt` the file is
 * damaged, `version` it was written by a newer gateway, `closed` the store is closed or its writer died, `bug` anything else.
 */
export type StoreErrorKind = "full" | "io" | "corrupt" | "version" | "closed" | "bug";

/** A `StoreError` as it crosses threads: errors lose their own fields in a structured clone. */
export interface StoreErrorData {
  readonly kind: StoreErrorKind;
  readonly message: string;
  /** SQLite's extended result code, when it has one. */
  readonly code?: number;
  /** Where a bug happened. */
  readonly stack?: string;
}

/** What every call of the store rejects with. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: StoreErrorKind;
  readonly code: number | undefined;
  constructor(data: StoreErrorData) {
    super(data.message);
    this.kind = data.kind;
    this.code = data.code;
    if (data.stack !== undefined) this.stack = data.stack;
  }
}

export function isStoreError(error: unknown): error is StoreError {
  return error instanceof Error && error.name === "StoreError" && "kind" in error;
}

/** Primary result codes. Source: https://www.sqlite.org/rescode.html */
const KINDS: Readonly<Record<number, StoreErrorKind>> = {
  5: "io", // SQLITE_BUSY
  6: "io", // SQLITE_LOCKED
  8: "io", // SQLITE_READONLY
  10: "io", // SQLITE_IOERR
  11: "corrupt", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  14: "io", // SQLITE_CANTOPEN
  26: "corrupt", // SQLITE_NOTADB
};

/** No room for the index of the log, without which nothing can be read. Source: https://www.sqlite.org/rescode.html#ioerr_shmsize */
const IOERR_SHMSIZE = 4874;

const kindOf = (code: number): StoreErrorKind => (code === IOERR_SHMSIZE ? "full" : (KINDS[code % 256] ?? "bug"));

const ADVICE: Readonly<Partial<Record<StoreErrorKind, string>>> = {
  full: "the disk that holds host.db is full: free some space",
  io: "host.db cannot be read or written: check the disk, the file's permissions, and that no other program has it open",
  corrupt: "host.db is damaged: stop the gateway and run: openclaw backup restore FILE",
};

/** What a failure inside the writer means. Wire refusals are no errors here: commands return those as data. */
export function describeFailure(error: unknown): StoreErrorData {
  if (isStoreError(error)) return { kind: error.kind, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const code = resultCode(error);
  const kind = code === undefined ? systemKind(error) : kindOf(code);
  const advice = ADVICE[kind];
  return {
    kind,
    message: advice === undefined ? message : `${advice} (${message})`,
    ...(code === undefined ? {} : { code }),
    ...(kind === "bug" && stack !== undefined ? { stack } : {}),
  };
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** Errors of the file system name a system call; everything else is a bug of ours. */
function systemKind(error: unknown): StoreErrorKind {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return "bug";
  return error.code === "ENOSPC" || error.code === "EDQUOT" ? "full" : "io";
}
