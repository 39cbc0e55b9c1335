import { InputFile } from "grammy";
import type { InputMedia, Message } from "grammy/types";
import { type AccountCtx, type MediaRef, SendError } from "openclaw-host-sdk";
import { type BotApi, signalOf } from "../api.ts";
import type { Marked } from "../render/entities.ts";
import { type UploadAs, uploadAs } from "../render/albums.ts";

/** Arguments every send call shares. */
export interface Common {
  readonly chat_id: number | string;
  readonly message_thread_id?: number;
  readonly disable_notification?: boolean;
  readonly reply_parameters?: { readonly message_id: number; readonly allow_sending_without_reply: true };
}

/** What an upload needs besides the call's arguments. */
export interface Upload {
  readonly api: BotApi;
  readonly media: AccountCtx<unknown>["media"];
  readonly signal: AbortSignal;
}

/** Sends one file under the caption. */
export async function sendOne(
  { api, media, signal }: Upload,
  ref: MediaRef,
  args: Common & Captioned,
): Promise<Message> {
  const file = await inputFile(media, ref);
  const cut = signalOf(signal);
  switch (uploadAs(ref)) {
    case "photo":
      return api.sendPhoto({ ...args, photo: file }, cut);
    case "animation":
      return api.sendAnimation({ ...args, animation: file }, cut);
    case "video":
      return api.sendVideo({ ...args, video: file }, cut);
    case "voice":
      return api.sendVoice({ ...args, voice: file }, cut);
    case "audio":
      return api.sendAudio({ ...args, audio: file }, cut);
    case "document":
      return api.sendDocument({ ...args, document: file }, cut);
    case "sticker": {
      // A sticker has no caption: `render` puts its text into a message of its own.
      const { caption: _text, caption_entities: _entities, ...rest } = args;
      return api.sendSticker({ ...rest, sticker: file }, cut);
    }
  }
}

/** Sends an album; the caption stands under its first item, where Telegram shows it for the whole album. */
export async function sendAlbum(
  { api, media, signal }: Upload,
  refs: readonly MediaRef[],
  { caption, caption_entities, ...args }: Common & Captioned,
): Promise<Message[]> {
  const items = await Promise.all(
    refs.map(async (ref, index): Promise<AlbumItem> => {
      const text = index === 0 ? captioned({ text: caption ?? "", entities: caption_entities ?? [] }) : {};
      return { type: albumType(uploadAs(ref)), media: await inputFile(media, ref), ...text };
    }),
  );
  // The items are of one family, which the types of grammY want to see spelled out.
  return api.sendMediaGroup({ ...args, media: items as Album }, signalOf(signal));
}

type Album = Parameters<BotApi["sendMediaGroup"]>[0]["media"];
type AlbumItem = Extract<InputMedia, { type: "photo" | "video" | "audio" | "document" }>;

/** `render` puts only files into one part that Telegram takes as one album. */
function albumType(kind: UploadAs): AlbumItem["type"] {
  return kind === "photo" || kind === "video" || kind === "audio" ? kind : "document";
}

/** A caption as the calls take it. */
export interface Captioned {
  readonly caption?: string;
  readonly caption_entities?: Marked["entities"][number][];
}

/** No caption at all for an empty text. */
export const captioned = ({ text, entities }: Marked): Captioned =>
  text === "" ? {} : { caption: text, ...(entities.length === 0 ? {} : { caption_entities: [...entities] }) };

/** Characters that would end or break a quoted file name in the multipart header. */
const UNSAFE_IN_HEADER = /[\p{Cc}";\\/]/gu;

/** Bytes are streamed from the host's store into the request, never held in memory. */
async function inputFile(media: Upload["media"], ref: MediaRef): Promise<InputFile> {
  try {
    // grammY writes the name into the multipart header as it is; unquoted it would end at the first space.
    return new InputFile(await media.open(ref), `"${fileName(ref)}"`);
  } catch (error) {
    throw new SendError(`the attachment cannot be read: ${String(error)}`, { fate: "not-sent", scope: "message" });
  }
}

/** The sender's own name for the file, or one made of kind and type. */
function fileName(ref: MediaRef): string {
  const name = ref.name?.replaceAll(UNSAFE_IN_HEADER, "_").trim().slice(0, 120);
  if (name !== undefined && name !== "") return name;
  const extension = /^[a-z]+\/(?:x-)?([a-z0-9]+)/.exec(ref.mime)?.[1] ?? "bin";
  return `${ref.kind}.${extension === "octet" ? "bin" : extension}`;
}
