import { isLoopbackAddress, networkOf } from "../auth/addresses.ts";
import type { PeerFacts } from "../auth/local-trust.ts";
import type { Undo } from "../base/clock.ts";
import { LIMITS, type Limits } from "./limits.ts";

/** Something that waits for authentication and can be sent away. */
export interface Waiting {
  readonly peer: Pick<PeerFacts, "address" | "origin" | "forwarded">;
  drop(code: number, reason: string): void;
}

export interface WaitingRoom {
  /** Takes a newcomer in, sending the oldest away when its bucket or the room is full. The undo takes it out. */
  enter(newcomer: Waiting): Undo;
  readonly size: number;
}

/** Sockets that are not authenticated yet, bounded per address and in all (wire protocol section 0, "Pre-auth"). */
export function createWaitingRoom(
  limits: Pick<Limits, "waitingPerAddress" | "waitingLoopback" | "waitingTotal"> = LIMITS,
): WaitingRoom {
  // Sets keep the order of arrival, so the first member is the oldest.
  const all = new Set<Waiting>();
  const buckets = new Map<string, Set<Waiting>>();

  function leave(member: Waiting): void {
    if (!all.delete(member)) return;
    const name = bucketOf(member.peer);
    const bucket = buckets.get(name);
    bucket?.delete(member);
    if (bucket?.size === 0) buckets.delete(name);
  }

  function sendOldestAway(members: ReadonlySet<Waiting>): void {
    const [oldest] = members;
    if (oldest === undefined) return;
    leave(oldest);
    oldest.drop(1008, "too many connections wait for authentication");
  }

  return {
    enter(newcomer) {
      const name = bucketOf(newcomer.peer);
      const limit = name === LOOPBACK ? limits.waitingLoopback : limits.waitingPerAddress;
      const bucket = buckets.get(name) ?? new Set();
      if (bucket.size >= limit) sendOldestAway(bucket);
      else if (all.size >= limits.waitingTotal) sendOldestAway(all);
      bucket.add(newcomer);
      buckets.set(name, bucket);
      all.add(newcomer);
      return () => leave(newcomer);
    },
    get size() {
      return all.size;
    },
  };
}

const LOOPBACK = "loopback";

/**
 * One bucket for each network, which is what one stranger usually owns. Programs on this host share one; web pages on it, and
 * strangers whom a proxy on it passes on, are kept apart from them.
 */
function bucketOf({ address, origin, forwarded }: Waiting["peer"]): string {
  if (!isLoopbackAddress(address)) return networkOf(address);
  if (origin !== undefined) return "loopback page";
  return forwarded ? "loopback proxy" : LOOPBACK;
}
