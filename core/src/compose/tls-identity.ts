import { type KeyObject, X509Certificate, createPrivateKey } from "node:crypto";
import type { TlsPair } from "../wire/tls-port.ts";

/** What this gateway shows of itself in a TLS handshake. */
export interface TlsIdentity {
  readonly pair: TlsPair;
  /** SHA-256 of the certificate, `AB:CD:...`: what clients pin. */
  readonly fingerprint: string;
  /** End of its validity, epoch ms. */
  readonly validTo: number;
}

/** What is wrong with one of the two files, or that they do not belong together. */
export class TlsFault extends Error {
  override readonly name = "TlsFault";
  readonly at: "cert" | "key" | "pair";
  constructor(at: TlsFault["at"], message: string, cause?: unknown) {
    super(message, { cause });
    this.at = at;
  }
}

/**
 * Checks that a certificate and a key can be used together.
 *
 * @throws TlsFault with words that follow the name of the file and show nothing of the key.
 */
export function identityOf(pair: TlsPair): TlsIdentity {
  const key = readPrivateKey(pair.key);
  const certificate = attempt(
    () => new X509Certificate(pair.cert),
    (cause) => new TlsFault("cert", "holds no certificate: it must be PEM, with the server's certificate first", cause),
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsFault("pair", "is not the key of this certificate: name the two files that were made together");
  }
  const { createSecureContext } = process.getBuiltinModule("node:tls");
  attempt(
    () => createSecureContext({ ...pair, minVersion: "TLSv1.2" }),
    (cause) => new TlsFault("cert", "cannot be used for TLS: it needs an ECDSA key, or an RSA key of 2048 bits", cause),
  );
  return { pair, fingerprint: certificate.fingerprint256, validTo: Date.parse(certificate.validTo) };
}

const readPrivateKey = (pem: string): KeyObject =>
  attempt(
    () => createPrivateKey(pem),
    (cause) => new TlsFault("key", "holds no key that can be read: it must be PEM, without a passphrase", cause),
  );

function attempt<T>(run: () => T, fault: (cause: unknown) => TlsFault): T {
  try {
    return run();
  } catch (error) {
    throw fault(error);
  }
}
