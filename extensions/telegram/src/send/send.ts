import type { Message } from "grammy/types";
import type { AccountCtx, Outbound, Part, Receipt, SendMeta } from "openclaw-host-sdk";
import { type BotApi, signalOf } from "../api.ts";
import { classify } from "../failure.ts";
import { type Marked, markedOf } from "../render/entities.ts";
import { addressOf, chatIdOf, peerOf } from "../peer.ts";
import { cannot, toSendError } from "./outcome.ts";
import { type Common, captioned, sendAlbum, sendOne } from "./upload.ts";

/** What sending needs of its surroundings. */
export interface Sender {
  readonly api: BotApi;
  readonly ctx: Pick<AccountCtx<unknown>, "media" | "clock" | "log">;
}

type OutboundOf<T extends Outbound["type"]> = Extract<Outbound, { type: T }>;

/** Performs one part of a delivery; whatever fails is thrown as a `SendError` that says what became of it. */
export async function send(sender: Sender, outbound: Outbound, meta: SendMeta): Promise<Receipt> {
  const repeatable = outbound.type === "edit" || outbound.type === "delete" || outbound.type === "reaction";
  try {
    switch (outbound.type) {
      case "message":
        return await sendMessage(sender, outbound, meta);
      case "edit":
        return await editMessage(sender, outbound, meta);
      case "delete":
        return await deleteMessage(sender, outbound, meta);
      case "reaction":
        return await react(sender, outbound, meta);
      case "thread":
        return await openTopic(sender, outbound, meta);
      case "poll":
        throw cannot("this channel does not send polls; write the options as a list");
    }
  } catch (error) {
    throw toSendError(error, { to: outbound.to, repeatable });
  }
}

/** One part: a text, one file, or an album. */
async function sendMessage(
  sender: Sender,
  outbound: OutboundOf<"message">,
  { part, call }: SendMeta,
): Promise<Receipt> {
  const args = commonArgs(outbound, part);
  const media = part.media ?? [];
  const upload = { api: sender.api, media: sender.ctx.media, signal: call.signal };
  const sent = await withEntities(sender, markedOf(part), async (marked) => {
    const [first] = media;
    if (first === undefined) {
      if (marked.text.trim() === "") throw cannot("the message is empty");
      return [await sender.api.sendMessage({ ...args, ...textArgs(marked) }, signalOf(call.signal))];
    }
    if (media.length === 1) return [await sendOne(upload, first, { ...args, ...captioned(marked) })];
    return sendAlbum(upload, media, { ...args, ...captioned(marked) });
  });
  return receiptOf(sent, outbound, sender);
}

/** Where the part goes and how it is announced. */
function commonArgs(outbound: OutboundOf<"message">, part: Part): Common {
  const replyTo = Number(outbound.replyTo);
  // Only the first part replies, and it is sent even when the message it answers has been deleted meanwhile.
  const replies = outbound.replyTo !== undefined && part.index === 0 && Number.isSafeInteger(replyTo);
  return {
    ...addressOf(outbound.to),
    ...(outbound.silent === true ? { disable_notification: true } : {}),
    ...(replies ? { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } } : {}),
  };
}

/** Empty lists stay out of the call. */
const textArgs = ({ text, entities }: Marked) => ({
  text,
  ...(entities.length === 0 ? {} : { entities: [...entities] }),
});

/** Sends with formatting and, should Telegram not take the formatting, once more as plain text: nothing was posted then. */
async function withEntities<T>({ ctx }: Sender, marked: Marked, run: (marked: Marked) => Promise<T>): Promise<T> {
  try {
    return await run(marked);
  } catch (error) {
    const failure = classify(error);
    const formatting = failure.kind === "answer" && failure.status === 400 && /entit/i.test(failure.description);
    if (!formatting || marked.entities.length === 0) throw error;
    ctx.log.warn("Telegram refused the formatting; sending plain text", { description: failure.description });
    return run({ text: marked.text, entities: [] });
  }
}

/** Replaces a text or a caption; a repeat is no error, so that a lost answer can be tried again. */
async function editMessage(sender: Sender, outbound: OutboundOf<"edit">, { part, call }: SendMeta): Promise<Receipt> {
  if (part.of > 1) throw cannot("the edited text is longer than one Telegram message; send a new message instead");
  const target = { chat_id: chatIdOf(outbound.to), message_id: Number(outbound.messageId) };
  const cut = signalOf(call.signal);
  const { api } = sender;
  try {
    await withEntities(sender, markedOf(part), async (marked) => {
      try {
        await api.editMessageText({ ...target, ...textArgs(marked) }, cut);
      } catch (error) {
        // A message with media has a caption instead of a text.
        if (!isRefusal(error, /no text in the message/i)) throw error;
        await api.editMessageCaption({ ...target, ...captioned(marked) }, cut);
      }
    });
  } catch (error) {
    if (!isRefusal(error, /message is not modified/i)) throw error;
  }
  return { ids: [outbound.messageId], at: sender.ctx.clock.now(), peer: outbound.to };
}

/** Bots delete messages up to 48 h old: https://core.telegram.org/bots/api#deletemessage */
async function deleteMessage(sender: Sender, outbound: OutboundOf<"delete">, { call }: SendMeta): Promise<Receipt> {
  try {
    const target = { chat_id: chatIdOf(outbound.to), message_id: Number(outbound.messageId) };
    await sender.api.deleteMessage(target, signalOf(call.signal));
  } catch (error) {
    // Gone already, perhaps by an earlier attempt: that is what was asked for.
    if (!isRefusal(error, /message to delete not found/i)) throw error;
  }
  return { ids: [outbound.messageId], at: sender.ctx.clock.now(), peer: outbound.to };
}

type Reactions = NonNullable<Parameters<BotApi["setMessageReaction"]>[0]["reaction"]>;

/** Sets the bot's reaction, or takes it back. */
async function react(sender: Sender, outbound: OutboundOf<"reaction">, { call }: SendMeta): Promise<Receipt> {
  // A bot has one reaction per message, so removing is setting none. Telegram itself refuses an emoji it does not offer.
  const reaction = outbound.remove === true ? [] : [{ type: "emoji", emoji: outbound.emoji }];
  await sender.api.setMessageReaction(
    { chat_id: chatIdOf(outbound.to), message_id: Number(outbound.messageId), reaction: reaction as Reactions },
    signalOf(call.signal),
  );
  return { ids: [outbound.messageId], at: sender.ctx.clock.now(), peer: outbound.to };
}

/** Telegram cuts no title itself: https://core.telegram.org/bots/api#createforumtopic */
const TOPIC_TITLE_LIMIT = 128;

/** A forum's topic; the receipt names it as the peer's thread. */
async function openTopic(sender: Sender, outbound: OutboundOf<"thread">, { call }: SendMeta): Promise<Receipt> {
  const topic = await sender.api.createForumTopic(
    { chat_id: chatIdOf(outbound.to), name: outbound.title.toWellFormed().slice(0, TOPIC_TITLE_LIMIT).toWellFormed() },
    signalOf(call.signal),
  );
  const threadId = String(topic.message_thread_id);
  return { ids: [threadId], at: sender.ctx.clock.now(), peer: { ...outbound.to, threadId } };
}

/** True for a bad request whose description matches; Telegram has no finer codes. */
function isRefusal(error: unknown, pattern: RegExp): boolean {
  const failure = classify(error);
  return failure.kind === "answer" && failure.status === 400 && pattern.test(failure.description);
}

/** Ids of what was posted, and the chat as Telegram names it: `@name` becomes its id. */
function receiptOf(messages: readonly Message[], outbound: Outbound, { ctx }: Sender): Receipt {
  const first = messages[0];
  const topic = first?.is_topic_message === true ? first.message_thread_id : undefined;
  return {
    ids: messages.map((message) => String(message.message_id)),
    at: first === undefined ? ctx.clock.now() : first.date * 1_000,
    peer: first === undefined ? outbound.to : peerOf(first.chat, topic),
  };
}
