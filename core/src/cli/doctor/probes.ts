import { connect } from "node:net";
import { WebSocket } from "ws";
import { MAX_SIGNATURE_SKEW_MS } from "../../auth/device.ts";
import { isLoopbackHostname } from "../../auth/local-trust.ts";
import { CheckFailed } from "./checks.ts";
import { textIn } from "./diagnosis.ts";
import { getOverTls } from "./tls.ts";

/** How long each step may take, ms. */
const STEP_MS = 5_000;
const MISDIRECTED = 421;

/** The address, understood. */
export function parseTarget(text: string, allowPlaintext: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(wss?|https?):$/.test(url.protocol)) {
    throw new CheckFailed("address", `"${text}" is no address`, "write it as ws://127.0.0.1:18789 or wss://host");
  }
  const isPlain = url.protocol === "ws:" || url.protocol === "http:";
  if (isPlain && !isLoopbackHostname(url.hostname) && !allowPlaintext) {
    const fix = "use wss://, or a tunnel: ssh -N -L 18789:127.0.0.1:18789 user@host (--allow-plaintext permits it)";
    throw new CheckFailed("address", "ws:// to another host would show the token on the way", fix);
  }
  return url;
}

export const isEncrypted = (url: URL): boolean => url.protocol === "wss:" || url.protocol === "https:";
const portOf = (url: URL): number => Number(url.port === "" ? (isEncrypted(url) ? 443 : 80) : url.port);

const TCP_FIXES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: start the gateway with "openclaw gateway", or correct the port',
  ENOTFOUND: "correct the host name: nobody knows it",
  EAI_AGAIN: "look at this machine's DNS: names cannot be looked up",
  EHOSTUNREACH: "look at the network, the VPN or the firewall: there is no way to that host",
  ENETUNREACH: "look at the network, the VPN or the firewall: there is no way to that host",
  ETIMEDOUT: "open the port in the firewall, or set gateway.bind to an address that this machine reaches",
};

/** Opens a TCP connection and resolves with the address that answered. */
export async function probeTcp(url: URL): Promise<string> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = connect({ host, port: portOf(url) });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(STEP_MS, () => reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return `${socket.remoteAddress ?? host} port ${portOf(url)} answers`;
  } catch (error) {
    const code = textIn(error, "code") ?? "";
    throw new CheckFailed(
      "tcp",
      `no connection to ${host} port ${portOf(url)} (${code})`,
      TCP_FIXES[code] ?? "look at the network",
    );
  } finally {
    socket.destroy();
  }
}

/** Asks `/healthz`: whether a gateway is there, and whether it knows the name it is asked under. */
export async function probeHttp(url: URL): Promise<string> {
  const address = `${isEncrypted(url) ? "https" : "http"}://${url.host}/healthz`;
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = isEncrypted(url) ? await getOverTls(address) : await get(address);
  } catch (error) {
    const why =
      textIn(error instanceof Error ? error.cause : undefined, "code") ?? textIn(error, "code") ?? "no answer";
    const fix = isEncrypted(url)
      ? "let the proxy pass every path to the gateway, or correct the port"
      : "use wss:// if the port is encrypted, or correct the port";
    throw new CheckFailed("http", `no HTTP answer (${why})`, fix);
  }
  const { status, text } = answer;
  if (status === MISDIRECTED) throw unknownHost(url);
  if (status === 200 && text.includes('"live"')) return "the gateway is alive";
  if (text.includes("this port is encrypted")) {
    throw new CheckFailed("http", "the port is encrypted", "use wss:// instead of ws://");
  }
  const detail = `/healthz answers ${status}, which is no gateway's answer`;
  throw new CheckFailed("http", detail, "let the proxy pass every path to the gateway, or correct the address");
}

async function get(address: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(STEP_MS) });
  return { status: response.status, text: await response.text() };
}

function unknownHost(url: URL): CheckFailed {
  const fix = `on the gateway's host: openclaw config set gateway.allowedHosts '["${url.hostname}"]', then restart the gateway`;
  return new CheckFailed("host", `the gateway does not answer to the name ${url.hostname} (421)`, fix);
}

/** A socket on which the gateway has sent its challenge. */
export interface Challenged {
  readonly socket: WebSocket;
  /** How much the gateway's clock is ahead, ms. */
  readonly skewMs: number;
}

/** Opens a WebSocket and waits for the challenge. The caller closes it. */
export async function probeUpgrade(url: URL, origin?: string): Promise<Challenged> {
  const address = `${isEncrypted(url) ? "wss" : "ws"}://${url.host}${url.pathname}`;
  const socket = new WebSocket(address, {
    handshakeTimeout: STEP_MS,
    perMessageDeflate: false,
    // The certificate was looked at before, and nothing that is secret is sent.
    rejectUnauthorized: false,
    ...(origin === undefined ? {} : { origin }),
  });
  const challenge = nextFrame(socket, "challenge");
  challenge.catch(() => undefined);
  try {
    await opened(socket, url);
    const frame = await challenge;
    const payload: unknown = typeof frame === "object" && frame !== null ? Reflect.get(frame, "payload") : undefined;
    const ts: unknown = typeof payload === "object" && payload !== null ? Reflect.get(payload, "ts") : undefined;
    if (textIn(frame, "event") === "connect.challenge" && typeof ts === "number") {
      return { socket, skewMs: ts - Date.now() };
    }
    throw new CheckFailed("challenge", "the first message is no challenge", "correct the address: this is no gateway");
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

function opened(socket: WebSocket, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, { statusCode }) => {
      if (statusCode === MISDIRECTED) return reject(unknownHost(url));
      const fix = "let the proxy pass upgrades on: Upgrade and Connection headers, HTTP/1.1";
      reject(new CheckFailed("upgrade", `the upgrade to WebSocket is answered with ${statusCode ?? "nothing"}`, fix));
    });
    socket.once("error", (error) => {
      const fix = "let the proxy pass upgrades on, or correct the address";
      reject(new CheckFailed("upgrade", `the upgrade to WebSocket failed (${error.message})`, fix));
    });
  });
}

/** The next message as JSON. */
export function nextFrame(socket: WebSocket, check: "challenge" | "origin"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      const fix = "look for a proxy that holds messages back; openclaw logs on the gateway's host tells more";
      reject(new CheckFailed(check, why, fix));
    };
    const timer = setTimeout(() => fail("nothing came within 5 s"), STEP_MS);
    socket.once("message", (data: Buffer) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(data.toString()));
      } catch {
        fail("the message is no JSON");
      }
    });
    socket.once("close", (code) => {
      clearTimeout(timer);
      fail(`the gateway closed the connection (${code})`);
    });
  });
}

/** A device's signature is refused when the clocks differ by more than two minutes. */
export function checkClock(skewMs: number): string {
  if (Math.abs(skewMs) <= MAX_SIGNATURE_SKEW_MS) return "came";
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  const fix = "set the clock of this machine, for instance: timedatectl set-ntp true";
  throw new CheckFailed("device", `the clocks differ by ${seconds} s: signatures would be out of date`, fix);
}
