/** One fault of a config file. */
export interface ConfigIssue {
  /** Dotted path as `config set` takes it, `""` for the whole file. */
  readonly path: string;
  /** What is there, what should be, and how to mend it. */
  readonly message: string;
}

const BRAND: unique symbol = Symbol.for("openclaw-host.config-error") as never;

/** A config that must not be used. The message lists every fault, so that one edit mends them all. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly issues: readonly ConfigIssue[];
  constructor(file: string, issues: readonly ConfigIssue[]) {
    super(describe(file, issues));
    Object.defineProperty(this, BRAND, { value: true });
    this.file = file;
    this.issues = issues;
  }
}

export function isConfigError(error: unknown): error is ConfigError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** `  gateway.port: is text, must be a whole number ...`, one line each. */
export const formatIssue = (issue: ConfigIssue): string =>
  issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`;

function describe(file: string, issues: readonly ConfigIssue[]): string {
  const count = issues.length === 1 ? "1 fault" : `${issues.length} faults`;
  return [`the config ${file} has ${count}:`, ...issues.map((issue) => `  ${formatIssue(issue)}`)].join("\n");
}

/** A path that names no place in a config. */
export const invalidPath = (path: string): Error =>
  new Error(`"${path}" is no config path: write keys joined by dots, like gateway.port or channels.telegram.allowFrom`);
