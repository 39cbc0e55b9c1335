import type { PairingRequest } from "openclaw-host-schemas";
import type { Actor, Body, Peer } from "openclaw-host-sdk";
import type { Clock } from "../../base/clock.ts";
import type { EventSink } from "../../base/event-sink.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import { invalidRequest, type WireError } from "../../base/wire-error.ts";
import type { Store } from "../../store/db.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import { type CodeArgs, PAIRING_TTL_MS, type PairedPerson, type PendingPairing } from "../../store/tables/pairing.ts";
import type { Plan } from "../outbox/outbound.ts";
import { newPairingCode, normalCode } from "./pairing-code.ts";
import { newDeliveryId } from "../turn/turn-parts.ts";

export type { PairedPerson, PendingPairing } from "../../store/tables/pairing.ts";

/** A code on one account, or on any account of the channel. */
export interface CodeQuery {
  readonly channel: string;
  readonly account?: string;
  readonly code: string;
}

/** What becomes of a stranger's message: a reason for the owner, and an answer unless there is nothing to say. */
export interface PairingReply {
  readonly reason: string;
  readonly answer?: string;
}

/** Strangers who ask to be let in, and whom the owner let in; all of it in the store, never in the config file. */
export interface Pairing {
  /** From memory: the owner let this sender in on this account. */
  isPaired(name: AccountName, senderId: string): boolean;
  /** Notes that a stranger wrote and says what to answer. */
  request(name: AccountName, stranger: { readonly from: Actor; readonly peer: Peer }): Promise<PairingReply>;
  list(): Promise<{ readonly requests: readonly PendingPairing[]; readonly approved: readonly PairedPerson[] }>;
  /**
   * Lets the sender in and tells them. `by` is who decided. May be repeated within the hour of the code.
   *
   * @throws WireError when nobody waits with this code.
   */
  approve(query: CodeQuery, by: string): Promise<PairedPerson>;
  /** Forgets the request. Throws as `approve` does. */
  reject(query: CodeQuery, by: string): Promise<PendingPairing>;
  /** Takes approvals back. Throws a `WireError` when the sender had none. */
  remove(sender: { channel: string; account?: string; sender: string }, by: string): Promise<readonly PairedPerson[]>;
}

export interface PairingParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly sink: EventSink;
  readonly plan: Plan;
  readonly outbox: { wake(): void };
}

/** Candidates per request: two codes of one channel collide once in 10^12. */
const CANDIDATES = 3;

const WELCOME = "My owner has let you in: you may write to me now. What you wrote before was not read.";

const answerOf = ({ channel, code }: PendingPairing): string =>
  `I do not know you yet. Your code is ${code}, good for one hour. My owner lets you in with:\nopenclaw pairing approve ${channel} ${code}`;

const keyOf = (name: AccountName, sender: string): string => JSON.stringify([name.channel, name.account, sender]);

/** Loads who is let in. */
export async function openPairing(parts: PairingParts): Promise<Pairing> {
  const { store, clock } = parts;
  const paired = new Set((await store.run("pairing.paired", {})).map((person) => keyOf(person, person.sender)));
  return {
    isPaired: (name, senderId) => paired.has(keyOf(name, senderId)),
    request: (name, stranger) => request(parts, name, stranger),
    async list() {
      const [requests, approved] = await Promise.all([
        store.run("pairing.requests", { now: clock.now() }),
        store.run("pairing.paired", {}),
      ]);
      return { requests, approved };
    },
    async approve(query, by) {
      const person = await approve(parts, query, by);
      paired.add(keyOf(person, person.sender));
      return person;
    },
    async reject(query, by) {
      const rejected = await store.run("pairing.reject", codeArgs(parts, query));
      if (rejected === undefined) throw unknownCode(query);
      publishResolved(parts, rejected, { decision: "rejected", by });
      return rejected;
    },
    async remove(sender, by) {
      const removed = await store.run("pairing.remove", sender);
      for (const person of removed) {
        paired.delete(keyOf(person, person.sender));
        publishResolved(parts, person, { decision: "removed", by });
      }
      if (removed.length > 0) return removed;
      throw invalidRequest(
        `sender ${sender.sender} of ${sender.channel} was not approved by a code: see openclaw pairing list; people on allowFrom are removed in the config file`,
      );
    },
  };
}

async function request(
  parts: PairingParts,
  { channel, account }: AccountName,
  { from, peer }: { readonly from: Actor; readonly peer: Peer },
): Promise<PairingReply> {
  const { id: sender, name, handle } = from;
  const outcome = await parts.store.run("pairing.request", {
    channel,
    account,
    sender,
    ...(name === undefined ? {} : { name }),
    ...(handle === undefined ? {} : { handle }),
    peer,
    codes: Array.from({ length: CANDIDATES }, () => newPairingCode(parts.ids)),
    now: parts.clock.now(),
  });
  const see = `see: openclaw pairing list ${channel}`;
  if (outcome.state === "full") {
    return { reason: `sender ${sender} is not approved, and as many as may wait for approval do; ${see}` };
  }
  const reason = `sender ${sender} waits for approval; ${see}`;
  if (outcome.state === "new") {
    parts.log.info("somebody new asks to be let in", { channel, account, sender, approve: see });
    parts.sink.publish("channel.pairing.requested", shownRequest(outcome.request));
  }
  return outcome.tell ? { reason, answer: answerOf(outcome.request) } : { reason };
}

const codeArgs = ({ clock }: PairingParts, { code, ...where }: CodeQuery): CodeArgs => ({
  ...where,
  code: normalCode(code),
  now: clock.now(),
});

async function approve(parts: PairingParts, query: CodeQuery, by: string): Promise<PairedPerson> {
  const args = codeArgs(parts, query);
  const intents = await planWelcome(parts, args);
  const approval = await parts.store.run("pairing.approve", { ...args, by, intents });
  if (approval === undefined) throw unknownCode(query);
  const { sender, again } = approval;
  if (again) return sender;
  parts.outbox.wake();
  parts.log.info("a sender was let in", {
    channel: sender.channel,
    account: sender.account,
    sender: sender.sender,
    by,
  });
  publishResolved(parts, sender, { decision: "approved", by });
  return sender;
}

/** The news is worth less than the approval: without a channel that could carry it, it is left out. */
async function planWelcome(parts: PairingParts, args: CodeArgs): Promise<readonly OutboxIntent[]> {
  const found = await parts.store.run("pairing.find", args);
  if (found === undefined) return [];
  const { channel, account } = found.request;
  const body: Body = { text: WELCOME, format: "plain" };
  try {
    const target = { channel, account, peer: found.peer };
    return await parts.plan(target, body, { deliveryId: newDeliveryId(parts) });
  } catch (error) {
    parts.log.warn("somebody who was let in could not be told", { channel, account, error: String(error) });
    return [];
  }
}

function unknownCode({ channel, code }: CodeQuery): WireError {
  const shown = normalCode(code).slice(0, 16);
  return invalidRequest(
    `nobody waits on ${channel} with the code ${shown}: codes are good for one hour; see openclaw pairing list ${channel}`,
  );
}

function publishResolved(
  { sink, clock }: PairingParts,
  { channel, account, sender }: { readonly channel: string; readonly account: string; readonly sender: string },
  decided: { readonly decision: "approved" | "rejected" | "removed"; readonly by: string },
): void {
  const ts = clock.now();
  sink.publish("channel.pairing.resolved", { channel, accountId: account, senderId: sender, ...decided, ts });
}

/** A request in the words of the wire. */
export function shownRequest({ account, sender, ...request }: PendingPairing): PairingRequest {
  return { ...request, accountId: account, senderId: sender, expiresAt: request.createdAt + PAIRING_TTL_MS };
}
