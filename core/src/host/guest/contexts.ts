import type { BaseCtx, Connection } from "openclaw-host-sdk";
import type { ContextParts } from "./context-parts.ts";
import { type Effects, createEffects } from "./effects.ts";
import { guestFetch } from "./fetch.ts";
import { guestMedia } from "./media.ts";
import { guestStore } from "./store.ts";

/** One context of the extension: a probe, a connection or a turn. */
export interface GuestContext {
  readonly id: string;
  readonly base: BaseCtx<object>;
  /** The live link, once `connect` has resolved. */
  connection?: Connection;
  /** Aborts the context's signal and runs its effects. Calling it twice is harmless. */
  close(): Promise<void>;
}

/** The open contexts of this guest, by the handle the host gave them. */
export interface Contexts {
  open(id: string, config: unknown): GuestContext;
  /** Throws when the context is closed. */
  need(id: string): GuestContext;
  /** Newest first. */
  closeAll(): Promise<void>;
}

/** A door that only makes a folder answers within this, ms. */
const DOOR_TIMEOUT_MS = 30_000;

/** Keeps what every context must undo, and builds the `ctx` an author sees. */
export function createContexts(parts: ContextParts): Contexts {
  const open = new Map<string, GuestContext>();
  return {
    open(id, config) {
      const controller = new AbortController();
      const effects = createEffects();
      const base = baseContext({ parts, id, config, signal: controller.signal, effects });
      const context: GuestContext = {
        id,
        base,
        async close() {
          open.delete(id);
          controller.abort();
          await effects.run((label, error) => base.log.error(`the effect '${label}' failed at stop: ${String(error)}`));
        },
      };
      open.set(id, context);
      return context;
    },
    need(id) {
      const context = open.get(id);
      if (context === undefined) throw new Error("this connection is closed; connect again");
      return context;
    },
    async closeAll() {
      for (const context of [...open.values()].reverse()) await context.close();
    },
  };
}

/** What one `ctx` is built from. */
interface BaseParts {
  readonly parts: ContextParts;
  readonly id: string;
  readonly config: unknown;
  readonly signal: AbortSignal;
  readonly effects: Effects;
}

/** The doors of one context; each call names it, so that the host knows in whose name the extension speaks. */
function baseContext({ parts, id, config, signal, effects }: BaseParts): BaseCtx<object> {
  const { clock } = parts;
  const log = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: object) =>
    parts
      .rpc()
      .note("log", { context: id, level, message, ...(fields === undefined ? {} : { fields: plain(fields) }) });
  return {
    config: config as object,
    signal,
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    store: guestStore(parts, id),
    media: guestMedia(parts, id),
    dir: () => parts.rpc().call("dir", { context: id }, { timeoutMs: DOOR_TIMEOUT_MS }),
    fetch: guestFetch(parts, id),
    clock: { now: () => clock.now(), sleep: (ms, abort) => clock.sleep(ms, abort) },
    effect: (undo, label) => effects.add(undo, label),
  };
}

/** Log fields may hold anything; what JSON cannot say becomes text, so that a log call never throws. */
function plain(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, value]: [string, unknown]): [string, unknown] => {
    if (value instanceof Error) return [key, value.message];
    return [key, typeof value === "object" || typeof value === "function" ? describe(value) : value];
  });
  return Object.fromEntries(entries);
}

/** The value as JSON sees it, or as text when it cannot (cycles, BigInt). */
function describe(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? "null") as unknown;
  } catch {
    return String(value);
  }
}
