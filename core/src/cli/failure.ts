import { isGatewayError } from "openclaw-host-sdk/client";
import { printable } from "../base/printable.ts";
import { isConfigError } from "../config/issue.ts";

/** Exit codes of every command; scripts rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, warned: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that ends with a sentence for its user. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What was wrong with the command line. */
export const usage = (message: string): CliFailure => new CliFailure(message, EXIT.usage);

export interface Failure {
  readonly exitCode: ExitCode;
  /** For people; says what to do next. */
  readonly text: string;
  /** For `--json`. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Anything a command threw. Bugs are told as such, without a stack. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliFailure) {
    return {
      exitCode: error.exitCode,
      text: error.message,
      data: { code: NAMES[error.exitCode], message: error.message },
    };
  }
  if (isConfigError(error)) {
    const data = { code: "INVALID_CONFIG", message: error.message, file: error.file, issues: error.issues };
    return { exitCode: EXIT.failed, text: error.message, data };
  }
  if (isGatewayError(error)) {
    const { code, message, details, retryable, retryAfterMs } = error;
    const exitCode = UNREACHED.has(code) ? EXIT.unreachable : EXIT.failed;
    const text = `${printable(message)}${advice(error)}`;
    return { exitCode, text, data: { code, message, details, retryable, retryAfterMs } };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: EXIT.failed, text: message, data: { code: NAMES[EXIT.failed], message } };
}

/** `code` of a failure that no gateway and no config check named. */
const NAMES: Readonly<Record<ExitCode, string>> = { 0: "OK", 1: "FAILED", 2: "USAGE", 3: "UNREACHABLE", 4: "WARNED" };

const UNREACHED: ReadonlySet<string> = new Set(["UNREACHABLE", "CONNECTION_CLOSED", "CERTIFICATE_MISMATCH"]);

/** The next step, where the gateway's own sentence does not name one for this command line. */
const ADVICE: Readonly<Record<string, string>> = {
  AUTH_TOKEN_MISMATCH:
    "the gateway was started with another token: pass it with --token or OPENCLAW_GATEWAY_TOKEN, or restart the gateway",
  AUTH_TOKEN_MISSING: "pass the gateway's token with --token or OPENCLAW_GATEWAY_TOKEN",
  AUTH_PASSWORD_MISMATCH: "set gateway.auth.password to the gateway's password",
  AUTH_PASSWORD_MISSING: "set gateway.auth.password to the gateway's password",
  AUTH_RATE_LIMITED: "wait five minutes, then try again with the right token",
  PAIRING_REQUIRED:
    "approve this device on the gateway's host: openclaw devices list, then openclaw devices approve <id>",
  PROTOCOL_MISMATCH: "install the same release of openclaw-host here and there",
};

function advice(error: { details: unknown }): string {
  const code: unknown =
    typeof error.details === "object" && error.details !== null ? Reflect.get(error.details, "code") : undefined;
  const fix: unknown = code === "PAIRING_REQUIRED" ? Reflect.get(Object(error.details), "fix") : undefined;
  if (typeof fix === "string") return `\non the gateway's host: ${printable(fix)}`;
  const next = typeof code === "string" ? ADVICE[code] : undefined;
  return next === undefined ? "" : `\n${next}`;
}
