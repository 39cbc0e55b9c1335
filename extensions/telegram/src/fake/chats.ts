import type { Chat, Message, MessageEntity, User } from "grammy/types";
import type { Refusal } from "./faults.ts";

/** What the fake remembers of the world: chats it has seen and messages in them. */
export interface World {
  readonly bot: User;
  chat(id: number): Chat;
  remember(chat: Chat): void;
  nextMessageId(): number;
  find(chatId: number, messageId: number): Message | undefined;
  store(message: Message): void;
  remove(chatId: number, messageId: number): boolean;
  /** Every message as it reads now, in order of posting. */
  messages(): readonly Message[];
}

/** An empty world in which only the bot exists. */
export function createWorld(bot: User): World {
  const chats = new Map<number, Chat>();
  const messages = new Map<string, Message>();
  const keyOf = (chatId: number, messageId: number) => `${chatId}/${messageId}`;
  let lastMessageId = 0;
  return {
    bot,
    // A chat nobody has spoken in yet is what its id says: people have positive ids.
    chat: (id) =>
      chats.get(id) ??
      (id > 0 ? { id, type: "private", first_name: `User ${id}` } : { id, type: "supergroup", title: `Group ${id}` }),
    remember: (chat) => void chats.set(chat.id, chat),
    nextMessageId: () => (lastMessageId += 1),
    find: (chatId, messageId) => messages.get(keyOf(chatId, messageId)),
    store: (message) => void messages.set(keyOf(message.chat.id, message.message_id), message),
    remove: (chatId, messageId) => messages.delete(keyOf(chatId, messageId)),
    // An edited message keeps its place in the map.
    messages: () => [...messages.values()],
  };
}

/** Telegram prefixes every 400 so. */
const badRequest = (description: string): Refusal => ({ status: 400, description: `Bad Request: ${description}` });

/** What Telegram would refuse about a text: https://core.telegram.org/bots/api#sendmessage and #formatting-options */
export function faultOfText(text: string, entities: readonly MessageEntity[], limit: number): Refusal | undefined {
  if (!text.isWellFormed()) return badRequest("strings must be encoded in UTF-8");
  if (text.length > limit) return badRequest(limit < 4_096 ? "message caption is too long" : "message is too long");
  const outside = entities.find(({ offset, length }) => offset < 0 || length <= 0 || offset + length > text.length);
  if (outside !== undefined) return badRequest(`can't parse entities: ${outside.type} lies outside the text`);
  for (const [index, first] of entities.entries()) {
    for (const second of entities.slice(index + 1)) {
      const problem = clash(first, second);
      if (problem !== undefined) return badRequest(`can't parse entities: ${problem}`);
    }
  }
  return undefined;
}

/** Why two entities cannot stand together: they cross, nest in themselves, or share the characters of code. */
function clash(first: MessageEntity, second: MessageEntity): string | undefined {
  const [outer, inner] =
    first.offset < second.offset || (first.offset === second.offset && first.length >= second.length)
      ? [first, second]
      : [second, first];
  const outerEnd = outer.offset + outer.length;
  if (inner.offset >= outerEnd) return undefined;
  const pair = `${outer.type} and ${inner.type}`;
  if (inner.offset + inner.length > outerEnd) return `${pair} overlap`;
  if (outer.type === inner.type) return `${pair} are nested`;
  const code = [outer, inner].some(({ type }) => type === "code" || type === "pre");
  return code && outer.type !== "blockquote" ? `${pair} share characters` : undefined;
}
