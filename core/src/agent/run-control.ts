/**
 * Why a run was stopped from outside: `rpc` by `chat.abort`, `stop` by a stop word, `timeout` by its own limit (wire protocol
 * section 4.4), `restart` because the gateway stops.
 */
export type StopReason = "rpc" | "stop" | "timeout" | "restart";

/** The one handle by which a run is stopped. The first reason counts. */
export interface RunControl {
  readonly signal: AbortSignal;
  readonly stopReason: StopReason | undefined;
  stop(reason: StopReason): void;
}

export function createRunControl(): RunControl {
  const controller = new AbortController();
  let stopReason: StopReason | undefined;
  return {
    signal: controller.signal,
    get stopReason() {
      return stopReason;
    },
    stop(reason) {
      if (stopReason !== undefined) return;
      stopReason = reason;
      controller.abort();
    },
  };
}
