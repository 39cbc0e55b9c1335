import { errorFromData } from "openclaw-host-sdk";
import type { Clock, Undo } from "../../base/clock.ts";
import type { MessageLine } from "./line.ts";
import { LineError } from "./line-error.ts";
import type { LineMessage } from "./message.ts";

/** How long an aborted call may still answer, so that the fate of an aborted send is not lost, ms. */
const ABORT_GRACE_MS = 5_000;
/** A caller that has this many calls open is told to wait: something does not answer. */
const MAX_OPEN_CALLS = 10_000;

/** A call that waits for its answer; settling it twice is harmless. */
interface OpenCall {
  readonly method: string;
  settle(outcome: { value: unknown } | { error: Error }): void;
}

/** One call as it is made. */
export interface OutgoingCall {
  readonly method: string;
  readonly params: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The calls this side has made and not yet seen answered. */
export class OutgoingCalls {
  readonly #line: MessageLine;
  readonly #clock: Clock;
  readonly #open = new Map<number, OpenCall>();
  #lastId = 0;
  /** Why it was closed is the reason of every later failure. */
  #closedBecause: string | undefined;

  constructor(parts: { readonly line: MessageLine; readonly clock: Clock }) {
    this.#line = parts.line;
    this.#clock = parts.clock;
  }

  start(call: OutgoingCall): Promise<unknown> {
    if (this.#closedBecause !== undefined) return Promise.reject(new LineError("down", this.#closedBecause));
    if (this.#open.size >= MAX_OPEN_CALLS) {
      return Promise.reject(new LineError("busy", `${MAX_OPEN_CALLS} calls are open; ${call.method} must wait`));
    }
    return new Promise((resolve, reject) => this.#begin(call, resolve, reject));
  }

  /** False when no such call is open: it was given up, or the other side answers twice. */
  settle(answer: LineMessage & { t: "value" | "error" }): boolean {
    const call = this.#open.get(answer.id);
    if (call === undefined) return false;
    call.settle(answer.t === "value" ? { value: answer.value } : { error: errorFromData(answer.error) });
    return true;
  }

  /** Everything that waits is lost; later calls fail at once. */
  close(reason: string): void {
    this.#closedBecause = reason;
    for (const call of this.#open.values()) {
      call.settle({ error: new LineError("lost", `${reason} while ${call.method} was under way`) });
    }
  }

  #begin(call: OutgoingCall, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
    const { method, params, timeoutMs, signal } = call;
    const id = ++this.#lastId;
    const undos: Undo[] = [];
    const settle: OpenCall["settle"] = (outcome) => {
      this.#open.delete(id);
      for (const undo of undos) undo();
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    };
    const giveUp = (code: "timeout" | "aborted", message: string) => settle({ error: new LineError(code, message) });
    const abort = () => {
      this.#line.post({ t: "abort", id });
      undos.push(
        this.#clock.after(ABORT_GRACE_MS, () => giveUp("aborted", `${method} was aborted and did not answer`)),
      );
    };
    this.#open.set(id, { method, settle });
    try {
      this.#line.post({ t: "call", id, method, params, timeoutMs });
    } catch (error) {
      return settle({ error: new TypeError(`the arguments of ${method} cannot be sent: ${String(error)}`) });
    }
    // The other side is told, so that it can stop; what it still answers is nonsense by then.
    const late = () => {
      this.#line.post({ t: "abort", id });
      giveUp("timeout", `${method} did not answer within ${timeoutMs} ms`);
    };
    undos.push(this.#clock.after(timeoutMs, late));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    undos.push(() => signal?.removeEventListener("abort", abort));
  }
}
