import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type RawData, WebSocket, WebSocketServer } from "ws";

/** A frame that went through, as it was. */
export interface Passed {
  readonly by: "client" | "gateway";
  /** Which connection, from 1. */
  readonly connection: number;
  readonly frame: Readonly<Record<string, unknown>>;
}

export interface Closed {
  readonly connection: number;
  readonly by: "client" | "gateway";
  readonly code: number;
  readonly reason: string;
  /** `performance.now()`. */
  readonly at: number;
}

/** A method that a client called and was refused. */
export interface RefusedCall {
  readonly method: string;
  readonly error: string;
}

/** A forwarder on loopback, as an SSH tunnel is one, that notes what goes through. */
export interface Recorder extends AsyncDisposable {
  readonly port: number;
  readonly passed: readonly Passed[];
  readonly closes: readonly Closed[];
  /** Methods called so far, in order of their first call. */
  methods(): readonly string[];
  /** Refused calls but `connect`, each pair of method and error once. */
  refused(): readonly RefusedCall[];
  /** Params of the last `connect`. */
  lastConnect(): Readonly<Record<string, unknown>> | undefined;
  /** Error of the last answer to a `connect`, or undefined when it was let in. */
  lastRefusal(): Readonly<Record<string, unknown>> | undefined;
}

const WAIT_MS = 30_000;
const POLL_MS = 20;

/** Resolves with the first answer that is there, looking again and again; rejects after 30 s. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${WAIT_MS / 1_000} s for ${what}`);
}

/** Frames are JSON texts; ws hands them over as a Buffer. */
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString("utf8") : "");

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** A code that may be sent: 1005 and 1006 only tell that none came. */
const sendable = (code: number): number | undefined => (code === 1005 || code === 1006 ? undefined : code);

/** `listen`: the address to listen on. */
export async function startRecorder(target: string, listen: string): Promise<Recorder> {
  const passed: Passed[] = [];
  const closes: Closed[] = [];
  const open = new Set<WebSocket>();
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server });
  let connections = 0;
  sockets.on("connection", (client, request) => {
    const connection = (connections += 1);
    const { host = "", origin } = request.headers;
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    const gateway = new WebSocket(target, { headers });
    const early: string[] = [];
    const pass = (by: Passed["by"], data: RawData) => {
      const text = textOf(data);
      passed.push({ by, connection, frame: parsed(text) });
      return text;
    };
    client.on("message", (data: RawData) => {
      const text = pass("client", data);
      if (gateway.readyState === WebSocket.OPEN) gateway.send(text);
      else early.push(text);
    });
    gateway.on("open", () => early.forEach((text) => gateway.send(text)));
    gateway.on("message", (data: RawData) => client.send(pass("gateway", data)));
    const ended = (by: Closed["by"], other: WebSocket) => (code: number, reason: Buffer) => {
      if (!closes.some((close) => close.connection === connection)) {
        closes.push({ connection, by, code, reason: reason.toString(), at: performance.now() });
      }
      other.close(sendable(code), reason.toString());
    };
    client.on("close", ended("client", gateway)).on("error", () => gateway.terminate());
    gateway.on("close", ended("gateway", client)).on("error", () => client.terminate());
    for (const socket of [client, gateway]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, listen, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    passed,
    closes,
    methods: () => methodsOf(passed),
    refused: () => refusedOf(passed),
    lastConnect: () => lastConnectOf(passed)?.params,
    lastRefusal: () => lastConnectOf(passed)?.refusal,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.terminate();
      sockets.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    const frame: unknown = JSON.parse(text);
    return isRecord(frame) ? frame : { text };
  } catch {
    return { text };
  }
}

const requestsIn = (passed: readonly Passed[]) =>
  passed.filter(({ by, frame }) => by === "client" && frame["type"] === "req");

function methodsOf(passed: readonly Passed[]): readonly string[] {
  return [...new Set(requestsIn(passed).map(({ frame }) => String(frame["method"])))];
}

function answerTo(request: Passed, passed: readonly Passed[]): Passed | undefined {
  const answers = passed.filter(({ by, connection }) => by === "gateway" && connection === request.connection);
  return answers.find(({ frame }) => frame["type"] === "res" && frame["id"] === request.frame["id"]);
}

function refusedOf(passed: readonly Passed[]): readonly RefusedCall[] {
  const refused = new Map<string, RefusedCall>();
  for (const request of requestsIn(passed)) {
    const method = String(request.frame["method"]);
    const error = answerTo(request, passed)?.frame["error"];
    if (method === "connect" || !isRecord(error)) continue;
    const call = { method, error: `${String(error["code"])} ${String(error["message"])}` };
    refused.set(`${call.method} ${call.error}`, call);
  }
  return [...refused.values()];
}

function lastConnectOf(passed: readonly Passed[]) {
  const request = requestsIn(passed).findLast(({ frame }) => frame["method"] === "connect");
  if (request === undefined) return undefined;
  const params = request.frame["params"];
  const refusal = answerTo(request, passed)?.frame["error"];
  return { params: isRecord(params) ? params : {}, refusal: isRecord(refusal) ? refusal : undefined };
}
