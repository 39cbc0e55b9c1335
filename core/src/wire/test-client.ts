import { WebSocket } from "ws";

export interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly ok?: boolean;
  readonly event?: string;
  readonly seq?: number;
  readonly payload?: Record<string, unknown> & { readonly auth?: Record<string, unknown> };
  readonly error?: { readonly code: string; readonly message: string; readonly details?: Record<string, unknown> };
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A raw client that keeps every frame. */
export interface TestClient {
  readonly ws: WebSocket;
  readonly frames: readonly Frame[];
  /** The text of every message. */
  readonly texts: readonly string[];
  readonly closed: Promise<Closed>;
  send(frame: unknown): void;
  /** The first frame that fits, whether it came already or comes later. Rejects when the socket closes before. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** The response to a request. */
  request(id: string, method: string, params?: unknown): Promise<Frame>;
  /** The nonce of the challenge. */
  nonce(): Promise<string>;
}

export interface ClientOptions {
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

export function openClient(port: number, options: ClientOptions = {}): TestClient {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${options.path ?? "/"}`, { headers: options.headers ?? {} });
  const frames: Frame[] = [];
  const texts: string[] = [];
  const waiters = new Set<() => void>();
  let close: Closed | undefined;
  ws.on("message", (data: Buffer) => {
    texts.push(data.toString());
    frames.push(JSON.parse(data.toString()) as Frame);
    for (const wake of waiters) wake();
  });
  ws.on("error", () => undefined);
  const closed = new Promise<Closed>((resolve) => {
    ws.on("close", (code, reason) => {
      close = { code, reason: reason.toString() };
      resolve(close);
      for (const wake of waiters) wake();
    });
  });
  const client: TestClient = {
    ws,
    frames,
    texts,
    closed,
    send: (frame) => ws.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    next(fits) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = frames.find(fits);
          if (found === undefined && close === undefined) return;
          waiters.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`closed ${close?.code} ${close?.reason}`));
        };
        waiters.add(look);
        look();
      });
    },
    request(id, method, params) {
      client.send({ type: "req", id, method, ...(params === undefined ? {} : { params }) });
      return client.next((frame) => frame.type === "res" && frame.id === id);
    },
    async nonce() {
      const challenge = await client.next((frame) => frame.event === "connect.challenge");
      return String(challenge.payload?.["nonce"]);
    },
  };
  return client;
}
