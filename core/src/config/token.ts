import { chmod, stat } from "node:fs/promises";
import type { Ids } from "../base/ids.ts";
import { readIfThere, writePrivateFile } from "./files.ts";

/** 256 bits: not guessable, and short enough to paste. */
const TOKEN_BYTES = 32;
const MIN_CHARS = 16;

/** The generated gateway token, or undefined when no gateway has run on this state directory yet. */
export async function readToken(file: string): Promise<string | undefined> {
  const text = (await readIfThere(file))?.trim();
  return text === undefined || text === "" ? undefined : text;
}

/** The token in `file`, which is made (mode 0600) when it is missing. Throws for a token too short to be one. */
export async function ensureToken(file: string, ids: Pick<Ids, "token">): Promise<string> {
  const existing = await readToken(file);
  if (existing === undefined) {
    const token = ids.token(TOKEN_BYTES);
    await writePrivateFile(file, `${token}\n`);
    return token;
  }
  if (existing.length < MIN_CHARS) {
    throw new Error(
      `${file} holds fewer than ${MIN_CHARS} characters: delete it, and the next start makes a new token`,
    );
  }
  if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  return existing;
}

/** Enough to recognise a secret, too little to use it; of a short one nothing is shown. */
export const tokenHint = (secret: string): string => (secret.length < MIN_CHARS ? "…" : `${secret.slice(0, 4)}…`);
