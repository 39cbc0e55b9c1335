import type { MediaRef } from "openclaw-host-sdk";

/** Limits of https://core.telegram.org/bots/api#sendphoto and #sendmediagroup. */
const MAX_PHOTO_BYTES = 10_000_000;
const MAX_ALBUM_ITEMS = 10;

/** The Bot API's ways to send a file. */
export type UploadAs = "photo" | "animation" | "video" | "voice" | "audio" | "document" | "sticker";

/** How a file is best sent; whatever Telegram would not show as its kind goes as a document, unchanged. */
export function uploadAs({ kind, mime, bytes }: MediaRef): UploadAs {
  switch (kind) {
    case "image":
      if (mime === "image/gif") return "animation";
      return /^image\/(?:jpeg|png|webp)$/.test(mime) && bytes <= MAX_PHOTO_BYTES ? "photo" : "document";
    case "video":
    case "sticker":
      return kind;
    case "voice":
      return /ogg|opus/.test(mime) ? "voice" : "audio";
    case "audio":
      return /mpeg|mp3|mp4|m4a|aac/.test(mime) ? "audio" : "document";
    case "file":
      return "document";
  }
}

/** Files that may share an album: photos with videos, music with music, documents with documents; the rest go alone. */
function familyOf(media: MediaRef): "visual" | "audio" | "document" | undefined {
  const kind = uploadAs(media);
  if (kind === "photo" || kind === "video") return "visual";
  return kind === "audio" || kind === "document" ? kind : undefined;
}

/** Groups files into single sends and albums of at most ten, in their order. */
export function albumsOf(media: readonly MediaRef[]): MediaRef[][] {
  const albums: MediaRef[][] = [];
  for (const item of media) {
    const family = familyOf(item);
    const last = albums.at(-1);
    const [sample] = last ?? [];
    const joins = sample !== undefined && family !== undefined && family === familyOf(sample);
    if (last !== undefined && joins && last.length < MAX_ALBUM_ITEMS) last.push(item);
    else albums.push([item]);
  }
  return albums;
}

/** Every kind of message but a sticker has room for a caption. */
export const takesCaption = (album: readonly MediaRef[]): boolean =>
  album[0] !== undefined && album[0].kind !== "sticker";
