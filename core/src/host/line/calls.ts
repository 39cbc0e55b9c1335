import { errorFromData } from "openclaw-host-sdk";
import type { Clock, Undo } from "../../base/clock.ts";
import type { MessageLine } from "./line.ts";
import { LineError } from "./line-error.ts";
import type { LineMessage } from "./message.ts";

/** How long an aborted call may still answer, so that the fate of an aborted send is not lost, ms. */
const ABORT_GRACE_MS = 5_000;
/** A caller that has this many calls open is told to wait: something does not answer. */
const MAX_OPEN_CALLS = 10_000;

interface OpenCall {
  readonly method: string;
  settle(outcome: { value: unknown } | { error: Error }): void;
}

export interface OutgoingCall {
  readonly method: string;
  readonly params: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The calls this side has made and not yet seen answered. */
export interface OutgoingCalls {
  start(call: OutgoingCall): Promise<unknown>;
  /** False when no such call is open: it was given up, or the other side answers twice. */
  settle(answer: LineMessage & { t: "value" | "error" }): boolean;
  close(reason: string): void;
}

export function createOutgoingCalls(parts: { line: MessageLine; clock: Clock }): OutgoingCalls {
  const { line, clock } = parts;
  const open = new Map<number, OpenCall>();
  let lastId = 0;
  let closedBecause: string | undefined;

  function begin(call: OutgoingCall, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
    const { method, params, timeoutMs, signal } = call;
    const id = ++lastId;
    const undos: Undo[] = [];
    const settle: OpenCall["settle"] = (outcome) => {
      open.delete(id);
      for (const undo of undos) undo();
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    };
    const giveUp = (code: "timeout" | "aborted", message: string) => settle({ error: new LineError(code, message) });
    const abort = () => {
      line.post({ t: "abort", id });
      undos.push(clock.after(ABORT_GRACE_MS, () => giveUp("aborted", `${method} was aborted and did not answer`)));
    };
    open.set(id, { method, settle });
    try {
      line.post({ t: "call", id, method, params, timeoutMs });
    } catch (error) {
      return settle({
        error: new TypeError(`the arguments of ${method} cannot cross to the other side: ${String(error)}`),
      });
    }
    undos.push(
      clock.after(timeoutMs, () => {
        line.post({ t: "abort", id });
        giveUp("timeout", `${method} did not answer within ${timeoutMs} ms`);
      }),
    );
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    undos.push(() => signal?.removeEventListener("abort", abort));
  }

  return {
    start(call) {
      if (closedBecause !== undefined) return Promise.reject(new LineError("down", closedBecause));
      if (open.size >= MAX_OPEN_CALLS) {
        return Promise.reject(new LineError("busy", `${open.size} calls are open already; ${call.method} must wait`));
      }
      return new Promise((resolve, reject) => begin(call, resolve, reject));
    },
    settle(answer) {
      const call = open.get(answer.id);
      if (call === undefined) return false;
      call.settle(answer.t === "value" ? { value: answer.value } : { error: errorFromData(answer.error) });
      return true;
    },
    close(reason) {
      closedBecause = reason;
      for (const call of open.values()) {
        call.settle({ error: new LineError("lost", `${reason} while ${call.method} was under way`) });
      }
    },
  };
}
