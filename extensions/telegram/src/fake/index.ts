import type { Chat, Message, Update, User } from "grammy/types";
import type { FakeCall } from "./call.ts";
import { createWorld } from "./chats.ts";
import { type FaultKind, type FaultOptions, createFaults } from "./faults.ts";
import { type FileShelf, createFiles } from "./files.ts";
import { type Platform, Refused } from "./methods.ts";
import { serve } from "./server.ts";
import { createUpdates } from "./updates.ts";

export type { FakeCall, UploadedFile } from "./call.ts";
export type { FaultKind, FaultOptions } from "./faults.ts";

/** An update without its id; messages in it may lack `message_id`, `date`, `chat` and `from`. */
export type NewUpdate = Readonly<Record<string, object>>;

/** What a person says; by default Ann, in private. Further fields of the message go into `message`. */
export interface Saying {
  readonly from?: User;
  readonly chat?: Chat;
  readonly message?: Partial<Message>;
}

/** A Telegram Bot API server on loopback, for tests: real long polling, real uploads, faults on demand. */
export interface FakeTelegram {
  /** For `channels.telegram.apiRoot`. */
  readonly url: string;
  readonly token: string;
  readonly bot: User;
  readonly files: FileShelf;
  /** Queues any update and returns its id. */
  deliver(update: NewUpdate): number;
  /** Queues a text message (without text for ""; then `message` holds the media) and returns its ids. */
  say(text: string, saying?: Saying): { updateId: number; messageId: number };
  /** Sends an update again, as Telegram does when it was not confirmed. */
  redeliver(updateId: number): void;
  /** Scripts a fault; the result takes it back. */
  fail(kind: FaultKind, options?: FaultOptions): () => void;
  /** Everything the bot did: calls that took effect, without polls and questions. */
  sent(method?: string): FakeCall[];
  /** The bot's messages as the chats show them now, edited and without the deleted ones, in order of posting. */
  posted(): readonly Message[];
  /** Every request, in order. */
  calls(method?: string): FakeCall[];
  /** The first thing the bot did, now or later, that the predicate accepts. */
  waitFor(predicate: (call: FakeCall) => boolean, timeoutMs?: number): Promise<FakeCall>;
  /** Updates the bot has not confirmed. */
  pending(): readonly Update[];
  setWebhook(url: string): void;
  close(): Promise<void>;
}

/** The person who speaks unless a test says otherwise. */
export const ann: User = { id: 100_000_001, is_bot: false, first_name: "Ann", username: "ann" };

const BOT: User = { id: 4_242, is_bot: true, first_name: "Fake Bot", username: "fake_bot" };
const DEFAULT_WAIT_MS = 5_000;

/** Starts a server on a free port. The caller closes it. A token begins with the id of its bot, as Telegram's do. */
export async function startFakeTelegram(options: { token?: string } = {}): Promise<FakeTelegram> {
  const token = options.token ?? `${BOT.id}:fake-telegram-token-for-tests-only`;
  const id = Number.parseInt(token, 10);
  const bot: User = Number.isNaN(id) ? BOT : { ...BOT, id };
  const world = createWorld(bot);
  const files = createFiles(() => new Refused({ status: 400, description: "Bad Request: invalid file_id" }));
  const platform: Platform = { world, files, webhook: "" };
  const [updates, faults] = [createUpdates(), createFaults()];
  const journal = createJournal();
  const parts = { token, platform, updates, faults, onCall: journal.add, onApplied: journal.changed };
  const { server, url } = await serve(parts);
  const deliver = (update: NewUpdate) => {
    const whole = Object.entries(update).map(([key, content]) => [key, fill(platform, key, content)]);
    return updates.push(Object.fromEntries(whole) as Omit<Update, "update_id">);
  };
  return {
    url,
    token,
    bot,
    files,
    deliver,
    say(text, { from = ann, chat, message = {} } = {}) {
      const messageId = world.nextMessageId();
      const base = {
        message_id: messageId,
        from,
        ...(chat === undefined ? {} : { chat }),
        ...(text === "" ? {} : { text }),
      };
      return { updateId: deliver({ message: { ...base, ...message } }), messageId };
    },
    redeliver: (id) => updates.repeat(id),
    fail: (kind, fault = {}) => faults.add({ kind, ...fault }),
    sent: (method) => journal.list(method).filter(isDeed),
    posted: () => world.messages().filter((message) => message.from?.id === bot.id),
    calls: (method) => journal.list(method),
    waitFor: (predicate, timeoutMs = DEFAULT_WAIT_MS) =>
      journal.waitFor((call) => isDeed(call) && predicate(call), timeoutMs),
    pending: () => updates.pending(),
    setWebhook: (webhook) => {
      platform.webhook = webhook;
    },
    async close() {
      updates.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Fills in what every message has, and remembers the message so that the bot can answer, edit or react to it. */
function fill({ world }: Platform, key: string, content: object): object {
  if (!/message$|post$/.test(key)) return content;
  const from = "from" in content ? (content.from as User) : ann;
  const message = {
    message_id: "message_id" in content ? content.message_id : world.nextMessageId(),
    date: Math.floor(Date.now() / 1_000),
    chat: { id: from.id, type: "private", first_name: from.first_name },
    ...(key.endsWith("post") ? {} : { from }),
    ...content,
  } as Message;
  world.remember(message.chat);
  world.store(message);
  return message;
}

/** True for calls that change something; polls and questions do not. */
const isDeed = (call: FakeCall): boolean => call.applied && !call.method.startsWith("get");

/** The calls so far, and those who wait for one. */
function createJournal() {
  const calls: FakeCall[] = [];
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of watchers) watcher();
  };
  return {
    add: (call: FakeCall) => void calls.push(call),
    changed,
    list: (method?: string) => calls.filter((call) => method === undefined || call.method === method),
    waitFor: (predicate: (call: FakeCall) => boolean, timeoutMs: number) =>
      new Promise<FakeCall>((resolve, reject) => {
        const look = () => {
          const found = calls.find(predicate);
          if (found !== undefined) settle(() => resolve(found));
        };
        const settle = (then: () => void) => {
          clearTimeout(timer);
          watchers.delete(look);
          then();
        };
        const seen = () => calls.map((call) => call.method).join(", ");
        const late = () => reject(new Error(`the bot did not do that within ${timeoutMs} ms; it called: ${seen()}`));
        const timer = setTimeout(() => settle(late), timeoutMs);
        watchers.add(look);
        look();
      }),
  };
}
