import { isIPv6 } from "node:net";
import { canonicalAddress, isLoopbackAddress, type PeerFacts } from "../auth/local-trust.ts";
import type { Undo } from "../base/clock.ts";
import { LIMITS, type Limits } from "./limits.ts";

/** Something that waits for authentication and can be sent away. */
export interface Waiting {
  readonly peer: PeerFacts;
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

/** One bucket per IPv4 address or IPv6 /64, which is what one host usually owns (RFC 6177); local programs share one. */
function bucketOf(peer: PeerFacts): string {
  if (isLoopbackAddress(peer.address)) return peer.origin === undefined ? LOOPBACK : "loopback page";
  const address = canonicalAddress(peer.address);
  return isIPv6(address) ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const after = tail?.split(":").filter((group) => group !== "") ?? [];
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length;
  return [...groups, ...Array.from({ length: zeros }, () => "0"), ...after].slice(0, 4).join(":");
}
