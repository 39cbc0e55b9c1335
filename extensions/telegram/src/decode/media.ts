import type { Message } from "grammy/types";
import type { MediaKind, PendingMedia } from "openclaw-host-sdk";
import { clipName } from "../peer.ts";

/** What `PendingMedia.pending` holds, as JSON: enough to fetch the file and to say what it is. */
export interface PendingFile {
  readonly fileId: string;
  readonly kind: MediaKind;
  readonly mime?: string;
  readonly name?: string;
}

/** As found in a message, with the size Telegram tells. */
interface Found extends PendingFile {
  readonly bytes?: number;
}

/** The fields all of Telegram's file objects share: https://core.telegram.org/bots/api#available-types */
interface TelegramFile {
  readonly file_id: string;
  readonly file_size?: number;
  readonly mime_type?: string;
  readonly file_name?: string;
}

/** The media of a message, not fetched yet; Telegram puts at most one into a message. */
export function mediaIn(message: Message): PendingMedia[] {
  const found = find(message);
  if (found === undefined) return [];
  const { bytes, ...file } = found;
  const { fileId: _fileId, ...known } = file;
  return [{ pending: JSON.stringify(file), ...known, ...(bytes === undefined ? {} : { bytes }) }];
}

/**
 * The inverse of what `mediaIn` writes.
 *
 * @throws SyntaxError when the text was not written by `mediaIn`.
 */
export const parsePending = (pending: string): PendingFile => JSON.parse(pending) as PendingFile;

/** The order decides: some kinds fill a second field for the sake of old clients. */
function find(message: Message): Found | undefined {
  const { photo, voice, audio, animation, video, video_note: note, document, sticker } = message;
  // A photo comes in several sizes, smallest first.
  const largest = photo?.at(-1);
  if (largest !== undefined) return fileOf("image", largest, "image/jpeg");
  if (voice !== undefined) return fileOf("voice", voice, "audio/ogg");
  if (audio !== undefined) return fileOf("audio", audio, "audio/mpeg");
  // An animation also fills `document`, so it is asked for first.
  const clip = animation ?? video ?? note;
  if (clip !== undefined) return fileOf("video", clip, "video/mp4");
  if (document !== undefined) return fileOf("file", document, "application/octet-stream");
  if (sticker !== undefined) {
    return fileOf(
      "sticker",
      sticker,
      sticker.is_animated ? "application/x-tgsticker" : sticker.is_video ? "video/webm" : "image/webp",
    );
  }
  return undefined;
}

/** Senders choose the type freely; no registered one is longer (RFC 6838 section 4.2). */
const clipMime = (mime: string): string => mime.slice(0, 255);

const fileOf = (kind: MediaKind, file: TelegramFile, usualMime: string): Found => ({
  fileId: file.file_id,
  kind,
  mime: clipMime(file.mime_type ?? usualMime),
  ...(file.file_name === undefined ? {} : { name: clipName(file.file_name) }),
  ...(file.file_size === undefined ? {} : { bytes: file.file_size }),
});
