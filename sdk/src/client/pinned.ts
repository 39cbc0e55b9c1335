import type { Duplex } from "node:stream";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { GatewayError } from "./errors.ts";
import { parseFingerprint, showFingerprint } from "./fingerprint.ts";

type OnCreated = (error: Error | null, socket?: Duplex) => void;

/** What Node's HTTP client hands to its `createConnection`. */
interface Where {
  readonly host?: string | null;
  readonly port?: number | string | null;
}

/**
 * A WebSocket class for Node that speaks only to the peer whose certificate has this fingerprint. Nothing but the TLS handshake
 * is sent before that is known. Who issued the certificate, for which name and until when does not matter: it is this one.
 */
export async function pinnedWebSocket(fingerprint: string): Promise<typeof WebSocket> {
  const tls = globalThis.process?.getBuiltinModule?.("node:tls");
  if (tls === undefined) throw refuse("tlsFingerprint works in Node only: browsers decide themselves whom they trust");
  const { WebSocket: NodeWebSocket } = await import("ws");
  class PinnedWebSocket extends NodeWebSocket {
    constructor(url: string) {
      const opening = new Set<TLSSocket>();
      const createConnection = (where: Where, onCreated: OnCreated): undefined => {
        const socket = tls.connect(optionsFor(where));
        opening.add(socket);
        handOver(socket, { fingerprint, url }, (error, checked) => {
          opening.delete(socket);
          onCreated(error, checked);
        });
        return undefined;
      };
      // The types know only functions that return their socket at once; Node's HTTP client takes it by callback, too.
      super(url, { createConnection: createConnection as never, perMessageDeflate: false });
      this.once("close", () => opening.forEach((socket) => socket.destroy()));
    }
  }
  return PinnedWebSocket as never;
}

function optionsFor({ host, port }: Where): ConnectionOptions {
  const name = host ?? "localhost";
  return {
    host: name,
    port: Number(port),
    // Addresses are not sent as a server name (RFC 6066, section 3).
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    // The fingerprint decides.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
  };
}

interface Pin {
  readonly fingerprint: string;
  readonly url: string;
}

/** Gives the socket away once the peer has shown the pinned certificate and its key. */
function handOver(socket: TLSSocket, pin: Pin, onCreated: OnCreated): void {
  const onError = (error: Error): void => onCreated(error);
  socket.once("error", onError);
  socket.once("secureConnect", () => {
    socket.off("error", onError);
    const shown = parseFingerprint(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
    if (shown === pin.fingerprint) return onCreated(null, socket);
    socket.destroy();
    onCreated(mismatch(pin, shown));
  });
}

const mismatch = ({ fingerprint, url }: Pin, shown: string | undefined): GatewayError =>
  new GatewayError({
    code: "CERTIFICATE_MISMATCH",
    message:
      `${new URL(url).host} shows another certificate than the pinned one, so nothing was sent to it: somebody may be in between, or the ` +
      'gateway has a new certificate. Compare with what "openclaw status" says on the gateway\'s own host, and pin that. ' +
      `Pinned: ${showFingerprint(fingerprint)}; shown: ${shown === undefined ? "none" : showFingerprint(shown)}`,
    details: { code: "CERTIFICATE_MISMATCH", pinned: showFingerprint(fingerprint) },
  });

const refuse = (message: string) => new GatewayError({ code: "PROTOCOL", message });
