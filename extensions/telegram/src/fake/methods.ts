import type { Message, MessageEntity } from "grammy/types";
import { type FakeCall, type UploadedFile, entitiesArg, fileArg, numberArg, textArg } from "./call.ts";
import { type World, faultOfText } from "./chats.ts";
import type { Refusal } from "./faults.ts";
import type { FileShelf } from "./files.ts";

/** The state all methods work on. */
export interface Platform {
  readonly world: World;
  readonly files: FileShelf;
  webhook: string;
}

/** Returns what goes into `result`, or throws `Refused`. */
type Method = (platform: Platform, call: FakeCall) => unknown;

/** Thrown by a method that refuses, with what Telegram would answer. */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.description);
    this.refusal = refusal;
  }
}

const refuse = (description: string): Refused =>
  new Refused({ status: 400, description: `Bad Request: ${description}` });

/** https://core.telegram.org/bots/api#sendmessage, #sendphoto and #sendmediagroup */
const TEXT_LIMIT = 4_096;
const CAPTION_LIMIT = 1_024;
const ALBUM = { min: 2, max: 10 };

/** The methods the fake knows besides `getUpdates`; any other is answered 404, as by Telegram. */
export const METHODS: Readonly<Record<string, Method>> = {
  getMe: ({ world }) => ({ ...world.bot, can_join_groups: true, can_read_all_group_messages: true }),
  getWebhookInfo: (platform) => ({ url: platform.webhook, has_custom_certificate: false, pending_update_count: 0 }),
  setWebhook: (platform, call) => {
    platform.webhook = textArg(call, "url");
    return true;
  },
  deleteWebhook: (platform) => {
    platform.webhook = "";
    return true;
  },
  getFile: ({ files }, call) => files.describe(textArg(call, "file_id")),
  sendMessage,
  sendPhoto: (platform, call) => sendFile(platform, call, "photo"),
  sendAnimation: (platform, call) => sendFile(platform, call, "animation"),
  sendVideo: (platform, call) => sendFile(platform, call, "video"),
  sendVoice: (platform, call) => sendFile(platform, call, "voice"),
  sendAudio: (platform, call) => sendFile(platform, call, "audio"),
  sendDocument: (platform, call) => sendFile(platform, call, "document"),
  sendSticker: (platform, call) => sendFile(platform, call, "sticker"),
  sendMediaGroup,
  sendChatAction: () => true,
  editMessageText: (platform, call) => edit(platform, call, "text"),
  editMessageCaption: (platform, call) => edit(platform, call, "caption"),
  deleteMessage: ({ world }, call) => {
    if (world.remove(numberArg(call, "chat_id"), numberArg(call, "message_id"))) return true;
    throw refuse("message to delete not found");
  },
  setMessageReaction: ({ world }, call) => {
    if (world.find(numberArg(call, "chat_id"), numberArg(call, "message_id")) !== undefined) return true;
    throw refuse("message to react not found");
  },
  createForumTopic: ({ world }, call) => ({
    message_thread_id: world.nextMessageId(),
    name: textArg(call, "name"),
    icon_color: 7_322_096,
  }),
};

/** Refuses what Telegram would not post. */
function checkText(text: string, entities: readonly MessageEntity[], limit: number): void {
  const fault = faultOfText(text, entities, limit);
  if (fault !== undefined) throw new Refused(fault);
}

/** A new message of the bot in the chat the call names, with what it carries. */
function post({ world }: Platform, call: FakeCall, content: object): Message {
  const chatId = Number(call.args["chat_id"]);
  if (!Number.isSafeInteger(chatId)) throw refuse("chat not found");
  const topic = call.args["message_thread_id"];
  const message = {
    message_id: world.nextMessageId(),
    date: Math.floor(Date.now() / 1_000),
    chat: world.chat(chatId),
    from: world.bot,
    ...(topic === undefined ? {} : { message_thread_id: Number(topic), is_topic_message: true }),
    ...replied(world, call),
    ...content,
  } as Message;
  world.store(message);
  return message;
}

/** The message replied to, or Telegram's refusal when it is gone and the bot insists. */
function replied(world: World, call: FakeCall): object {
  const reply = call.args["reply_parameters"] as
    | { message_id: number; allow_sending_without_reply?: boolean }
    | undefined;
  if (reply === undefined) return {};
  const original = world.find(numberArg(call, "chat_id"), reply.message_id);
  if (original === undefined && reply.allow_sending_without_reply !== true) {
    throw refuse("message to be replied not found");
  }
  return original === undefined ? {} : { reply_to_message: original };
}

function sendMessage(platform: Platform, call: FakeCall): Message {
  const text = textArg(call, "text");
  const entities = entitiesArg(call.args["entities"]);
  if (text.trim() === "") throw refuse("message text is empty");
  checkText(text, entities, TEXT_LIMIT);
  return post(platform, call, { text, ...(entities.length === 0 ? {} : { entities }) });
}

/** Caption fields of a call or of an album item. */
function captionOf(source: Readonly<Record<string, unknown>>): object {
  const caption = typeof source["caption"] === "string" ? source["caption"] : "";
  const entities = entitiesArg(source["caption_entities"]);
  checkText(caption, entities, CAPTION_LIMIT);
  return caption === "" ? {} : { caption, ...(entities.length === 0 ? {} : { caption_entities: entities }) };
}

/** The media fields of a message; a photo comes in sizes, everything else is one file. */
function mediaField(platform: Platform, kind: string, file: UploadedFile): object {
  const stored = platform.files.add(file.bytes, { name: file.name });
  const described = { file_id: stored, file_unique_id: stored, file_size: file.bytes.length, file_name: file.name };
  return { [kind]: kind === "photo" ? [{ ...described, width: 1, height: 1 }] : described };
}

function sendFile(platform: Platform, call: FakeCall, kind: string): Message {
  const file = fileArg(call, call.args[kind]);
  if (file === undefined) throw refuse(`there is no ${kind} in the request`);
  return post(platform, call, { ...captionOf(call.args), ...mediaField(platform, kind, file) });
}

function sendMediaGroup(platform: Platform, call: FakeCall): Message[] {
  const items = (call.args["media"] ?? []) as readonly Record<string, unknown>[];
  if (items.length < ALBUM.min || items.length > ALBUM.max) throw refuse("an album has 2 to 10 items");
  const group = `album-${platform.world.nextMessageId()}`;
  return items.map((item) => {
    const file = fileArg(call, item["media"]);
    if (file === undefined) throw refuse("an album item has no file");
    const media = mediaField(platform, String(item["type"]), file);
    return post(platform, call, { media_group_id: group, ...captionOf(item), ...media });
  });
}

/** Changes a text or caption the way Telegram does, with its three ways of refusing. */
function edit({ world }: Platform, call: FakeCall, field: "text" | "caption"): Message {
  const message = world.find(numberArg(call, "chat_id"), numberArg(call, "message_id"));
  if (message === undefined) throw refuse("message to edit not found");
  const hasText = message.text !== undefined;
  if (field === "text" && !hasText) throw refuse("there is no text in the message to edit");
  const text = textArg(call, field);
  const marks = field === "text" ? "entities" : "caption_entities";
  const entities = entitiesArg(call.args[marks]);
  checkText(text, entities, field === "text" ? TEXT_LIMIT : CAPTION_LIMIT);
  const same = message[field] === text && JSON.stringify(message[marks] ?? []) === JSON.stringify(entities);
  if (same) throw refuse("message is not modified");
  const edited = { ...message, [field]: text, [marks]: entities, edit_date: Math.floor(Date.now() / 1_000) } as Message;
  world.store(edited);
  return edited;
}
