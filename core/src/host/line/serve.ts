import { type Call, type ErrorData, errorToData } from "openclaw-host-sdk";
import type { Clock } from "../../base/clock.ts";
import type { Handlers, Inspect, Methods } from "./handlers.ts";
import type { MessageLine } from "./line.ts";
import type { LineMessage } from "./message.ts";

/** The other side may have this many calls open here; more are refused, so that a flood costs it and not us. */
const MAX_SERVED_CALLS = 1_000;
/** The longest deadline a call may ask for: 24 days, the reach of a timer, ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What a server runs and how it answers. */
export interface ServerOptions<Local extends Methods<Local>> {
  readonly line: MessageLine;
  readonly handlers: Handlers<Local>;
  readonly clock: Clock;
  readonly inspectParams?: Inspect<Local>;
  readonly hideStacks?: boolean;
  readonly nonsense: (what: string) => void;
}

/** A handler whose method is known only at run time; `inspectParams` has looked at the params. */
type AnyHandler = (params: unknown, call: Call) => unknown;

/** Runs what the other side calls. */
export class Server<Local extends Methods<Local>> {
  readonly #options: ServerOptions<Local>;
  readonly #running = new Map<number, AbortController>();

  constructor(options: ServerOptions<Local>) {
    this.#options = options;
  }

  /** Returns at once; what it starts answers by itself. */
  take(message: LineMessage & { t: "call" | "note" | "abort" }): void {
    switch (message.t) {
      case "call":
        return void this.#answer(message);
      case "note":
        return void this.#hear(message);
      case "abort":
        return this.#running.get(message.id)?.abort();
    }
  }

  /** Aborts what is under way; nobody waits for it any more. */
  close(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  /** Never rejects: every failure becomes an answer. */
  async #answer(message: LineMessage & { t: "call" }): Promise<void> {
    const { id, method, params } = message;
    const { line, clock, nonsense } = this.#options;
    if (this.#running.has(id)) return nonsense("a call with the id of another one");
    if (this.#running.size >= MAX_SERVED_CALLS) return this.#fail(id, new Error(`too many calls; ${method} must wait`));
    const controller = new AbortController();
    this.#running.set(id, controller);
    const timeoutMs = Math.min(Math.max(0, message.timeoutMs), MAX_TIMEOUT_MS);
    const call: Call = { id: String(id), signal: controller.signal, deadline: clock.now() + timeoutMs };
    try {
      line.post({ t: "value", id, value: await this.#run(method, params, call) });
    } catch (error) {
      this.#fail(id, error);
    } finally {
      this.#running.delete(id);
    }
  }

  /** Never rejects: a note has nobody to tell. */
  async #hear(message: LineMessage & { t: "note" }): Promise<void> {
    const call: Call = { id: "note", signal: AbortSignal.abort(), deadline: this.#options.clock.now() };
    try {
      await this.#run(message.method, message.params, call);
    } catch (error) {
      this.#options.nonsense(error instanceof Error ? error.message : String(error));
    }
  }

  /** Only own methods that were checked: a guest must not reach what an object inherits. */
  async #run(method: string, params: unknown, call: Call): Promise<unknown> {
    const { handlers, inspectParams } = this.#options;
    if (!Object.hasOwn(handlers, method)) throw new Error(`there is no method ${method}`);
    const known = method as keyof Local & string;
    const fault = inspectParams?.(known, params);
    if (fault !== undefined) throw new Error(`wrong arguments for ${method}: ${fault}`);
    const handler: AnyHandler = handlers[known];
    return handler(params, call);
  }

  #fail(id: number, error: unknown): void {
    const { line, hideStacks } = this.#options;
    const data = errorToData(error);
    const plain: ErrorData = { code: "Error", message: data.message };
    try {
      line.post({ t: "error", id, error: hideStacks === true && data.code === "Error" ? plain : data });
    } catch {
      // The error's own data could not be cloned.
      line.post({ t: "error", id, error: plain });
    }
  }
}
