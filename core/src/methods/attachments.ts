import type { MediaRef } from "openclaw-host-sdk";
import type { Logger } from "../base/log.ts";
import { invalidRequest } from "../base/wire-error.ts";

/** Largest image a client may attach, decoded bytes. Source: wire protocol section 5.3, agent. */
export const MAX_ATTACHMENT_BYTES = 5_000_000;

export interface AttachmentParts {
  readonly log: Logger;
  /** Stores a blob; the reference carries the type that the content shows. */
  readonly putMedia: (content: Uint8Array, as: { mime?: string; name?: string }) => Promise<MediaRef>;
}

/** An attachment as far as it could be read. */
interface Attachment {
  readonly mime?: string;
  readonly name?: string;
  readonly base64: string;
}

/**
 * Stores the images among a client's attachments; files of other types are dropped with a log line.
 *
 * @throws WireError for one that is too large or not base64; nothing is stored then.
 */
export async function storeAttachments(parts: AttachmentParts, raw: readonly unknown[]): Promise<readonly MediaRef[]> {
  const images = raw.map(parseAttachment).filter((attachment): attachment is Attachment => {
    const wanted = attachment !== undefined && (attachment.mime === undefined || attachment.mime.startsWith("image/"));
    if (!wanted) parts.log.warn("an attachment was dropped: only images are taken", { mime: attachment?.mime });
    return wanted;
  });
  const decoded = images.map((image, index) => ({ ...image, content: decode(image, index) }));
  const stored: MediaRef[] = [];
  for (const { content, mime, name } of decoded) {
    const as = { ...(mime === undefined ? {} : { mime }), ...(name === undefined ? {} : { name }) };
    const media = await parts.putMedia(content, as);
    if (media.kind === "image") stored.push(media);
    else parts.log.warn("an attachment was dropped: its content is no image", { mime: media.mime });
  }
  return stored;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const textIn = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** `{type?, mimeType?, fileName?, content}`; undefined for anything else. */
function parseAttachment(raw: unknown): Attachment | undefined {
  const content = isRecord(raw) ? textIn(raw["content"]) : undefined;
  if (!isRecord(raw) || content === undefined) return undefined;
  const url = dataUrl(content);
  const mime = textIn(raw["mimeType"]) ?? url?.mime;
  const name = textIn(raw["fileName"]);
  return {
    base64: url?.base64 ?? content,
    ...(name === undefined ? {} : { name }),
    ...(mime === undefined ? {} : { mime: mime.toLowerCase() }),
  };
}

/** `data:<mime>;base64,<data>`; undefined for anything else. */
function dataUrl(content: string): { readonly mime: string | undefined; readonly base64: string } | undefined {
  if (!content.startsWith("data:")) return undefined;
  const comma = content.indexOf(",");
  if (comma === -1) return undefined;
  return { mime: textIn(content.slice("data:".length, comma).split(";")[0]), base64: content.slice(comma + 1) };
}

/** Bytes of an image. Both alphabets of base64 are read. */
function decode({ base64, name }: Attachment, index: number): Uint8Array {
  const shown = name ?? `attachment ${index + 1}`;
  const text = base64.replaceAll(/\s/gu, "");
  // Three bytes per four characters: an oversize one is refused before it is decoded.
  // Without an expression: one that ends in "$" looks at a text of padding again from every place.
  let length = text.length;
  while (text[length - 1] === "=") length -= 1;
  const bytes = Math.floor((length * 3) / 4);
  if (bytes > MAX_ATTACHMENT_BYTES) {
    throw invalidRequest(`${shown}: exceeds the size limit (${bytes} > ${MAX_ATTACHMENT_BYTES} bytes)`);
  }
  if (text === "" || !/^[A-Za-z0-9+/_-]+={0,2}$/u.test(text)) throw invalidRequest(`${shown}: content is not base64`);
  return Buffer.from(text, "base64");
}
