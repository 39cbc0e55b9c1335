import type { IncomingMessage } from "node:http";
import { type TLSSocket, connect } from "node:tls";
import { CheckFailed } from "./checks.ts";
import { textIn } from "./diagnosis.ts";

/** How long the handshake may take, ms. */
const STEP_MS = 5_000;

const PIN_FIX =
  "compare with what openclaw status says on the gateway's host; when it is the same, pass it with --tls-fingerprint";

const FIXES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "renew the certificate on the gateway's host, or pin it with --tls-fingerprint",
  ERR_TLS_CERT_ALTNAME_INVALID: "use a host name that the certificate names, or pin it with --tls-fingerprint",
  EPROTO: "use ws:// if the port is not encrypted, or correct the port",
  ECONNRESET: "use ws:// if the port is not encrypted, or correct the port",
};

/**
 * Does a TLS handshake and nothing else. With a pin (any spelling of the SHA-256) the certificate has to be that one; without, it
 * has to be trusted here.
 */
export async function probeTls(url: URL, pin: string | undefined): Promise<string> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = connect({
    host,
    port: Number(url.port === "" ? 443 : url.port),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
  });
  try {
    await handshake(socket);
    const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? "none";
    if (pin !== undefined && digitsOf(pin) !== digitsOf(shown)) {
      throw new CheckFailed("tls", `the certificate is another one than the pinned one: SHA-256 ${shown}`, PIN_FIX);
    }
    // Its type says Error; at run time it is that error's code, or null.
    const fault: unknown = socket.authorizationError;
    if (pin === undefined && !socket.authorized) throw untrusted(fault, shown);
    return `${socket.getProtocol() ?? "TLS"}, certificate SHA-256 ${shown}`;
  } finally {
    socket.destroy();
  }
}

function untrusted(fault: unknown, shown: string): CheckFailed {
  const code = typeof fault === "string" ? fault : (textIn(fault, "code") ?? "unknown");
  return new CheckFailed(
    "tls",
    `this machine does not trust the certificate (${code}): SHA-256 ${shown}`,
    FIXES[code] ?? PIN_FIX,
  );
}

function handshake(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (code: string): void => {
      const fix = FIXES[code] ?? "use ws:// if the port is not encrypted, or correct the port";
      reject(new CheckFailed("tls", `the TLS handshake failed (${code})`, fix));
    };
    socket.setTimeout(STEP_MS, () => fail("ETIMEDOUT"));
    socket.once("secureConnect", resolve);
    socket.once("error", (error) => fail(textIn(error, "code") ?? error.message));
  });
}

const digitsOf = (fingerprint: string): string =>
  fingerprint
    .replace(/^sha-?256[:=]/i, "")
    .replaceAll(":", "")
    .toLowerCase();

/** What an address answers to GET. The certificate was looked at before, and nothing that is secret is sent. */
export async function getOverTls(address: string): Promise<{ readonly status: number; readonly text: string }> {
  const { get } = process.getBuiltinModule("node:https");
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(address, { rejectUnauthorized: false, agent: false, timeout: STEP_MS }, resolve);
    request.once("timeout", () => request.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    request.once("error", reject);
  });
  let text = "";
  for await (const data of response) text += String(data);
  return { status: response.statusCode ?? 0, text };
}
