import type { Call } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";

export interface CallLimits {
  /** What is called, for the error text: `probe of telegram/default`. */
  readonly what: string;
  /** The longest wait, ms. */
  readonly ms: number;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

/** Calls into an extension. None of them can hold up the gateway: each has a deadline and can be abandoned. */
export interface GuestCalls {
  /**
   * Rejects with what `work` threw, or with an `Error` once the deadline has passed or the signal aborted; the call's own
   * signal is then aborted too. A result that comes later still goes to `late`, so that it can be undone.
   */
  run<T>(limits: CallLimits, work: (call: Call) => Promise<T>, late?: (value: T) => void): Promise<T>;
}

export function createGuestCalls(parts: { readonly clock: Clock; readonly ids: Ids }): GuestCalls {
  const { clock, ids } = parts;
  return {
    run: (limits, work, late) =>
      new Promise((resolve, reject) => {
        const controller = new AbortController();
        let ended = false;
        const end = (settle: () => void) => {
          if (ended) return;
          ended = true;
          cancel();
          limits.signal?.removeEventListener("abort", abandon);
          settle();
        };
        const give = (why: string) =>
          end(() => {
            const error = new Error(`${limits.what} ${why}`);
            controller.abort(error);
            reject(error);
          });
        const abandon = () => give("was called off");
        const cancel = clock.after(limits.ms, () => give(`did not answer within ${limits.ms} ms`));
        limits.signal?.addEventListener("abort", abandon, { once: true });
        if (limits.signal?.aborted === true) return abandon();
        const call: Call = { id: ids.uuid(), signal: controller.signal, deadline: clock.now() + limits.ms };
        // A guest may also throw before it returns a promise.
        const answer = (async () => work(call))();
        answer.then(
          (value) => (ended ? late?.(value) : end(() => resolve(value))),
          (error: unknown) => end(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      }),
  };
}
