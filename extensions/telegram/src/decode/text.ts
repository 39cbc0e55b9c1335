import type { Message, MessageEntity } from "grammy/types";
import type { Actor } from "openclaw-host-sdk";

/** Text or caption of a message with the entities that belong to it; offsets are UTF-16, as JavaScript's own. */
export interface MarkedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** A message has a text or, with media, a caption; never both. */
export function textOf(message: Message): MarkedText {
  return {
    text: message.text ?? message.caption ?? aside(message) ?? "",
    entities: message.entities ?? message.caption_entities ?? [],
  };
}

/** Contents that have no text of their own, said in words, so that the agent is not handed an empty message. */
function aside(message: Message): string | undefined {
  const { venue, location, contact, poll, dice, sticker } = message;
  if (venue !== undefined) {
    return `${venue.title}, ${venue.address} (${venue.location.latitude}, ${venue.location.longitude})`;
  }
  if (location !== undefined) return `${location.latitude}, ${location.longitude}`;
  if (contact !== undefined)
    return [contact.first_name, contact.last_name, contact.phone_number].filter(Boolean).join(" ");
  if (poll !== undefined) return [poll.question, ...poll.options.map((option) => `- ${option.text}`)].join("\n");
  if (dice !== undefined) return `${dice.emoji} ${dice.value}`;
  return sticker?.emoji;
}

/** The characters an entity covers. */
const slice = (marked: MarkedText, entity: MessageEntity): string =>
  marked.text.slice(entity.offset, entity.offset + entity.length);

/** Who is named in the text: handles without `@`, and ids of people without a handle. */
export function mentionsIn(marked: MarkedText): string[] {
  const mentions = marked.entities.flatMap((entity) => {
    if (entity.type === "mention") return [slice(marked, entity).replace(/^@/, "")];
    if (entity.type === "text_mention") return [String(entity.user.id)];
    return [];
  });
  return [...new Set(mentions)];
}

/** A slash command; `args` is everything behind it. */
export interface Command {
  readonly name: string;
  readonly args: string;
  /** True when written `/name@this_bot`. */
  readonly addressed: boolean;
}

/** A command at the very start of the text, unless it is addressed to another bot (`/name@other_bot`). */
export function commandIn(marked: MarkedText, self: Actor): Command | undefined {
  const entity = marked.entities.find((candidate) => candidate.type === "bot_command" && candidate.offset === 0);
  if (entity === undefined) return undefined;
  const [name = "", bot] = slice(marked, entity).replace(/^\//, "").split("@");
  if (bot !== undefined && !sameHandle(bot, self)) return undefined;
  return { name: name.toLowerCase(), args: marked.text.slice(entity.length).trim(), addressed: bot !== undefined };
}

/** Telegram's user names ignore case. */
const sameHandle = (handle: string, self: Actor): boolean => handle.toLowerCase() === self.handle?.toLowerCase();

/** True when the message is meant for the bot: by handle, by id, by `/command@bot`, or as a reply to the bot. */
export function isForMe(message: Message, marked: MarkedText, self: Actor): boolean {
  if (replyIn(message)?.from?.id === Number(self.id)) return true;
  if (commandIn(marked, self)?.addressed === true) return true;
  return mentionsIn(marked).some((mention) => mention === self.id || sameHandle(mention, self));
}

/** In a topic every message "replies" to the service message that opened the topic; that is not a reply. */
export function replyIn(message: Message): Message["reply_to_message"] {
  const reply = message.reply_to_message;
  return reply?.forum_topic_created === undefined ? reply : undefined;
}
