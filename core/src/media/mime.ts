import type { MediaKind } from "openclaw-host-sdk";

/** Bytes of a file's start that are enough for every signature below. */
export const SNIFF_BYTES = 16;

const UNKNOWN = "application/octet-stream";

interface Signature {
  /** Best guess when nothing was declared. */
  readonly mime: string;
  readonly offset: number;
  readonly bytes: readonly number[];
  /** Other types of the same container, which a declaration may choose. */
  readonly also?: RegExp;
}

const ascii = (text: string): number[] => [...Buffer.from(text, "latin1")];

/** Source: https://mimesniff.spec.whatwg.org/#matching-a-mime-type-pattern and the formats' own specifications. */
const SIGNATURES: readonly Signature[] = [
  { mime: "image/png", offset: 0, bytes: [0x89, ...ascii("PNG\r\n"), 0x1a, 0x0a] },
  { mime: "image/jpeg", offset: 0, bytes: [0xff, 0xd8, 0xff], also: /^image\/jpg$/u },
  { mime: "image/gif", offset: 0, bytes: ascii("GIF8") },
  { mime: "image/webp", offset: 8, bytes: ascii("WEBP") },
  { mime: "audio/wav", offset: 8, bytes: ascii("WAVE"), also: /^audio\/(x-wav|vnd\.wave)$/u },
  { mime: "audio/ogg", offset: 0, bytes: ascii("OggS"), also: /^(audio|video|application)\/(ogg|opus)$/u },
  { mime: "audio/flac", offset: 0, bytes: ascii("fLaC"), also: /^audio\/x-flac$/u },
  { mime: "audio/mpeg", offset: 0, bytes: ascii("ID3"), also: /^audio\/(mp3|aac)$/u },
  { mime: "video/mp4", offset: 4, bytes: ascii("ftyp"), also: /^((audio|video)\/.*|image\/(heic|heif|avif))$/u },
  {
    mime: "video/webm",
    offset: 0,
    bytes: [0x1a, 0x45, 0xdf, 0xa3],
    also: /^(audio|video)\/(webm|x-matroska|matroska)$/u,
  },
  { mime: "application/pdf", offset: 0, bytes: ascii("%PDF-") },
  { mime: "application/zip", offset: 0, bytes: [0x50, 0x4b, 0x03, 0x04], also: /^application\/.+/u },
  { mime: "application/gzip", offset: 0, bytes: [0x1f, 0x8b], also: /^application\/.+/u },
];

const VALID_MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/u;

const matches = (signature: Signature, head: Uint8Array): boolean =>
  signature.bytes.every((byte, index) => head[signature.offset + index] === byte);

/**
 * The type of a blob: what its first bytes say, refined by what was declared. A declared type whose signature is known and
 * absent is not believed (an HTML page does not become an image by being called one).
 */
export function mimeOf(head: Uint8Array, declared?: string): string {
  const claim = declared?.split(";")[0]?.trim().toLowerCase() ?? "";
  const found = SIGNATURES.find((signature) => matches(signature, head));
  if (found !== undefined) return claim === found.mime || found.also?.test(claim) === true ? claim : found.mime;
  const disproved = SIGNATURES.some((signature) => signature.mime === claim && claim !== "audio/mpeg");
  return disproved || !VALID_MIME.test(claim) ? UNKNOWN : claim;
}

/** How a blob of this type is shown when nobody said it. */
export function kindOf(mime: string): MediaKind {
  const family = mime.split("/")[0];
  if (family === "image" || family === "audio" || family === "video") return family;
  return "file";
}
