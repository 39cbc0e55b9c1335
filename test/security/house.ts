import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningGateway, type Systems, readEnvironment, startGateway } from "openclaw-host";
import { type Frame, type RawSocket, openSocket } from "../e2e/sockets.ts";
import { type Device, type Params, makeDevice, proofOf } from "./device.ts";

export const TOKEN = "attack-token-0123456789abcdef0123456789abcdef";

export interface HouseOptions {
  readonly config?: object;
  /** Reuses a state directory; it is then removed at the end only of the `last` gateway on it. */
  readonly stateDir?: string;
  readonly last?: boolean;
  readonly systems?: Partial<Systems>;
  readonly extensions?: readonly string[];
}

/** A gateway inside the test's process, on a real port, with a state directory of its own. */
export interface House extends AsyncDisposable {
  readonly gateway: RunningGateway;
  readonly url: string;
  readonly port: number;
  readonly stateDir: string;
  /** Every line the gateway logged. */
  readonly log: readonly string[];
}

export async function startHouse(options: HouseOptions = {}): Promise<House> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), "openclaw-attack-")));
  if (options.config !== undefined) {
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(options.config), { mode: 0o600 });
  }
  const log: string[] = [];
  const environment = readEnvironment({
    env: { OPENCLAW_STATE_DIR: stateDir },
    home: stateDir,
    cwd: stateDir,
  });
  const start = {
    environment,
    port: 0,
    token: TOKEN,
    extensions: options.extensions ?? [],
    logLevel: "debug" as const,
    console: (record: unknown) => void log.push(JSON.stringify(record)),
    version: "0.0.0",
  };
  const gateway = await startGateway(start, options.systems ?? {});
  return {
    gateway,
    url: gateway.url,
    port: gateway.port,
    stateDir,
    log,
    async [Symbol.asyncDispose]() {
      await gateway.close({ reason: "test", drainMs: 0 });
      if (options.stateDir === undefined || options.last === true) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Params of a version 4 operator. */
export const params = (over: Params = {}): Params => ({
  minProtocol: 3,
  maxProtocol: 4,
  client: { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" },
  role: "operator",
  scopes: ["operator.read"],
  ...over,
});

export const withToken = (over: Params = {}): Params => params({ auth: { token: TOKEN }, ...over });

export interface Attempt {
  readonly socket: RawSocket;
  readonly answer: Frame;
}

/** A header that only a proxy sets: the gateway then no longer believes that the client is on this host. */
export const FROM_AFAR = { "x-forwarded-for": "203.0.113.7" };

export interface AttemptOptions {
  readonly device?: Device;
  readonly headers?: Record<string, string>;
  /** Changes what is signed or sent after it was signed. */
  readonly forge?: (signed: Params) => Params;
  readonly version?: "v2" | "v3";
  readonly signedAt?: number;
  readonly nonce?: string;
}

/** Opens a socket and sends one `connect`, signed when a device is given. */
export async function attempt(url: string, wanted: Params, options: AttemptOptions = {}): Promise<Attempt> {
  const socket = await openSocket(url, options.headers);
  const challenge = await socket.frame((frame) => frame.event === "connect.challenge");
  const { nonce, ts } = challenge["payload"] as { nonce: string; ts: number };
  const { device, forge = (same) => same } = options;
  const proven =
    device === undefined
      ? wanted
      : {
          ...wanted,
          device: proofOf(device, wanted, {
            nonce: options.nonce ?? nonce,
            signedAt: options.signedAt ?? ts,
            version: options.version ?? "v3",
          }),
        };
  socket.send({ type: "req", id: "connect", method: "connect", params: forge(proven) });
  const ended = socket.closed.then(({ code, reason }): Frame => ({ closed: true, code, reason }));
  const answer = await Promise.race([socket.response("connect"), ended]);
  return { socket, answer };
}

/** The answer of one attempt whose socket is closed again. */
export async function tryConnect(url: string, wanted: Params, options: AttemptOptions = {}): Promise<Frame> {
  const { socket, answer } = await attempt(url, wanted, options);
  await socket[Symbol.asyncDispose]();
  return answer;
}

/** Code, message and details code of a refusal; `ok` for a hello. */
export function verdictOf(answer: Frame): string {
  if (answer["ok"] === true) return "ok";
  const error = answer["error"] as { code?: string; message?: string; details?: { code?: string } } | undefined;
  if (error === undefined) return `closed ${String(answer["code"])} ${String(answer["reason"])}`;
  return `${error.code} ${error.details?.code ?? ""} ${error.message}`;
}

export const grantedScopes = (answer: Frame): readonly string[] =>
  (answer["payload"] as { auth?: { scopes?: string[] } }).auth?.scopes ?? [];

export const deviceTokenOf = (answer: Frame): string =>
  (answer["payload"] as { auth?: { deviceToken?: string } }).auth?.deviceToken ?? "";

/** Of a refusal that leaves the decision to somebody; empty for any other answer. */
export const requestIdOf = (answer: Frame): string =>
  (answer["error"] as { details?: { requestId?: string } } | undefined)?.details?.requestId ?? "";

let calls = 0;

/** One request over an open socket, and its (first) response. */
export async function call(socket: RawSocket, method: string, given: object = {}): Promise<Frame> {
  const id = `call-${(calls += 1)}`;
  socket.send({ type: "req", id, method, params: given });
  return socket.response(id);
}

/** Bytes over TCP as they are given; resolves with what came back once the other side closed, or after `waitMs`. */
export function rawTcp(port: number, bytes: string | readonly string[], waitMs = 3_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    let text = "";
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    for (const part of typeof bytes === "string" ? [bytes] : bytes) socket.write(part, "latin1");
  });
}

/** A paired device that is connected with these scopes. */
export async function paired(url: string, over: Params): Promise<Attempt & { device: Device; token: string }> {
  const device = makeDevice();
  const made = await attempt(url, withToken(over), { device });
  const verdict = verdictOf(made.answer);
  if (verdict !== "ok") throw new Error(`a device was not let in: ${verdict}`);
  return { ...made, device, token: deviceTokenOf(made.answer) };
}
