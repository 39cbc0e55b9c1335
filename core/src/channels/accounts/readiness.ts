import type { Problem } from "../../base/problems.ts";
import { accountState } from "../snapshot.ts";
import type { AccountView } from "./accounts.ts";

/**
 * How long an account may be out of service before the gateway counts as not ready, ms: a reconnect, a refresh that the platform
 * asked for, or the start of a channel takes less and should wake nobody. A silent link shows after 55 s at most and has had no
 * round trip for all of them, so a dead channel is told within 60 s.
 */
const PATIENCE_MS = 30_000;

/** States that nothing but their owner ends. */
const FINAL: readonly string[] = ["failed", "logged-out"];

/**
 * The problem of an enabled account that cannot do its work; undefined while it can, or may be expected to in a moment.
 *
 * @param now Epoch ms.
 */
function outage(view: AccountView, now: number): Problem | undefined {
  const { configured, facts } = view;
  if (!configured.enabled) return undefined;
  const { state, since = now, lastRoundTripAt, detail, fix } = accountState(view);
  if (state === "ready") return undefined;
  const downSince = facts?.downSince ?? since;
  const lastGoodAt = Math.min(downSince, lastRoundTripAt ?? downSince);
  if (!FINAL.includes(state) && now - lastGoodAt < PATIENCE_MS) return undefined;
  const why = detail === undefined ? (state === "starting" ? ": it has not connected yet" : "") : `: ${detail}`;
  const todo = fix === undefined ? "" : `; ${fix}`;
  const part = `${configured.channel}/${configured.account}`;
  return { part, reason: `account ${part} is ${state}${why}${todo}`, since: downSince };
}

/** One problem for each enabled account that is out of service: why, and what to do. */
export function outages(views: readonly AccountView[], now: number): Problem[] {
  return views.flatMap((view) => outage(view, now) ?? []);
}
