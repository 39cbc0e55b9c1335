import { isOver } from "../../base/clock-watch.ts";
import type { Clock } from "../../base/clock.ts";
import type { AccountName } from "../../store/tables/inbox.ts";

/** Identical exchanges after which a machine is not answered any more: people who try three times are not cut off. */
export const ECHO_LIMIT = 4;
/** Within which they count, and for which it must then be silent, ms. */
export const ECHO_WINDOW_MS = 60_000;
/** So much of our words is kept, UTF-16 units: enough to know them again, and little for every conversation there is. */
const COMPARED = 512;

/** A message that is about to be answered. */
export interface Exchange extends AccountName {
  readonly lane: string;
  readonly sender: string;
  /** True when the platform or our own accounts know the sender for a machine. */
  readonly machine: boolean;
  readonly text: string;
}

/**
 * Ends conversations of machines that only repeat themselves, or us.
 *
 * In memory, and safe so: what a restart forgets costs `ECHO_LIMIT - 1` more answers, not an endless loop, since a machine whose
 * answers came in before the restart repeats them after it. A gateway that dies again and again is slowed by whoever starts it,
 * and a message that kills it is parked (`inbox-rows.ts`), so that a loop through deaths ends as well.
 */
export interface EchoGuard {
  /** Undefined when the message may be answered, else why not. */
  hear(exchange: Exchange): string | undefined;
  /** Notes what was answered: a message that repeats it is an echo, whoever sends it. */
  said(lane: string, text: string): void;
  /** Senders of an account who are not answered now. */
  silenced(name: AccountName): readonly string[];
}

interface Seen {
  readonly at: number;
  readonly what: string;
}

interface Conversation {
  heard: readonly Seen[];
  said: readonly Seen[];
  silenced?: { readonly exchange: Exchange; readonly at: number };
}

/** What loops change about a text is case and blanks. Joined, because what is replaced piece by piece is kept as pieces. */
const normal = (text: string): string => text.trim().toLowerCase().split(/\s+/u).join(" ");

/** Stands for every repetition of our own words: an echo that grows with each round is one exchange over and over. */
const OURS = "\u0000ours";

export function createEchoGuard(clock: Pick<Clock, "now">): EchoGuard {
  const conversations = new Map<string, Conversation>();
  let sweptAt = clock.now();
  const recent = (seen: readonly Seen[]) => seen.filter(({ at }) => !isOver(at, ECHO_WINDOW_MS, clock.now()));
  const isQuiet = ({ heard, said, silenced }: Conversation) =>
    recent([...heard, ...said]).length === 0 && !isSilent(silenced);
  const isSilent = (silenced: Conversation["silenced"]) =>
    silenced !== undefined && !isOver(silenced.at, ECHO_WINDOW_MS, clock.now());

  /** Conversations that ended take no memory. */
  function sweep(): void {
    if (!isOver(sweptAt, ECHO_WINDOW_MS, clock.now())) return;
    sweptAt = clock.now();
    for (const [key, conversation] of conversations) if (isQuiet(conversation)) conversations.delete(key);
  }

  function of(lane: string): Conversation {
    sweep();
    const known = conversations.get(lane);
    if (known !== undefined) return known;
    const fresh: Conversation = { heard: [], said: [] };
    conversations.set(lane, fresh);
    return fresh;
  }

  return {
    hear(exchange) {
      const conversation = of(exchange.lane);
      const text = normal(exchange.text);
      conversation.said = recent(conversation.said);
      // A person may well quote us or say the same word; a machine that wraps our words repeats them.
      const repeats = (what: string) => (exchange.machine ? text.includes(what) : text.slice(0, COMPARED) === what);
      const ours = text !== "" && conversation.said.some((said) => repeats(said.what));
      if (!exchange.machine && !ours) return undefined;
      const what = `${exchange.sender} ${ours ? OURS : text}`;
      conversation.heard = [...recent(conversation.heard), { at: clock.now(), what }].slice(-ECHO_LIMIT * ECHO_LIMIT);
      const times = conversation.heard.filter((seen) => seen.what === what).length;
      if (times < ECHO_LIMIT) return undefined;
      conversation.silenced = { exchange, at: clock.now() };
      return `echo loop: ${times} identical exchanges with ${exchange.sender} within ${ECHO_WINDOW_MS / 1_000} s; it is answered again after as long without one`;
    },
    said(lane, text) {
      const what = normal(text.slice(0, 2 * COMPARED)).slice(0, COMPARED);
      if (what === "") return;
      const conversation = of(lane);
      conversation.said = [...recent(conversation.said), { at: clock.now(), what }].slice(-ECHO_LIMIT);
    },
    silenced: ({ channel, account }) =>
      [...conversations.values()].flatMap(({ silenced }) => {
        const { exchange } = silenced ?? {};
        const mine = exchange?.channel === channel && exchange.account === account;
        return mine && isSilent(silenced) ? [exchange.sender] : [];
      }),
  };
}
