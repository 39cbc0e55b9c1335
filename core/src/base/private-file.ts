import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, statSync } from "node:fs";

const FILE_MODE = 0o600;
const DIR_MODE = 0o700;

/** Makes a folder that only this user can enter, whatever the umask. An existing folder is left as its owner set it. */
export function ensurePrivateDir(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: DIR_MODE });
  if (made !== undefined) chmodSync(path, DIR_MODE);
}

/** Write permission of the group and of others. */
const SHARED = 0o022;

/**
 * Refuses a folder that other users may change: whoever can put a file there can speak for the gateway.
 *
 * @throws Error with the command that mends it.
 */
export function requireUnshared(path: string): void {
  // Windows has no such bits: its folders in a user's profile are the user's own.
  if (process.platform === "win32") return;
  const { mode, uid } = statSync(path);
  const own = process.getuid?.();
  // Root may look after a directory of another user, as in a container with a mounted one.
  if (own !== undefined && own !== 0 && uid !== own && uid !== 0) {
    throw new Error(
      `${path} belongs to another user: run the gateway as its owner, or choose another with --state-dir`,
    );
  }
  if ((mode & SHARED) === 0) return;
  throw new Error(
    `${path} can be changed by other users of this host (mode ${(mode & 0o777).toString(8)}); run: chmod 700 ${path}`,
  );
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
