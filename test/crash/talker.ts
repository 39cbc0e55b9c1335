import type { GatewayProcess } from "openclaw-host-testing";
import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "ws";
import { connectParams } from "../e2e/sockets.ts";
import type { Random } from "./random.ts";

/** A client that sends chat messages and repeats each with its key, however often it loses the socket, until it has ended. */
export interface Talker {
  /** Keys of which the gateway answered that they ended, with what it said. */
  readonly ended: ReadonlyMap<string, "ok" | "error">;
  /** Talks until told to stop; never rejects. */
  talk(gateway: GatewayProcess, stop: AbortSignal): Promise<void>;
  /** Only until the message at hand has ended. */
  finish(gateway: GatewayProcess): Promise<void>;
}

interface Answer {
  readonly payload?: { readonly status?: string };
}

/** Between two messages, or two looks at one, ms. */
const PAUSE_MS = 15;
/** Of the sockets that carried a request, so many are lost before its answer. */
const LOSSES = 0.4;

export function createTalker(name: number, random: Random): Talker {
  const ended = new Map<string, "ok" | "error">();
  let next = 0;
  const key = () => `w${name}-${next}`;
  /** True when the message has ended. */
  const repeat = async (gateway: GatewayProcess, mayLose: boolean): Promise<boolean> => {
    const number = name * 1_000_000 + next;
    const params = { sessionKey: `agent:main:talker-${name}`, message: `m${number}.0;`, idempotencyKey: key() };
    const answer = await request(gateway, params, mayLose && random.chance(LOSSES));
    if (answer === undefined) return false;
    const status = answer.payload?.status;
    // A run that failed is answered with its outcome and an error; a refusal has no outcome.
    if (status === undefined) throw new Error(`chat.send was refused: ${JSON.stringify(answer)}`);
    if (status !== "ok" && status !== "error") return false;
    ended.set(key(), status);
    next += 1;
    return true;
  };
  return {
    ended,
    async talk(gateway, stop) {
      while (!stop.aborted) {
        await repeat(gateway, true);
        await wait(PAUSE_MS);
      }
    },
    async finish(gateway) {
      while (!(await repeat(gateway, false))) await wait(PAUSE_MS);
    },
  };
}

/** One socket, one request; undefined when the socket is lost, on purpose or not. */
function request({ url, token }: GatewayProcess, params: object, lose: boolean): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const frameOf = (id: string, method: string, params: object) => JSON.stringify({ type: "req", id, method, params });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => resolve(undefined));
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString("utf8")) as { event?: string; id?: string } & Answer;
      if (frame.event === "connect.challenge") socket.send(frameOf("connect", "connect", connectParams(token)));
      if (frame.id === "connect") socket.send(frameOf("chat", "chat.send", params), () => lose && socket.terminate());
      if (frame.id !== "chat") return;
      resolve(frame);
      socket.terminate();
    });
  });
}
