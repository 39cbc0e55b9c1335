import { WebSocket } from "ws";

/** A frame as it came over the wire. */
export type Frame = Record<string, unknown> & { type?: string; id?: string; event?: string };

/** A bare socket that keeps what it hears, for tests of literal frames. */
export interface RawSocket extends AsyncDisposable {
  readonly frames: readonly Frame[];
  readonly closed: Promise<{ code: number; reason: string }>;
  send(text: string | object): void;
  /** Resolves with the first frame, past or future, that fits. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame>;
  response(id: string): Promise<Frame>;
}

export async function openSocket(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
  const socket = new WebSocket(url, { headers });
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (data: Buffer) => {
    frames.push(JSON.parse(data.toString("utf8")));
    for (const wake of waiting) wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") })),
  );
  const frame = (fits: (frame: Frame) => boolean) =>
    new Promise<Frame>((resolve) => {
      const look = () => {
        const found = frames.find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return {
    frames,
    closed,
    frame,
    send: (text) => socket.send(typeof text === "string" ? text : JSON.stringify(text)),
    response: (id) => frame((candidate) => candidate.type === "res" && candidate.id === id),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

/** Connect params of a local operator without a device. */
export function connectParams(token: string, protocol: { min: number; max: number } = { min: 3, max: 4 }): object {
  return {
    minProtocol: protocol.min,
    maxProtocol: protocol.max,
    client: { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" },
    role: "operator",
    scopes: ["operator.admin"],
    auth: { token },
  };
}

/** A socket that has completed the handshake. */
export async function openReady(
  gateway: { url: string; token: string },
  protocol?: { min: number; max: number },
): Promise<RawSocket> {
  const socket = await openSocket(gateway.url);
  await socket.frame((frame) => frame.event === "connect.challenge");
  socket.send({ type: "req", id: "connect", method: "connect", params: connectParams(gateway.token, protocol) });
  await socket.response("connect");
  return socket;
}
