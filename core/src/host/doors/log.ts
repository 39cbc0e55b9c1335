import { isOver } from "../../base/clock-watch.ts";
import type { Clock } from "../../base/clock.ts";
import type { Handlers } from "../line/handlers.ts";
import type { HostMethods } from "../line/host-methods.ts";
import type { DoorParts } from "./parts.ts";

/** Lines are counted for this long, ms. */
const WINDOW_MS = 1_000;
/** Lines a guest may log per second; the rest is counted. */
const LINES_PER_WINDOW = 100;
/** What is kept of a line; the rest is cut off. */
const MAX_MESSAGE_CHARS = 4_096;
const MAX_FIELDS = 32;
const MAX_FIELD_CHARS = 1_024;

/** Logging of a guest: at a bounded rate, in bounded lines. The logger itself redacts. */
export function logDoors(
  parts: Pick<DoorParts, "contexts" | "clock" | "onFault">,
): Handlers<Pick<HostMethods, "log" | "fault">> {
  const allow = createRate(parts.clock);
  return {
    log({ context, level, message, fields = {} }) {
      const { log } = parts.contexts.need(context);
      const { allowed, dropped } = allow();
      if (dropped > 0) log.warn("the extension logs too much; lines were dropped", { count: dropped });
      if (allowed) log[level](message.slice(0, MAX_MESSAGE_CHARS), bounded(fields));
      return null;
    },
    fault({ message }) {
      parts.onFault(message.slice(0, MAX_MESSAGE_CHARS));
      return null;
    },
  };
}

/** Counts lines per window. `dropped` is told once, by the first line of the next window. */
export function createRate(clock: Clock): () => { allowed: boolean; dropped: number } {
  let start = clock.now();
  let lines = 0;
  return () => {
    let dropped = 0;
    if (isOver(start, WINDOW_MS, clock.now())) {
      dropped = Math.max(0, lines - LINES_PER_WINDOW);
      start = clock.now();
      lines = 0;
    }
    lines += 1;
    return { allowed: lines <= LINES_PER_WINDOW, dropped };
  };
}

/** At most so many fields, each of bounded length: a log line is for reading. */
function bounded(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_FIELDS)
      .map(([key, value]) => [key.slice(0, 64), short(value)]),
  );
}

/** Numbers stay numbers, so that they can be searched for; everything else becomes text of bounded length. */
function short(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.slice(0, MAX_FIELD_CHARS);
}
