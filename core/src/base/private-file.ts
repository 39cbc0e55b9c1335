import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from "node:fs";

const FILE_MODE = 0o600;
const DIR_MODE = 0o700;

/** Makes a folder that only this user can enter, whatever the umask. An existing folder is left as its owner set it. */
export function ensurePrivateDir(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: DIR_MODE });
  if (made !== undefined) chmodSync(path, DIR_MODE);
}

/**
 * Makes sure that a file exists and only this user can read it, whatever the umask. An existing file is never opened:
 * closing any descriptor of a file drops this process's POSIX locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
export function ensurePrivateFile(path: string): void {
  try {
    const file = openSync(path, "wx", FILE_MODE);
    fchmodSync(file, FILE_MODE);
    closeSync(file);
  } catch (error) {
    if (!isExisting(error)) throw error;
    chmodSync(path, FILE_MODE);
  }
}

const isExisting = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "EEXIST";
