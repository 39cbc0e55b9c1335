import type { Update } from "grammy/types";
import { CONFLICT, type Refusal } from "./faults.ts";

/** One `getUpdates` call. */
interface PollRequest {
  readonly offset: number;
  /** Seconds. */
  readonly timeout: number;
  readonly limit: number;
  readonly allowed: readonly string[] | undefined;
}

type PollAnswer = { readonly updates: readonly Update[] } | Refusal;

/** The bot's updates with the Bot API's rules of confirmation: https://core.telegram.org/bots/api#getupdates */
export interface UpdateQueue {
  push(update: Omit<Update, "update_id">): number;
  /** Queues an update again, whether or not it was confirmed. */
  repeat(id: number): void;
  /** Waits for news; a later poll ends an earlier one with 409. `gone` is called to say that the client left. */
  poll(request: PollRequest, gone: AbortSignal): Promise<PollAnswer>;
  /** Updates that no offset has confirmed. */
  pending(): readonly Update[];
  close(): void;
}

/** The one poll that waits for news. */
interface Waiter {
  readonly wake: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

/** "Start from a certain positive number": https://core.telegram.org/bots/api#update */
const FIRST_UPDATE_ID = 1_000_001;

/** Runs `expire` after `ms` or when the client has gone; the result cancels both. */
function onceAfter(ms: number, gone: AbortSignal, expire: () => void): () => void {
  const timer = setTimeout(expire, ms);
  gone.addEventListener("abort", expire);
  return () => {
    clearTimeout(timer);
    gone.removeEventListener("abort", expire);
  };
}

export function createUpdates(): UpdateQueue {
  const all: Update[] = [];
  let queue: Update[] = [];
  let again: Update[] = [];
  let waiter: Waiter | undefined;
  const ready = ({ offset, limit, allowed }: PollRequest): Update[] => {
    const wanted = (update: Update) => allowed === undefined || allowed.some((key) => key in update);
    // Naming an offset confirms everything before it; what the bot did not ask for is dropped.
    queue = queue.filter((update) => update.update_id >= offset && wanted(update));
    const updates = [...again, ...queue].slice(0, limit);
    again = [];
    return updates;
  };
  return {
    push(update) {
      const whole: Update = { update_id: FIRST_UPDATE_ID + all.length, ...update };
      all.push(whole);
      queue.push(whole);
      waiter?.wake();
      return whole.update_id;
    },
    repeat(id) {
      const update = all.find((candidate) => candidate.update_id === id);
      if (update === undefined) throw new Error(`no update ${id} was ever delivered`);
      again.push(update);
      waiter?.wake();
    },
    async poll(request, gone) {
      waiter?.refuse({ status: 409, description: CONFLICT });
      const updates = ready(request);
      if (updates.length > 0 || request.timeout === 0) return { updates };
      return new Promise<PollAnswer>((resolve) => {
        const stop = onceAfter(request.timeout * 1_000, gone, () => finish({ updates: [] }));
        const finish = (answer: PollAnswer) => {
          stop();
          if (waiter === own) waiter = undefined;
          resolve(answer);
        };
        const wake = () => {
          const news = ready(request);
          if (news.length > 0) finish({ updates: news });
        };
        const own: Waiter = { wake, refuse: finish };
        waiter = own;
      });
    },
    pending: () => queue,
    close: () => waiter?.refuse({ status: 500, description: "Internal Server Error: restart" }),
  };
}
