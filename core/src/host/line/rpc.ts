import type { Clock } from "../../base/clock.ts";
import { OutgoingCalls } from "./calls.ts";
import type { Handlers, Inspect, Methods } from "./handlers.ts";
import type { MessageLine } from "./line.ts";
import { LineError } from "./line-error.ts";
import { parseMessage } from "./message.ts";
import { Server } from "./serve.ts";

export interface CallOptions {
  /** The call fails with `timeout` after this many ms; the other side is told to give up. */
  readonly timeoutMs: number;
  /** Aborting tells the other side, which then has 5 s to answer. */
  readonly signal?: AbortSignal;
}

export interface Rpc<Remote extends Methods<Remote>> {
  call<K extends keyof Remote & string>(
    method: K,
    params: Remote[K]["params"],
    options: CallOptions,
  ): Promise<Remote[K]["result"]>;
  /** Fire and forget. */
  note<K extends keyof Remote & string>(method: K, params: Remote[K]["params"]): void;
  /** The line is dead: pending calls fail with `lost`, calls being served are aborted, later ones fail with `down`. */
  close(reason: string): void;
}

export interface RpcOptions<Local extends Methods<Local>, Remote extends Methods<Remote>> {
  readonly line: MessageLine;
  readonly handlers: Handlers<Local>;
  readonly clock: Clock;
  readonly inspectParams?: Inspect<Local>;
  readonly inspectResult?: Inspect<Remote>;
  /** Errors that leave this side carry no stack (the host's own paths are not a guest's business). Default false. */
  readonly hideStacks?: boolean;
  /** Called for each message that is not one, or answers nothing. */
  readonly onNonsense?: (what: string) => void;
}

/**
 * Calls in both directions over one line. Each call carries an id, a deadline and an abort; each answer is an envelope, so
 * that errors keep their code and data. What the other side sends is checked before anybody sees it.
 */
export function createRpc<Local extends Methods<Local>, Remote extends Methods<Remote>>(
  options: RpcOptions<Local, Remote>,
): Rpc<Remote> {
  const { line, clock } = options;
  const nonsense = options.onNonsense ?? (() => {});
  const calls = new OutgoingCalls({ line, clock });
  const server = new Server<Local>({ ...options, nonsense });
  const stopListening = line.onMessage((raw) => {
    const message = parseMessage(raw);
    if (message === undefined) return nonsense("a message of no known shape");
    switch (message.t) {
      case "value":
      case "error":
        if (!calls.settle(message)) nonsense("an answer to no open call");
        return;
      case "call":
      case "note":
      case "abort":
        server.take(message);
    }
  });
  return {
    async call(method, params, callOptions) {
      const value = await calls.start({ method, params, ...callOptions });
      const fault = options.inspectResult?.(method, value);
      if (fault !== undefined) throw new LineError("refused", `${method} answered with a wrong value: ${fault}`);
      return value;
    },
    note(method, params) {
      line.post({ t: "note", method, params });
    },
    close(reason) {
      stopListening();
      calls.close(reason);
      server.close();
    },
  };
}
