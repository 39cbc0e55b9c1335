import type { Update } from "grammy/types";
import { type Closed, type Health, type Inbound, isReceiveError } from "openclaw-host-sdk";
import { signalOf } from "./api.ts";
import { pause, within } from "./deadline.ts";
import { ALLOWED_UPDATES, decodeUpdate } from "./decode/update.ts";
import { classify } from "./failure.ts";
import type { Poller } from "./poller.ts";
import { type Trouble, diagnose } from "./trouble.ts";

/** What a long poll may take beyond its own timeout before the server counts as hung, ms. */
const HANG_MARGIN_MS = 10_000;
/** Back-off between failed polls, ms. Without jitter: one bot has one poller, so nobody retries in step with it. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** `ready` is repeated at most this often, ms: well within the minute in which health must show a dead channel. */
const READY_EVERY_MS = 10_000;

/** What one round left behind. */
type Round =
  | { readonly kind: "done"; readonly offset: number | undefined }
  | { readonly kind: "trouble"; readonly trouble: Trouble }
  | { readonly kind: "stopped" };

/**
 * Fetches updates until it is told to stop or the token turns out to be wrong; every other failure is a state that is
 * shown in `health` and retried. The offset is the account's durable cursor: it advances only after the host has stored
 * the batch, and naming it in the next poll is what confirms that batch to Telegram
 * (https://core.telegram.org/bots/api#getupdates).
 */
export async function poll(poller: Poller): Promise<Closed> {
  const { ctx, signal } = poller;
  const tellReady = throttledReady(ctx);
  let offset = parseCursor(await ctx.cursor());
  let failures = 0;
  while (!signal.aborted) {
    // The first poll, and the first after a failure, does not wait for news: it proves the round trip at once.
    const round = await pollOnce(poller, { offset, wait: failures === 0 && tellReady.told() });
    if (round.kind === "stopped") break;
    if (round.kind === "done") {
      offset = round.offset;
      failures = 0;
      tellReady.now();
      continue;
    }
    if (round.trouble.kind === "final") return round.trouble.closed;
    failures += 1;
    const { waitMs, detail, fix } = round.trouble;
    tellReady.reset();
    ctx.health({ state: "degraded", detail, ...(fix === undefined ? {} : { fix }) });
    ctx.log.warn("Telegram polling failed, retrying", { detail, failures });
    await pause(ctx.clock, waitMs ?? retryMs(failures), signal);
  }
  return { retry: "never", code: "drained", detail: "polling was stopped on request" };
}

/** Doubles with each failure in a row. */
const retryMs = (failures: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10));

/** A cursor is the next offset in decimal. Anything else is ignored: polling without an offset loses nothing. */
function parseCursor(cursor: string | undefined): number | undefined {
  const offset = Number(cursor);
  return cursor !== undefined && Number.isSafeInteger(offset) && offset > 0 ? offset : undefined;
}

/** Reports `ready` on a change and then now and again, with the time of the round trip that earned it. */
function throttledReady(ctx: Poller["ctx"]) {
  let toldAt: number | undefined;
  return {
    told: () => toldAt !== undefined,
    reset: () => {
      toldAt = undefined;
    },
    now: () => {
      const at = ctx.clock.now();
      if (toldAt !== undefined && at - toldAt < READY_EVERY_MS) return;
      toldAt = at;
      const health: Omit<Health, "since"> = { state: "ready", lastRoundTripAt: at };
      ctx.health(health);
    },
  };
}

/** One poll: from where, and whether to wait for news. */
interface Ask {
  readonly offset: number | undefined;
  readonly wait: boolean;
}

/** One round: fetch, decode, store. Every way it can fail comes back as a value. */
async function pollOnce(poller: Poller, ask: Ask): Promise<Round> {
  try {
    const answer = await fetchUpdates(poller, ask);
    if (answer.late) return trouble({ detail: "the Bot API server did not answer a poll in time" });
    const updates = parseUpdates(answer.value);
    if (updates === undefined) {
      return trouble({ detail: "the server's answer to getUpdates is not a list of updates; check apiRoot" });
    }
    if (updates.length === 0) return { kind: "done", offset: ask.offset };
    const next = Math.max(...updates.map((update) => update.update_id)) + 1;
    return await store(poller, { batch: decodeAll(updates, poller.ctx), next });
  } catch (error) {
    if (poller.signal.aborted) return { kind: "stopped" };
    return { kind: "trouble", trouble: await diagnose(classify(error), poller) };
  }
}

/** Shorthand for trouble that passes. */
const trouble = (passing: { detail: string; waitMs?: number }): Round => ({
  kind: "trouble",
  trouble: { kind: "passing", ...passing },
});

/** The server ends a long poll by itself; the deadline is for one that does not. */
function fetchUpdates({ api, ctx, timeoutSeconds, signal }: Poller, { offset, wait }: Ask) {
  const timeout = wait ? timeoutSeconds : 0;
  return within({ clock: ctx.clock, ms: timeout * 1_000 + HANG_MARGIN_MS, signal }, (cut) =>
    api.getUpdates(
      { timeout, allowed_updates: ALLOWED_UPDATES, ...(offset === undefined ? {} : { offset }) },
      signalOf(cut),
    ),
  );
}

/** The server may be anything that answers with `ok`: nothing about its result is taken on trust. */
function parseUpdates(value: unknown): Update[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const sound = value.every(
    (update: unknown) =>
      typeof update === "object" && update !== null && "update_id" in update && Number.isSafeInteger(update.update_id),
  );
  return sound ? (value as Update[]) : undefined;
}

/** An update that cannot be read is skipped with a line in the log: it would otherwise stop all later ones for ever. */
function decodeAll(updates: readonly Update[], ctx: Poller["ctx"]): Inbound[] {
  return updates.flatMap((update) => {
    try {
      return decodeUpdate(update, ctx.self);
    } catch (error) {
      ctx.log.error("Telegram sent an update that cannot be read; it is skipped", {
        updateId: update.update_id,
        error: String(error),
      });
      return [];
    }
  });
}

/** What one poll brought, and the offset behind it. */
interface Batch {
  readonly batch: readonly Inbound[];
  readonly next: number;
}

/** Hands the batch to the host. Whatever the reason it is not stored, the same updates are asked for again. */
async function store({ ctx }: Poller, { batch, next }: Batch): Promise<Round> {
  try {
    await ctx.receive(batch, { cursor: String(next) });
    return { kind: "done", offset: next };
  } catch (error) {
    const detail = "the gateway cannot store messages now; Telegram keeps them";
    return isReceiveError(error) ? trouble({ detail, waitMs: error.data.retryAfterMs }) : trouble({ detail });
  }
}
