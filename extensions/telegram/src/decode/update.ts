import type { Message, MessageReactionUpdated, ReactionType, Update } from "grammy/types";
import type { Actor, Body, Inbound } from "openclaw-host-sdk";
import { actorOfChat, actorOfUser, peerOf } from "../peer.ts";
import { mediaIn } from "./media.ts";
import { commandIn, isForMe, mentionsIn, replyIn, textOf } from "./text.ts";

/**
 * What the bot asks for. Reactions are sent only when asked for by name
 * (https://core.telegram.org/bots/api#getting-updates).
 */
export const ALLOWED_UPDATES: readonly AskedFor[] = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "message_reaction",
];

type AskedFor = Exclude<keyof Update, "update_id">;

/**
 * What one update means to the host: usually one event, several for a changed set of reactions, none for service
 * messages and everything that was not asked for. The event id is the update id.
 */
export function decodeUpdate(update: Update, self: Actor): Inbound[] {
  const eventId = String(update.update_id);
  const message = update.message ?? update.channel_post;
  if (message !== undefined) return decodeMessage(eventId, message, self);
  const edited = update.edited_message ?? update.edited_channel_post;
  if (edited !== undefined) return decodeEdit(eventId, edited, self);
  if (update.message_reaction !== undefined) return decodeReactions(eventId, update.message_reaction);
  return [];
}

/** What a message, an edit and a move have in common. */
function headOf(eventId: string, message: Message, self: Actor) {
  const from = senderOf(message);
  const topic = message.is_topic_message === true ? message.message_thread_id : undefined;
  return {
    eventId,
    at: (message.edit_date ?? message.date) * 1_000,
    peer: peerOf(message.chat, topic),
    from,
    ...(from.id === self.id ? { self: true } : {}),
  };
}

/** `sender_chat` comes first: Telegram then fills `from` with a placeholder. */
function senderOf(message: Message): Actor {
  if (message.sender_chat !== undefined) return actorOfChat(message.sender_chat);
  if (message.from !== undefined) return actorOfUser(message.from);
  return actorOfChat(message.chat);
}

/** A new message, or the note that its group has a new id. */
function decodeMessage(eventId: string, message: Message, self: Actor): Inbound[] {
  const head = headOf(eventId, message, self);
  if (message.migrate_to_chat_id !== undefined) {
    return [{ ...head, type: "peerMoved", to: { ...head.peer, id: String(message.migrate_to_chat_id) } }];
  }
  const body = bodyOf(message);
  if (body === undefined) return [];
  const marked = textOf(message);
  const command = commandIn(marked, self);
  const replyTo = replyIn(message)?.message_id;
  return [
    {
      ...head,
      type: "message",
      messageId: String(message.message_id),
      body,
      ...(replyTo === undefined ? {} : { replyTo: String(replyTo) }),
      ...(isForMe(message, marked, self) ? { mentionedMe: true } : {}),
      ...(command === undefined ? {} : { command: { name: command.name, args: command.args } }),
    },
  ];
}

/** Edits keep the message id; the event has its own. */
function decodeEdit(eventId: string, message: Message, self: Actor): Inbound[] {
  const body = bodyOf(message);
  // A live location "edits" its message every few seconds.
  if (body === undefined || message.location !== undefined) return [];
  return [{ ...headOf(eventId, message, self), type: "edit", messageId: String(message.message_id), body }];
}

/** Undefined for service messages, which say nothing. */
function bodyOf(message: Message): Body | undefined {
  const marked = textOf(message);
  const media = mediaIn(message);
  const mentions = mentionsIn(marked);
  if (marked.text === "" && media.length === 0) return undefined;
  return {
    ...(marked.text === "" ? {} : { text: marked.text, format: "plain" }),
    ...(media.length === 0 ? {} : { media }),
    ...(message.media_group_id === undefined ? {} : { group: message.media_group_id }),
    ...(mentions.length === 0 ? {} : { mentions }),
  };
}

/** Telegram sends the sets before and after; the host wants each change. */
function decodeReactions(eventId: string, change: MessageReactionUpdated): Inbound[] {
  const from = change.user === undefined ? actorOfChat(change.actor_chat ?? change.chat) : actorOfUser(change.user);
  const before = change.old_reaction.map(emojiOf);
  const after = change.new_reaction.map(emojiOf);
  const changes = [
    ...before.filter((emoji) => !after.includes(emoji)).map((emoji) => ({ emoji, removed: true })),
    ...after.filter((emoji) => !before.includes(emoji)).map((emoji) => ({ emoji })),
  ];
  return changes.map((reaction, index) => ({
    // One update may carry several changes, and each event needs an id of its own.
    eventId: index === 0 ? eventId : `${eventId}:${index}`,
    at: change.date * 1_000,
    peer: peerOf(change.chat),
    from,
    type: "reaction",
    messageId: String(change.message_id),
    ...reaction,
  }));
}

/** Custom emoji have no character: they are named by id. */
function emojiOf(reaction: ReactionType): string {
  switch (reaction.type) {
    case "emoji":
      return reaction.emoji;
    case "custom_emoji":
      return `custom:${reaction.custom_emoji_id}`;
    case "paid":
      return "⭐";
  }
}
