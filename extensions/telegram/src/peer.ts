import type { Chat, User } from "grammy/types";
import type { Actor, Peer } from "openclaw-host-sdk";

/** Longer than any name Telegram takes, UTF-16 code units; the host refuses events with endless labels. */
const MAX_NAME = 256;

export const clipName = (name: string): string => name.slice(0, MAX_NAME).toWellFormed();

/** Name as Telegram shows it. Servers other than Telegram's leave names out, which is no reason to lose a message. */
function nameOf({ first_name: first, last_name: last, title }: Named): string | undefined {
  const name = title ?? [first, last].filter((part) => part !== undefined).join(" ");
  return name === "" ? undefined : clipName(name);
}

/** The fields of people, groups and channels that make up a name. */
interface Named {
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly title?: string | undefined;
}

/** A chat as the host addresses it. `peer.id` is the chat id; a topic becomes `threadId`. */
export function peerOf(chat: Chat, topic?: number): Peer {
  const label = nameOf(chat);
  return {
    kind: chat.type === "private" ? "dm" : chat.type === "channel" ? "channel" : "group",
    id: String(chat.id),
    ...(topic === undefined ? {} : { threadId: String(topic) }),
    ...(label === undefined ? {} : { label }),
  };
}

/** A person or bot; the id is for ever, the handle is not. */
export function actorOfUser(user: User): Actor {
  const name = nameOf(user);
  return {
    id: String(user.id),
    ...(name === undefined ? {} : { name }),
    ...(user.username === undefined ? {} : { handle: user.username }),
    ...(user.is_bot ? { bot: true } : {}),
  };
}

/** Anonymous administrators and linked channels write as a chat; its id is negative, so it never equals a user's. */
export function actorOfChat(chat: Chat): Actor {
  const name = nameOf(chat);
  return {
    id: String(chat.id),
    ...(name === undefined ? {} : { name }),
    ...(chat.username === undefined ? {} : { handle: chat.username }),
  };
}

/** `chat_id` of a call: a number, or `@name` for public channels and groups. */
export function chatIdOf(peer: Peer): number | string {
  const id = Number(peer.id);
  return Number.isSafeInteger(id) ? id : peer.id;
}

/** The General topic of a forum has id 1 but must not be named: https://core.telegram.org/api/forum#forum-topics */
const GENERAL_TOPIC = 1;

/** Where a call goes, ready to be spread into its arguments. */
export function addressOf(peer: Peer): { chat_id: number | string; message_thread_id?: number } {
  const topic = Number(peer.threadId ?? GENERAL_TOPIC);
  return {
    chat_id: chatIdOf(peer),
    ...(topic === GENERAL_TOPIC || !Number.isSafeInteger(topic) ? {} : { message_thread_id: topic }),
  };
}
