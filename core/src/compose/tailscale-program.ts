import { execFile } from "node:child_process";
import type { RunTailscale } from "../auth/tailscale.ts";

/** The daemon answers from memory; a longer silence is a daemon that hangs. */
const TIMEOUT_MS = 5_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs `gateway.auth.tailscale.executable`, without a shell. The setting comes from the file alone: no request can change
 * which program runs.
 */
export function tailscaleProgram(
  executable: string,
  variables: Readonly<Record<string, string | undefined>>,
): RunTailscale {
  const env = variables["PATH"] === undefined ? {} : { PATH: variables["PATH"] };
  const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env };
  return (args) =>
    new Promise((resolve, reject) => {
      execFile(executable, [...args], options, (error, stdout) => {
        if (error === null) return resolve(stdout);
        reject(new Error(reasonOf(error, executable), { cause: error }));
      });
    });
}

function reasonOf(error: { readonly code?: unknown; readonly killed?: boolean }, executable: string): string {
  if (error.code === "ENOENT") {
    return `the program "${executable}" was not found: install Tailscale, or set gateway.auth.tailscale.executable to its path`;
  }
  if (error.code === "EACCES") return `the program "${executable}" may not be run by this user`;
  if (error.killed === true) return `"${executable}" did not answer within ${TIMEOUT_MS / 1000} s: restart tailscaled`;
  return `"${executable}" failed: run "tailscale status" to see why`;
}
