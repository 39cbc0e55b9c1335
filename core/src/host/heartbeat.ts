import type { Clock } from "../base/clock.ts";
import type { Guest } from "./guest.ts";
import { isLineError } from "./line/line-error.ts";

/** Between the answer to one ping and the next, ms. */
const INTERVAL_MS = 1_000;
/** A ping not answered within this is missed, ms. */
const TIMEOUT_MS = 2_000;
/** Misses in a row that prove a hang: an endless loop is found within 5 s. One may be a pause of the machine. */
const MISSES = 2;

export interface HeartbeatNews {
  /** First miss: it may recover. */
  late(): void;
  recovered(): void;
  /** It hangs and should be ended. */
  hung(): void;
}

/** `gone` for every answer but silence: the guest has ended, or its line has, and others will tell why. */
async function ping(guest: Guest): Promise<"yes" | "no" | "gone"> {
  try {
    await guest.rpc.call("ping", null, { timeoutMs: TIMEOUT_MS });
    return "yes";
  } catch (error) {
    return isLineError(error) && error.code === "timeout" ? "no" : "gone";
  }
}

/** Pings the guest until it hangs or ends. Resolves then; never rejects. */
export async function watchHeartbeat(guest: Guest, clock: Clock, news: HeartbeatNews): Promise<void> {
  const over = new AbortController();
  const ended = guest.ended.then(() => over.abort());
  let misses = 0;
  while (!over.signal.aborted) {
    await clock.sleep(INTERVAL_MS, over.signal);
    if (over.signal.aborted) break;
    const answer = await ping(guest);
    if (answer === "gone") break;
    const answered = answer === "yes";
    if (answered && misses > 0) news.recovered();
    if (!answered && misses === 0) news.late();
    misses = answered ? 0 : misses + 1;
    if (misses >= MISSES) {
      news.hung();
      break;
    }
  }
  await ended;
}
