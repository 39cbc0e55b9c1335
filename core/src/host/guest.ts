import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Carrier, GuestExit } from "./carrier.ts";
import { type HostContexts, createHostContexts } from "./doors/contexts.ts";
import { createDoors } from "./doors/doors.ts";
import { inspectParams, inspectResult } from "./doors/checks.ts";
import { createRate } from "./doors/log.ts";
import type { DoorParts } from "./doors/parts.ts";
import type { GuestMethods, LoadOrder, LoadOutcome } from "./line/guest-methods.ts";
import type { HostMethods } from "./line/host-methods.ts";
import { isLineError } from "./line/line-error.ts";
import { type Rpc, createRpc } from "./line/rpc.ts";
import { createStreamTable } from "./line/streams.ts";
import { createExchanger } from "./net/exchange.ts";

/** What a loaded extension offers. */
export type GuestOffer = Omit<Extract<LoadOutcome, { ok: true }>, "ok">;

/** A guest whose extension is loaded. */
export interface Guest {
  readonly offer: GuestOffer;
  readonly rpc: Rpc<GuestMethods>;
  readonly contexts: HostContexts;
  readonly pid: number | undefined;
  /** Settles with the reason when the guest is gone. By then every call has failed and every connection is closed. */
  readonly ended: Promise<string>;
  /** Ends it at once, for this reason. */
  kill(reason: string): void;
}

/** The extension cannot run here, however often it is tried. */
export class LoadRefused extends Error {
  override readonly name = "LoadRefused";
  readonly fix: string;
  constructor(reason: string, fix: string) {
    super(reason);
    this.fix = fix;
  }
}

/** One start of one extension. */
export interface LaunchParts {
  readonly carrier: Carrier;
  readonly order: LoadOrder;
  /** The extension's code must have run and been checked within this, ms. */
  readonly loadMs: number;
  /** Aborting ends a guest that is still loading. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly doors: Pick<DoorParts, "extension" | "store" | "media" | "spool" | "dataDir">;
}

/** Loads the extension into a fresh guest. Rejects with `LoadRefused`, or with the reason of the failure; the guest is dead then. */
export async function launchGuest(parts: LaunchParts): Promise<Guest> {
  const { rpc, contexts, ended, kill } = openLine(parts);
  const abort = () => kill("the gateway is stopping");
  if (parts.signal.aborted) abort();
  parts.signal.addEventListener("abort", abort, { once: true });
  try {
    const outcome = await rpc.call("load", parts.order, { timeoutMs: parts.loadMs });
    if (!outcome.ok) throw new LoadRefused(outcome.reason, outcome.fix);
    const { ok: _, ...offer } = outcome;
    return { offer, rpc, contexts, pid: parts.carrier.pid, ended, kill };
  } catch (error) {
    kill(describeLoadFailure(error, parts));
    const why = await ended;
    throw error instanceof LoadRefused ? error : new Error(why, { cause: error });
  } finally {
    parts.signal.removeEventListener("abort", abort);
  }
}

/** Joins the carrier's line to the doors, and ties everything to the carrier's life. */
function openLine(parts: LaunchParts): Pick<Guest, "rpc" | "contexts" | "ended" | "kill"> {
  const { carrier, clock } = parts;
  const contexts = createHostContexts(parts.ids);
  const streams = createStreamTable();
  const exchanger = createExchanger();
  let reason: string | undefined;
  const onFault = (message: string) => void (reason ??= `it failed: ${message}`);
  const rpc: Rpc<GuestMethods> = createRpc<HostMethods, GuestMethods>({
    line: carrier.line,
    handlers: createDoors({ ...parts.doors, contexts, streams, exchanger, clock, rpc: () => rpc, onFault }),
    clock,
    inspectParams,
    inspectResult,
    hideStacks: true,
    onNonsense: complainer(parts),
  });
  const end = async (exit: GuestExit): Promise<string> => {
    const why = reason ?? describeExit(exit);
    const detail = `the extension '${parts.order.extension}' ended: ${why}`;
    // Calls fail before connections close: who learns of the closed link must not find a call still waiting.
    rpc.close(detail);
    contexts.closeAll({ retry: "backoff", code: "guest-ended", detail });
    exchanger.close();
    await Promise.all([streams.close(), parts.doors.spool.remove()]);
    return why;
  };
  const kill = (because: string) => {
    reason ??= because;
    carrier.kill();
  };
  return { rpc, contexts, ended: carrier.exited.then(end), kill };
}

/** Notes what is no message, at a bounded rate: a guest that sends garbage must not fill the log. */
function complainer({ clock, log }: LaunchParts): (what: string) => void {
  const allow = createRate(clock);
  return (what) => {
    const { allowed, dropped } = allow();
    if (dropped > 0) log.warn("the extension sends much nonsense; lines were dropped", { count: dropped });
    if (allowed) log.warn("the extension sent nonsense", { what });
  };
}

/** Said to the operator; the stack goes to the log, where it points into the extension's own files. */
function describeLoadFailure(error: unknown, parts: LaunchParts): string {
  if (isLineError(error) && error.code === "timeout") return `it did not finish loading within ${parts.loadMs} ms`;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.stack !== undefined) parts.log.debug("loading failed", { stack: error.stack });
  return `it failed while loading: ${message}`;
}

/** How the guest ended, in the words of an operator. */
function describeExit({ code, signal, lastWords }: GuestExit): string {
  const how =
    signal === null
      ? code === null
        ? "it did not start"
        : `it exited with code ${code}`
      : `it was ended by ${signal}`;
  return lastWords === undefined ? how : `${how}: ${lastWords}`;
}
