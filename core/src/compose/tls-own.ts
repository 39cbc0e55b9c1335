import { generateKeyPairSync } from "node:crypto";
import { chmod, stat } from "node:fs/promises";
import type { Paths } from "../config/paths.ts";
import { readIfThere, writePrivateFile } from "../config/files.ts";
import { type TlsIdentity, TlsFault, identityOf } from "./tls-identity.ts";

const DAY_MS = 86_400_000;

/**
 * Ten years. Nobody but its owner vouches for this certificate, so clients know it by its fingerprint, and a new one means that
 * every client has to be told.
 */
const VALID_MS = 3_650 * DAY_MS;

/** A certificate that ends within so long is replaced. */
const RENEW_MS = 30 * DAY_MS;

/** Clients whose clock is behind take it, too. */
const BACKDATE_MS = DAY_MS;

export interface OwnTlsParts {
  readonly paths: Pick<Paths, "tlsCertFile" | "tlsKeyFile">;
  /** By which this gateway is reached. Only a new certificate takes them up: a renewal would cost clients their pin. */
  readonly names: readonly string[];
  /** Epoch ms. */
  readonly now: number;
}

/**
 * The gateway's own certificate in the state directory; made when there is none, and anew with the same key when it is about
 * to end or is damaged.
 *
 * @throws Error when the key is there and cannot be used, saying what to do.
 */
export async function ownIdentity({ paths, names, now }: OwnTlsParts): Promise<TlsIdentity> {
  const key = (await readKey(paths.tlsKeyFile)) ?? (await makeKey(paths.tlsKeyFile));
  const cert = await readIfThere(paths.tlsCertFile);
  const known = cert === undefined ? undefined : usable({ cert, key }, paths.tlsKeyFile);
  if (known !== undefined && known.validTo - now > RENEW_MS) return known;
  const { makeCertificate } = await import("./tls-self-signed.ts");
  const made = await makeCertificate({ key, names, validFrom: now - BACKDATE_MS, validTo: now + VALID_MS });
  const identity = identityOf({ cert: made, key });
  await writePrivateFile(paths.tlsCertFile, made);
  return identity;
}

/** Undefined for a certificate that was damaged or belongs to another key: the key is what counts. */
function usable(pair: { cert: string; key: string }, keyFile: string): TlsIdentity | undefined {
  try {
    return identityOf(pair);
  } catch (error) {
    if (error instanceof TlsFault && error.at === "key") {
      throw new Error(`${keyFile} ${error.message}; delete it, and the next start makes a new key`, { cause: error });
    }
    return undefined;
  }
}

async function readKey(file: string): Promise<string | undefined> {
  const key = await readIfThere(file);
  if (key !== undefined && ((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  return key;
}

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  await writePrivateFile(file, key);
  return key;
}
