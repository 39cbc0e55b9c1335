// The library finds its parts by decorators and needs this before it is loaded.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** ECDSA on P-256: every client knows it. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const SERIAL_BYTES = 16;

export interface CertificateWish {
  /** ECDSA P-256, PKCS #8, PEM. */
  readonly key: string;
  /** Host names and addresses; the first is the certificate's common name. */
  readonly names: readonly string[];
  /** Epoch ms. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** A certificate that vouches for itself, PEM. This module is loaded for nothing else. */
export async function makeCertificate({ key, names, validFrom, validTo }: CertificateWish): Promise<string> {
  const secret = createPrivateKey(key);
  const keys = {
    privateKey: secret.toCryptoKey(ALGORITHM, true, ["sign"]),
    publicKey: createPublicKey(secret).toCryptoKey(ALGORITHM, true, ["verify"]),
  };
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    signingAlgorithm: ALGORITHM,
    // The first byte keeps it a positive number, as RFC 5280, 4.1.2.2 wants it.
    serialNumber: `01${randomBytes(SERIAL_BYTES - 1).toString("hex")}`,
    name: [{ CN: [names[0] ?? "localhost"] }],
    notBefore: new Date(validFrom),
    notAfter: new Date(validTo),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
      ),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}
