import type { HelloOk } from "openclaw-host-schemas";
import type { ClientClock } from "./clock.ts";
import { GatewayError } from "./errors.ts";
import { parseFingerprint } from "./fingerprint.ts";
import type { Gap } from "./events.ts";
import type { DeviceIdentity } from "./identity.ts";

/** How a program introduces itself. The gateway knows a closed list of ids and modes (wire protocol sections 2.2 and 11.2). */
export interface ClientInfo {
  readonly id: string;
  readonly mode: string;
  readonly version: string;
  readonly platform: string;
  readonly displayName?: string;
  readonly deviceFamily?: string;
  readonly modelIdentifier?: string;
  readonly instanceId?: string;
}

export interface GatewayClientOptions {
  /** `ws://127.0.0.1:18789`, `wss://host/...`; `http:` and `https:` are understood as `ws:` and `wss:`. */
  readonly url: string;
  /** The gateway's shared token. */
  readonly token?: string;
  /** A token the gateway gave to this device in an earlier hello-ok. */
  readonly deviceToken?: string;
  /** The code of a link that the owner made (`openclaw devices link`), which pairs this device once. Needs `identity`. */
  readonly bootstrapToken?: string;
  /** The gateway's shared password, when its auth mode is `password`. */
  readonly password?: string;
  /** Signs the challenge. Without it only a local operator with the shared secret gets in. */
  readonly identity?: DeviceIdentity;
  /** Default `operator`. */
  readonly role?: "operator" | "node";
  /** What this client wants to do. Default `operator.read` and `operator.write`; nodes ask for none. */
  readonly scopes?: readonly string[];
  /** Default id `gateway-client`, mode `backend`, version `dev`, platform of this machine. */
  readonly client?: Partial<ClientInfo>;
  /** Default none. `tool-events` asks for the tool stream of own runs. */
  readonly caps?: readonly string[];
  /** Node role: the invoke commands this node serves. */
  readonly commands?: readonly string[];
  readonly locale?: string;
  /** Protocol versions this client accepts. Default 3 to 4. */
  readonly minProtocol?: number;
  readonly maxProtocol?: number;
  /** False: the first failure or the first close is final. Default true: back-off 1 s doubling to 30 s, half of it random. */
  readonly reconnect?: boolean;
  /** From opening the socket to hello-ok, ms. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** Permits `ws:` to a host other than this one, where anybody on the way reads the token. Default false. */
  readonly allowPlaintext?: boolean;
  /**
   * SHA-256 of the gateway's certificate, `AB:CD:...`, as the gateway prints it at its start: no other certificate is accepted, and
   * this one whoever issued it. Node only, with `wss:` and without `webSocket`. Default: what this machine trusts.
   */
  readonly tlsFingerprint?: string;
  /** Called with every hello-ok, before `ready()` resolves; the place to store `auth.deviceToken`. */
  readonly onHello?: (hello: HelloOk) => void;
  /** Called when events were missed: read the state anew, they are not sent again. */
  readonly onGap?: (gap: Gap) => void;
  /** Called when the connection is lost; `retryInMs` is undefined when the client gave up. */
  readonly onDisconnect?: (error: GatewayError, retryInMs: number | undefined) => void;
  /** Default: the platform's global `WebSocket`. */
  readonly webSocket?: typeof WebSocket;
  readonly clock?: ClientClock;
  /** A number in [0, 1) for the random half of the back-off. */
  readonly fraction?: () => number;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:127\.[\d.]+\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/** The address to open. Throws a sentence for an address that cannot work or would send the token in the clear. */
export function socketUrl(options: Pick<GatewayClientOptions, "url" | "allowPlaintext" | "tlsFingerprint">): string {
  let url: URL;
  try {
    url = new URL(options.url.replace(/^http(?=s?:)/, "ws"));
  } catch {
    throw refuse(`"${options.url}" is not an address: write it like ws://127.0.0.1:18789 or wss://gateway.example`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw refuse(`the gateway is reached over ws: or wss:, not ${url.protocol}`);
  }
  if (url.protocol === "ws:" && !LOOPBACK.test(url.hostname) && options.allowPlaintext !== true) {
    throw refuse(
      `ws://${url.host} would carry the token unencrypted: use wss://, an SSH tunnel to 127.0.0.1, or allowPlaintext on a network you trust`,
    );
  }
  if (url.protocol === "ws:" && options.tlsFingerprint !== undefined) {
    throw refuse(`ws://${url.host} has no certificate that tlsFingerprint could be compared with: use wss://`);
  }
  return url.href;
}

/** The class that opens the socket. Throws a sentence for a pin that cannot be kept. */
export async function socketClass({ tlsFingerprint, webSocket }: GatewayClientOptions): Promise<typeof WebSocket> {
  const pin = pinOf({ tlsFingerprint, webSocket });
  if (pin === undefined) return webSocket ?? WebSocket;
  return (await import("./pinned.ts")).pinnedWebSocket(pin);
}

/** The pin as 64 hex digits, or undefined without one. Throws a sentence for a pin that cannot be kept. */
export function pinOf(options: {
  readonly tlsFingerprint: string | undefined;
  readonly webSocket: unknown;
}): string | undefined {
  if (options.tlsFingerprint === undefined) return undefined;
  if (options.webSocket !== undefined)
    throw refuse("tlsFingerprint needs this client's own socket: leave webSocket out");
  const pin = parseFingerprint(options.tlsFingerprint);
  if (pin === undefined) {
    throw refuse("tlsFingerprint is no SHA-256: copy the 32 pairs of hex digits that the gateway prints at its start");
  }
  return pin;
}

const refuse = (message: string) => new GatewayError({ code: "PROTOCOL", message });
