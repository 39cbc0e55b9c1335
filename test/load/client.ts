import { once } from "node:events";
import { WebSocket } from "ws";
import { connectParams } from "../e2e/sockets.ts";

interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly ok?: boolean;
  readonly event?: string;
  readonly payload?: { readonly state?: string; readonly runId?: string };
}

/** A client without any comfort, so that little but the gateway is measured. */
export interface LoadClient {
  /** Resolves with the length of the answer; rejects when it is a refusal. */
  call(method: string, params: object): Promise<number>;
  /** Resolves when the run has ended. Ask before it begins. */
  final(runId: string): Promise<void>;
  close(): void;
}

export async function connectLoadClient(gateway: { url: string; token: string }): Promise<LoadClient> {
  const socket = new WebSocket(gateway.url);
  const calls = new Map<string, (text: string, ok: boolean) => void>();
  const finals = new Map<string, () => void>();
  const ready = once(socket, "message");
  socket.on("message", (data: Buffer) => {
    const text = data.toString("utf8");
    const frame = JSON.parse(text) as Frame;
    if (frame.type === "res") {
      const { id = "" } = frame;
      calls.get(id)?.(text, frame.ok === true);
      calls.delete(id);
    } else if (frame.event === "chat" && frame.payload?.state === "final") {
      const { runId = "" } = frame.payload;
      finals.get(runId)?.();
      finals.delete(runId);
    }
  });
  await ready;
  let next = 0;
  const call = (method: string, params: object) =>
    new Promise<number>((resolve, reject) => {
      const id = String((next += 1));
      calls.set(id, (text, ok) => (ok ? resolve(text.length) : reject(new Error(text))));
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  await call("connect", connectParams(gateway.token));
  return {
    call,
    final: (runId) => new Promise((resolve) => finals.set(runId, resolve)),
    close: () => socket.terminate(),
  };
}
