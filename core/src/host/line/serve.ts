import { type Call, type ErrorData, errorToData } from "openclaw-host-sdk";
import type { Clock } from "../../base/clock.ts";
import type { Handlers, Inspect, Methods } from "./handlers.ts";
import type { MessageLine } from "./line.ts";
import type { LineMessage } from "./message.ts";

/** The other side may have this many calls open here; more are refused, so that a flood costs it and not us. */
const MAX_SERVED_CALLS = 1_000;
/** The longest deadline a call may ask for: 24 days, the reach of a timer, ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface ServerOptions<Local extends Methods<Local>> {
  readonly line: MessageLine;
  readonly handlers: Handlers<Local>;
  readonly clock: Clock;
  readonly inspectParams?: Inspect<Local>;
  readonly hideStacks?: boolean;
  readonly nonsense: (what: string) => void;
}

/** Runs what the other side calls. */
export interface Server {
  take(message: LineMessage & { t: "call" | "note" | "abort" }): void;
  close(): void;
}

type AnyHandler = (params: unknown, call: Call) => unknown;

export function createServer<Local extends Methods<Local>>(options: ServerOptions<Local>): Server {
  const { line, clock } = options;
  const running = new Map<number, AbortController>();

  async function run(method: string, params: unknown, call: Call): Promise<unknown> {
    if (!Object.hasOwn(options.handlers, method)) throw new Error(`there is no method ${method}`);
    const fault = options.inspectParams?.(method as keyof Local & string, params);
    if (fault !== undefined) throw new Error(`wrong arguments for ${method}: ${fault}`);
    const handler = options.handlers[method as keyof Local] as AnyHandler;
    return handler(params, call);
  }

  function fail(id: number, error: unknown): void {
    const data = errorToData(error);
    const shown: ErrorData =
      options.hideStacks === true && data.code === "Error" ? { code: "Error", message: data.message } : data;
    try {
      line.post({ t: "error", id, error: shown });
    } catch {
      line.post({ t: "error", id, error: { code: "Error", message: data.message } satisfies ErrorData });
    }
  }

  async function answer(message: LineMessage & { t: "call" }): Promise<void> {
    const { id, method, params } = message;
    if (running.size >= MAX_SERVED_CALLS) return fail(id, new Error(`too many calls at once; ${method} must wait`));
    if (running.has(id)) return options.nonsense("a call with the id of another one");
    const controller = new AbortController();
    running.set(id, controller);
    const timeoutMs = Math.min(Math.max(0, message.timeoutMs), MAX_TIMEOUT_MS);
    const call: Call = { id: String(id), signal: controller.signal, deadline: clock.now() + timeoutMs };
    try {
      line.post({ t: "value", id, value: await run(method, params, call) });
    } catch (error) {
      fail(id, error);
    } finally {
      running.delete(id);
    }
  }

  async function hear(message: LineMessage & { t: "note" }): Promise<void> {
    const call: Call = { id: "note", signal: AbortSignal.abort(), deadline: clock.now() };
    try {
      await run(message.method, message.params, call);
    } catch (error) {
      options.nonsense(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    take(message) {
      switch (message.t) {
        case "call":
          return void answer(message);
        case "note":
          return void hear(message);
        case "abort":
          return running.get(message.id)?.abort();
      }
    },
    close() {
      for (const controller of running.values()) controller.abort();
      running.clear();
    },
  };
}
