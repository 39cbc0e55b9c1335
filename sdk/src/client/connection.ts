import type { EventFrame, HelloOk } from "openclaw-host-schemas";
import type { ClientClock, Undo } from "./clock.ts";
import { connectParams } from "./connect-params.ts";
import { GatewayError, closedByCaller, isGatewayError } from "./errors.ts";
import { type Challenge, parseChallenge, parseFrame, tickIntervalOf } from "./frames.ts";
import { type GatewayClientOptions, socketClass, socketUrl } from "./options.ts";
import { type Requests, createRequests } from "./requests.ts";

/** One socket that completed the handshake. */
export interface Connection {
  readonly hello: HelloOk;
  readonly requests: Requests;
  /** Settles when the socket is gone, with the reason every outstanding request failed with. */
  readonly closed: Promise<GatewayError>;
  close(): void;
}

export interface ConnectionDeps {
  readonly clock: ClientClock;
  readonly onEvent: (frame: EventFrame) => void;
  /** Closes the socket in any state. */
  readonly signal: AbortSignal;
}

const HANDSHAKE_MS = 10_000;

/** Close codes that browsers let a client choose lie in 4000-4999; the numbers are the field's (wire protocol section 1.2). */
const TICK_TIMEOUT = 4000;
const CONNECT_FAILED = 4008;

/**
 * Opens a socket, answers the challenge and waits for hello-ok. Throws `GatewayError`: the gateway's refusal, `UNREACHABLE`,
 * `TIMEOUT` or `PROTOCOL`.
 */
export async function openConnection(options: GatewayClientOptions, deps: ConnectionDeps): Promise<Connection> {
  const Socket = await socketClass(options);
  const socket = new Socket(socketUrl(options));
  const link = attach(socket, deps, unreachable(options));
  const limit = options.handshakeTimeoutMs ?? HANDSHAKE_MS;
  const stopTimer = deps.clock.after(limit, () => link.close(CONNECT_FAILED, "handshake timeout"));
  try {
    const challenge = await Promise.race([link.challenge, link.closed.then((error) => Promise.reject(error))]);
    const params = await connectParams(options, challenge, deps.clock.now());
    const hello = parseHello(await link.requests.send("connect", params, { timeoutMs: limit, expectFinal: false }));
    link.untilEnd(watchTicks(link, tickIntervalOf(hello), deps.clock));
    return { hello, requests: link.requests, closed: link.closed, close: () => link.close(1000, "") };
  } catch (error) {
    link.close(CONNECT_FAILED, "connect failed");
    throw error;
  } finally {
    stopTimer();
  }
}

/** The gateway's answer to `connect` is taken as it is: both protocol versions share the parts this client reads. */
function parseHello(payload: unknown): HelloOk {
  if (typeof payload === "object" && payload !== null && "type" in payload && payload.type === "hello-ok") {
    return payload as HelloOk;
  }
  throw new GatewayError({
    code: "PROTOCOL",
    message: "the peer accepted connect without hello-ok: it is not a gateway",
  });
}

interface Link {
  readonly challenge: Promise<Challenge>;
  readonly requests: Requests;
  readonly closed: Promise<GatewayError>;
  /** When the last frame came, epoch ms. */
  lastFrameAt(): number;
  /** Runs `undo` when the socket ends, at once when it has ended. */
  untilEnd(undo: Undo): void;
  close(code: number, reason: string): void;
}

function attach(socket: WebSocket, deps: ConnectionDeps, neverOpened: GatewayError): Link {
  const challenged = Promise.withResolvers<Challenge>();
  const ended = Promise.withResolvers<GatewayError>();
  const requests = createRequests((frame) => socket.send(frame), deps.clock);
  const atEnd: Undo[] = [];
  let state: "connecting" | "open" | "ended" = "connecting";
  let lastFrameAt = deps.clock.now();

  const end = (error: GatewayError) => {
    if (state === "ended") return;
    state = "ended";
    for (const undo of atEnd) undo();
    requests.fail(error);
    ended.resolve(error);
  };
  const close = (code: number, reason: string) => {
    end(closedError({ code, reason }));
    socket.close(code, reason);
  };
  const abort = () => {
    end(closedByCaller());
    socket.close(1000, "");
  };
  atEnd.push(onAbort(deps.signal, abort));

  socket.addEventListener("open", () => {
    if (state === "connecting") state = "open";
  });
  socket.addEventListener("error", (event) => tellCause(event, end));
  socket.addEventListener("close", (event) => end(state === "open" ? closedError(event) : neverOpened));
  socket.addEventListener("message", ({ data }) => {
    if (state === "ended") return;
    const frame = typeof data === "string" ? parseFrame(data) : undefined;
    if (frame === undefined) return;
    lastFrameAt = deps.clock.now();
    if (frame.type === "res") requests.settle(frame);
    else if (frame.event === "connect.challenge") {
      const challenge = parseChallenge(frame.payload);
      if (challenge === undefined) close(CONNECT_FAILED, "connect challenge missing nonce");
      else challenged.resolve(challenge);
    } else deps.onEvent(frame);
  });
  return {
    challenge: challenged.promise,
    requests,
    closed: ended.promise,
    lastFrameAt: () => lastFrameAt,
    untilEnd: (undo) => (state === "ended" ? undo() : void atEnd.push(undo)),
    close,
  };
}

/** Calls back at once when the signal has aborted already. The undo forgets it. */
function onAbort(signal: AbortSignal, abort: () => void): Undo {
  if (signal.aborted) {
    abort();
    return () => {};
  }
  signal.addEventListener("abort", abort);
  return () => signal.removeEventListener("abort", abort);
}

/** Only the pinned socket tells why it failed. */
function tellCause(event: Event, tell: (cause: GatewayError) => void): void {
  const cause: unknown = "error" in event ? event.error : undefined;
  if (isGatewayError(cause)) tell(cause);
}

/** The platform's WebSocket does not tell a certificate that it refuses from a peer that does not answer. */
function unreachable({ url, tlsFingerprint }: GatewayClientOptions): GatewayError {
  const isUnpinned = /^(wss|https):/i.test(url) && tlsFingerprint === undefined;
  const trust = ", or its certificate has ended or is not trusted here: renew it, or pin it with tlsFingerprint";
  const message = `no gateway answers at this address${isUnpinned ? trust : ""}`;
  return new GatewayError({ code: "UNREACHABLE", message, retryable: true });
}

function closedError(end: { code: number; reason: string }): GatewayError {
  const why = end.reason === "" ? `code ${end.code}` : `code ${end.code}: ${end.reason}`;
  return new GatewayError({
    code: "CONNECTION_CLOSED",
    message: `the connection to the gateway ended (${why})`,
    details: { closeCode: end.code, reason: end.reason },
    retryable: true,
  });
}

/** A dead peer sends no close: two missed ticks are one (wire protocol section 1.2). Any frame counts as life. */
function watchTicks(link: Link, intervalMs: number, clock: ClientClock): Undo {
  const limit = 2 * intervalMs;
  let cancel: Undo = () => {};
  const check = () => {
    const silentFor = clock.now() - link.lastFrameAt();
    if (silentFor >= limit) link.close(TICK_TIMEOUT, "tick timeout");
    else cancel = clock.after(limit - silentFor, check);
  };
  cancel = clock.after(limit, check);
  return () => cancel();
}
